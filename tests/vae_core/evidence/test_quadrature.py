"""log p(x) by quadrature: closed forms, an independent grid, any encoder, honest errors, the identity."""

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import pytest
import torch
from scipy.integrate import cubature
from sklearn.datasets import load_digits
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from tests.linear_gaussian import exact_vae, fit_ppca
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.errors import BadInput
from vae_core.evidence.exact import Evidence, exact_evidence
from vae_core.evidence.posterior_density import posterior_on_grid
from vae_core.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian, LikelihoodModel
from vae_core.model import VAE
from vae_core.training.loop import Training


@pytest.fixture(scope="module")
def digits() -> Tensor:
    return torch.from_numpy(np.asarray(load_digits(return_X_y=True)[0])[:60] / 16)


def nonlinear(generator: torch.Generator, **settings: Any) -> VAE:
    """A decoder with strong weights, so that posteriors are bent and small, float64."""
    config = ModelConfig(data_dim=9, hidden_dims=(16,), initial_weights="he", **settings)
    model = VAE(config, generator=generator).double()
    with torch.no_grad():
        for weight in model.decoder.weights:
            weight.mul_(3)
    return model


@torch.no_grad()
def by_plain_grid(
    model: VAE, x: Tensor, count: int = 701, reach: float = 8.0
) -> tuple[Tensor, Tensor, Tensor]:
    """log p(x), E_q[log p(x|z)] and KL(q || posterior) on a grid that knows nothing of tiles."""
    q, evidence, parts = model.posterior(x), [], []
    for z, log_joint, given_z, cell in _pieces(model, x, count, reach):
        evidence.append(torch.logsumexp(log_joint, 1) + cell)
        log_q = Normal(q.mean[:, None], q.std[:, None]).log_prob(z).sum(-1)
        share = torch.exp(log_q + cell)
        parts.append(torch.stack([(share * value).sum(1) for value in (given_z, log_q - log_joint, 1.0)]))
    log_evidence = torch.logsumexp(torch.stack(evidence), 0)
    reconstruction, divergence, mass = torch.stack(parts).sum(0)
    return log_evidence, reconstruction, divergence + mass * log_evidence


@torch.no_grad()
def evidence_by_plain_grid(model: VAE, x: Tensor, count: int, reach: float = 8.0) -> Tensor:
    """The log p(x) of :func:`by_plain_grid` alone, in less than half of the time."""
    pieces = _pieces(model, x, count, reach)
    return torch.logsumexp(torch.stack([torch.logsumexp(one, 1) + cell for _, one, _, cell in pieces]), 0)


def _pieces(
    model: VAE, x: Tensor, count: int, reach: float
) -> Iterator[tuple[Tensor, Tensor, Tensor, float]]:
    """z, log p(x, z), log p(x|z) and the log of a cell, of 50,000 points at a time: the cache holds them."""
    axis = torch.linspace(-reach, reach, count, dtype=torch.float64)
    cell = 2 * math.log(2 * reach / (count - 1))
    for rows in axis.split(max(1, 50_000 // count)):
        z = torch.cartesian_prod(rows, axis)
        given_z = torch.stack([model.likelihood(z).log_prob(example) for example in x])
        yield z, given_z + Normal(torch.zeros(2).double(), 1).log_prob(z).sum(-1), given_z, cell


def residual(found: Evidence) -> Tensor:
    return (found.log_evidence - found.elbo - found.kl_to_posterior).abs()


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_linear_model_has_its_closed_form(digits: Tensor, latent_dim: int) -> None:
    ppca = fit_ppca(digits, latent_dim)
    found = exact_evidence(exact_vae(ppca), digits)
    assert (found.log_evidence - ppca.log_prob(digits)).abs().max() < 1e-8
    assert found.kl_to_posterior.abs().max() < 1e-8, "q is the posterior"
    assert residual(found).max() < 1e-8
    assert found.error.max() < 1e-4


@pytest.mark.parametrize("bias", [(0.3, -0.2, 0.5, -0.7), (0.1, 0.0, -12.0, -4.0), (0.0, 0.2, 6.0, -18.0)])
def test_gap_of_a_wrong_encoder_is_its_divergence(digits: Tensor, bias: tuple[float, ...]) -> None:
    """Also of one that is thousands of times too narrow, in one dimension and wide in the other."""
    ppca = fit_ppca(digits, 2)
    model = exact_vae(ppca)
    with torch.no_grad():
        exact = model.posterior(digits)
        model.encoder.biases[0].add_(torch.tensor(bias).double())
        q = model.posterior(digits)
    found = exact_evidence(model, digits)
    expected = kl_divergence(Normal(q.mean, q.std), Normal(exact.mean, exact.std)).sum(-1)
    assert ((found.kl_to_posterior - expected).abs() / expected).max() < 1e-7
    assert (found.log_evidence - ppca.log_prob(digits)).abs().max() < 1e-8


@pytest.mark.parametrize("latent_dim", [1, 2])
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_scipy_cubature_finds_the_same(likelihood: str, latent_dim: int, generator: torch.Generator) -> None:
    """An adaptive rule of others, Gauss and Kronrod's with 21 nodes in each dimension; float64, to 1e-6 nats.

    Over 8 standard deviations of the prior, beyond which the mass is below 1e-14, with its own error below
    1e-8 of the integral.
    """
    model = nonlinear(generator, latent_dim=latent_dim, likelihood=likelihood, likelihood_scale=0.5)
    x = torch.rand(4, 9, generator=generator).double()
    found = exact_evidence(model, x)
    q = model.posterior(x)

    @torch.no_grad()
    def integrands(places: np.ndarray) -> np.ndarray:
        """p(x, z) / p(x), as found, and q log p(x|z) for each x: shape (n, 2, 4)."""
        z = torch.from_numpy(places)
        given_z = torch.stack([model.likelihood(z).log_prob(example) for example in x], dim=1)
        log_prior = Normal(torch.zeros(latent_dim).double(), 1).log_prob(z).sum(-1, keepdim=True)
        log_q = Normal(q.mean, q.std).log_prob(z[:, None]).sum(-1)
        return torch.stack(
            [(given_z + log_prior - found.log_evidence).exp(), log_q.exp() * given_z], 1
        ).numpy()

    corner = np.full(latent_dim, 8.0)
    theirs = cubature(integrands, -corner, corner, rtol=1e-8, atol=1e-8)
    assert theirs.status == "converged"
    ratio, reconstruction = theirs.estimate
    assert np.abs(np.log(ratio)).max() < 1e-6
    assert np.abs(reconstruction - found.reconstruction.numpy()).max() < 1e-6


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous_bernoulli", "gaussian"])
def test_nonlinear_decoder_against_a_plain_grid(likelihood: str, generator: torch.Generator) -> None:
    model = nonlinear(generator, likelihood=likelihood, likelihood_scale=0.5)
    x = torch.rand(5, 9, generator=generator).double()
    found = exact_evidence(model, x)
    log_evidence, reconstruction, divergence = by_plain_grid(model, x)
    torch.testing.assert_close(evidence_by_plain_grid(model, x, count=701), log_evidence, rtol=0, atol=1e-10)
    assert (found.log_evidence - log_evidence).abs().max() < 1e-5
    assert (found.reconstruction - reconstruction).abs().max() < 1e-5
    assert (found.kl_to_posterior - divergence).abs().max() < 1e-5
    assert residual(found).max() < 1e-5
    assert found.kl_to_posterior.min() > 0


@pytest.mark.parametrize(
    ("shift", "log_var"), [(0.0, 0.0), (3.0, 0.0), (0.0, -6.0), (-9.0, -3.0), (0.0, 3.0)]
)
def test_evidence_does_not_depend_on_the_encoder(
    shift: float, log_var: float, generator: torch.Generator
) -> None:
    """Far off, too narrow, too wide: the integral is the model's alone, and the identity still closes."""
    model = nonlinear(generator)
    x = torch.rand(4, 9, generator=generator).double()
    before = exact_evidence(model, x)
    with torch.no_grad():
        model.encoder.biases[-1].copy_(torch.tensor([shift, -shift, log_var, log_var]))
    after = exact_evidence(model, x)
    change = (after.log_evidence - before.log_evidence).abs()
    assert (change <= before.error + after.error + 1e-6).all()
    assert change.max() < 1e-4
    assert residual(after).max() < 1e-3
    assert after.error.max() < 1e-3


def test_two_modes_are_both_counted(generator: torch.Generator) -> None:
    """A decoder that is even in z: the posterior has two mirror images, q sees one of them."""
    model = nonlinear(generator, likelihood="gaussian", likelihood_scale=0.3, activation="silu")
    with torch.no_grad():
        model.encoder.weights[-1].mul_(0.1)
        first, second = model.decoder.weights
        first[8:], model.decoder.biases[0][8:] = -first[:8], model.decoder.biases[0][:8]
        second[:, 8:] = second[:, :8]
        x = model.likelihood(torch.tensor([[1.5, -0.7]]).double()).mean
    found, log_evidence = exact_evidence(model, x), evidence_by_plain_grid(model, x, count=1401)
    assert (found.log_evidence - log_evidence).abs().max() < 1e-5
    axis, density = posterior_on_grid(model, x[0]).axes[0], posterior_on_grid(model, x[0]).log_density.exp()
    assert axis[0] < -1.5 < 1.5 < axis[-1]
    left = float(density[axis < 0].sum() / density.sum())
    assert left == pytest.approx(0.5, abs=0.15), "half of the mass on each side"


def test_sharp_posterior_is_found_and_resolved(digits: Tensor) -> None:
    """64 pixels seen through s = 0.004: the posterior is a two-hundredth as wide as the prior."""
    ppca = fit_ppca(digits, 2)._replace(variance=1.6e-5)
    found = exact_evidence(exact_vae(ppca), digits)
    relative = (found.log_evidence - ppca.log_prob(digits)).abs() / ppca.log_prob(digits).abs()
    assert exact_vae(ppca).posterior(digits).std.max() < 0.006
    assert relative.max() < 1e-9
    assert found.error.max() < 1e-3


@pytest.mark.parametrize(("activation", "scale"), [("tanh", 0.3), ("relu", 0.1)])
def test_error_is_honest(activation: str, scale: float, generator: torch.Generator) -> None:
    """Sharp posteriors and kinks: what is reported covers the distance to a grid four times as fine."""
    model = nonlinear(generator, likelihood="gaussian", likelihood_scale=scale, activation=activation)
    with torch.no_grad():
        z = torch.randn(2, 2, generator=generator).double()
        x = model.likelihood(z).mean + scale * torch.randn(2, 9, generator=generator).double()
    found = exact_evidence(model, x)
    log_evidence = evidence_by_plain_grid(model, x, count=2001, reach=5.0)
    assert ((found.log_evidence - log_evidence).abs() <= found.error + 1e-5).all()
    assert (residual(found) <= found.elbo_error + found.kl_to_posterior_error + 1e-7).all()


KINDS: tuple[dict[str, Any], ...] = (
    {"likelihood": "bernoulli"},
    {"likelihood": "continuous_bernoulli"},
    {"likelihood": "gaussian", "likelihood_scale": 0.2},
    {"likelihood": "gaussian", "likelihood_scale": None},
    {"likelihood": "bernoulli", "latent_dim": 1, "encoder_head": "variance"},
    {"likelihood": "bernoulli", "encoder_head": "unit_variance", "activation": "relu"},
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
def test_identity_closes_on_trained_digits(kind: dict[str, Any]) -> None:
    """log p(x) = ELBO + KL(q || posterior) to a thousandth of a nat, in the float32 of the app."""
    data, generator = load_dataset("digits"), torch.Generator().manual_seed(0)
    model = VAE(ModelConfig(data_dim=64, hidden_dims=(32,), **kind), generator=generator)
    for _ in Training(model, data, TrainConfig(num_epochs=8), generator=generator).steps():
        pass
    found = exact_evidence(model, data.x_test[:100])
    assert residual(found).max() < 1e-3
    assert found.error.max() < 1e-3
    assert (found.log_evidence - found.elbo + found.error).min() >= 0
    exact = exact_evidence(model.double(), data.x_test[:100].double())
    assert (found.log_evidence - exact.log_evidence).abs().max() < 1e-3, "float32 is enough"
    # Of ELBO errors of 3e-9 the page's float32 left 9e-8.
    for name, error in (
        ("log_evidence", "error"),
        ("elbo", "elbo_error"),
        ("kl_to_posterior", "kl_to_posterior_error"),
    ):
        off = (getattr(found, name) - getattr(exact, name)).abs()
        assert (off <= getattr(found, error) + getattr(exact, error)).all(), name


def sharp(seed: int, latent_dim: int) -> VAE:
    """A random decoder with kinks, s = 0.03: posteriors of many modes, a hundredth as wide as the prior."""
    config = ModelConfig(
        data_dim=16,
        latent_dim=latent_dim,
        hidden_dims=(32,),
        activation="relu",
        likelihood="gaussian",
        likelihood_scale=0.03,
    )
    model = VAE(config, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for weight in model.decoder.weights:
            weight.mul_(2)
    return model


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_drawn_posterior_holds_what_log_p_counts(latent_dim: int) -> None:
    """99 % of p(x), of sharp posteriors too; a zoom by the picture's own points lost whole modes."""
    for seed in range(4):
        model, noise = sharp(seed, latent_dim), torch.Generator().manual_seed(seed)
        x = torch.rand(3, 16, generator=noise)
        for example in x:
            grid = posterior_on_grid(model, example)
            assert grid.log_evidence == float(exact_evidence(model, example[None]).log_evidence)
            assert grid.mass == pytest.approx(1, abs=0.01), (seed, latent_dim)


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_drawn_posterior_lies_where_the_mass_is(latent_dim: int) -> None:
    """The mean of each picture against that of a plain grid over the whole space, to one of its points."""
    for seed in range(3):
        model = sharp(seed, latent_dim)
        x = torch.rand(16, generator=torch.Generator().manual_seed(seed))
        grid = posterior_on_grid(model, x)
        count = {1: 200_001, 2: 701}[latent_dim]
        axis = torch.linspace(-6, 6, count, dtype=torch.float64)
        z = torch.cartesian_prod(*(axis,) * latent_dim).reshape(-1, latent_dim)
        with torch.no_grad():
            log_joint = (
                torch.cat(
                    [
                        model.likelihood(some.float()).pairwise_log_prob(x[None])[:, 0]
                        for some in z.split(50_000)
                    ]
                ).double()
                - z.square().sum(1) / 2
            )
        expected = (log_joint.softmax(0)[:, None] * z).sum(0)
        density = grid.log_density.exp() / grid.log_density.exp().sum()
        for dim, values in enumerate(grid.axes):
            others = [d for d in range(latent_dim) if d != dim]
            marginal = density.sum(others) if others else density
            spacing = float(values[1] - values[0])
            assert float((marginal * values).sum()) == pytest.approx(float(expected[dim]), abs=spacing)


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_drawn_posterior_is_a_density_round_the_closed_form(digits: Tensor, latent_dim: int) -> None:
    ppca = fit_ppca(digits, latent_dim)
    model = exact_vae(ppca)
    with torch.no_grad():
        exact = model.posterior(digits[:1])
    grid = posterior_on_grid(model, digits[0])
    cell = math.prod(float(axis[1] - axis[0]) for axis in grid.axes)
    density = grid.log_density.exp() * cell
    assert float(density.sum()) == pytest.approx(1, abs=2e-3)
    for dim, axis in enumerate(grid.axes):
        others = [d for d in range(latent_dim) if d != dim]
        marginal = density.sum(others) if others else density
        mean = float((marginal * axis).sum())
        assert mean == pytest.approx(float(exact.mean[0, dim]), abs=1e-3)
        std = math.sqrt(float((marginal * (axis - mean) ** 2).sum()))
        assert std == pytest.approx(float(exact.std[0, dim]), rel=2e-3)


def test_refusals(generator: torch.Generator) -> None:
    x = torch.zeros(2, 4)
    with pytest.raises(BadInput, match="3 latent dimensions") as caught:
        exact_evidence(VAE(ModelConfig(data_dim=4, latent_dim=3), generator=generator), x)
    assert "importance-weighted" in str(caught.value)
    with pytest.raises(BadInput, match="deterministic"):
        exact_evidence(VAE(ModelConfig(data_dim=4, encoder_head="deterministic"), generator=generator), x)
    model = VAE(ModelConfig(data_dim=4, hidden_dims=(3,)), generator=generator)
    with pytest.raises(BadInput, match="4 values per example"):
        exact_evidence(model, torch.zeros(2, 5))
    with torch.no_grad():
        model.decoder.weights[0].fill_(math.nan)
    with pytest.raises(BadInput, match="not finite"):
        exact_evidence(model, x)


LIKELIHOODS: Final[tuple[Callable[[Tensor], LikelihoodModel], ...]] = (
    Bernoulli,
    ContinuousBernoulli,
    lambda outputs: Gaussian(outputs, torch.tensor(0.05).to(outputs)),
)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_pairs_are_log_prob_of_each_pair(
    likelihood: Callable[[Tensor], LikelihoodModel], generator: torch.Generator
) -> None:
    """In float64 to rounding; in float32 to 1e-4; the Gaussian's products are float64 there too."""
    x = torch.rand(4, 11, generator=generator)
    outputs = 4 * torch.randn(6, 11, generator=generator)
    single, double = likelihood(outputs), likelihood(outputs.double())
    expected = torch.stack([double.log_prob(example) for example in x.double()], dim=1)
    assert torch.allclose(double.pairwise_log_prob(x.double()), expected, rtol=1e-12, atol=1e-10)
    assert torch.allclose(single.pairwise_log_prob(x), expected, rtol=1e-5, atol=1e-4)
