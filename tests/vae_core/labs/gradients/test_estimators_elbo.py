"""The gradient of one example's ELBO in its own q: quadrature, sampling, and what the estimators find."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.vae_core.labs.gradients.test_estimators import z_statistics
from vae_core.config import ModelConfig
from vae_core.elbo import elbo_terms_given_eps
from vae_core.errors import BadInput
from vae_core.evidence.exact import exact_evidence
from vae_core.labs.gradients.accuracy import PIECE, moments_of_estimates
from vae_core.labs.gradients.estimators import (
    ESTIMATORS,
    draw_samples,
    elbo_expectation,
    estimates,
    gradient_of,
)
from vae_core.labs.gradients.exact import (
    NUM_NODES,
    ExampleElbo,
    example_elbo,
    expected_value,
    quadrature,
    sampled_gradient,
)
from vae_core.memory import CHUNK_VALUES
from vae_core.model import VAE
from vae_core.posteriors import DiagonalNormal


def vae(latent_dim: int, **config: Any) -> tuple[VAE, Tensor]:
    """A model whose decoder is not flat, and an example."""
    generator = torch.Generator().manual_seed(3)
    sizes = ModelConfig(data_dim=12, latent_dim=latent_dim, hidden_dims=(16,), **config)
    model = VAE(sizes, generator=generator)
    with torch.no_grad():
        for weight in model.decoder.weights:
            weight.mul_(1.5)
    return model, torch.rand(12, generator=generator).round()


def subject(latent_dim: int, **config: Any) -> ExampleElbo:
    return example_elbo(*vae(latent_dim, **config))


LIKELIHOODS = ("bernoulli", "continuous_bernoulli", "gaussian")


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize("latent_dim", [1, 2])
def test_quadrature_has_the_elbo_of_the_evidence(latent_dim: int, likelihood: str) -> None:
    """Its value is that of an independent lattice rule; its gradient that of finite differences of this."""
    model, x = vae(latent_dim, likelihood=likelihood)
    example = example_elbo(model, x)
    found = quadrature(example.exact, example.mean, example.std)
    evidence = exact_evidence(model, x[None])
    assert float(found.value) == pytest.approx(float(evidence.elbo), abs=1e-4)
    finer = quadrature(example.exact, example.mean, example.std, num_nodes=2 * NUM_NODES[latent_dim])
    for part, close, error in zip(found.gradient, finer.gradient, found.error, strict=True):
        assert bool(((part - close).abs() <= error + 1e-9).all())
        assert bool((error < (1e-6 if latent_dim == 1 else 1e-3)).all())
    step = 1e-5
    for dim in range(latent_dim):
        shift = step * torch.eye(latent_dim).double()[dim]
        for part, places in (
            (found.gradient.mean, [(example.mean + sign * shift, example.std) for sign in (1, -1)]),
            (found.gradient.std, [(example.mean, example.std + sign * shift) for sign in (1, -1)]),
        ):
            above, below = (float(quadrature(example.exact, *place).value) for place in places)
            assert float(part[dim]) == pytest.approx((above - below) / (2 * step), abs=1e-6)


def test_wide_networks_are_given_few_z_at_a_time(generator: torch.Generator) -> None:
    """A hidden layer of 8192 units and 4096 samples, or 3721 nodes: not more than 8 MB at once."""
    model = VAE(ModelConfig(data_dim=2, hidden_dims=(8192,), likelihood="gaussian"), generator=generator)
    expectation = elbo_expectation(model.double(), torch.ones(2, dtype=torch.float64))
    assert expectation.width == 8192
    given: list[int] = []

    def f(z: torch.Tensor) -> torch.Tensor:
        given.append(z.numel() // 2)
        return expectation.f(z)

    mean, std = torch.tensor([0.1, -0.2]).double(), torch.tensor([0.5, 0.7]).double()
    one = draw_samples(expectation._replace(f=f), mean, std, num_samples=600, generator=generator)
    two = quadrature(expectation._replace(f=f), mean, std, num_nodes=25)
    value = expected_value(expectation._replace(f=f), mean, std, num_nodes=25)
    assert max(given) * 8192 <= CHUNK_VALUES
    at_once = expectation._replace(width=1)
    z = mean + std * one.eps
    torch.testing.assert_close(one.values, at_once.f(z), rtol=1e-12, atol=1e-12)
    right = quadrature(at_once, mean, std, num_nodes=25)
    for found, expected in zip(
        (two.value, *two.gradient, value), (right.value, *right.gradient, right.value), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_the_expectation_is_differentiated_rightly(generator: torch.Generator) -> None:
    """gradcheck of L for frozen noise, float64."""
    example = subject(2)
    eps = torch.randn(5, 2, generator=generator, dtype=torch.float64)

    def frozen(mean: Tensor, std: Tensor) -> Tensor:
        return example.exact.f(mean + std * eps).mean() + example.exact.explicit(mean, std)

    places = (example.mean.clone().requires_grad_(), example.std.clone().requires_grad_())
    assert torch.autograd.gradcheck(frozen, places)


def test_reparameterised_estimate_is_the_gradient_of_the_trained_elbo(generator: torch.Generator) -> None:
    """With the same noise: back-propagation through elbo_terms gives the same derivatives."""
    model, x = vae(2)
    model, x = model.double(), x.double()
    example = example_elbo(model, x)
    samples = draw_samples(example.exact, example.mean, example.std, num_samples=6, generator=generator)
    found = estimates(samples, "reparameterised", num_samples=6)

    def elbo(mean: Tensor, std: Tensor) -> Tensor:
        q = DiagonalNormal(mean[None], 2 * std.log()[None])
        return elbo_terms_given_eps(model, x[None], q, samples.eps[:, None]).elbo.sum()

    _, expected = gradient_of(elbo, example.mean, example.std)
    for part, known in zip(found, expected, strict=True):
        assert torch.allclose(part[0], known, atol=1e-12)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_right_estimators_of_the_elbo_are_unbiased(likelihood: str, generator: torch.Generator) -> None:
    """|z| < 5 in 12 derivatives; the wrong ones are far beyond."""
    example = subject(2, likelihood=likelihood)
    truth = quadrature(example.exact, example.mean, example.std)
    samples = draw_samples(
        example.expectation, example.mean.float(), example.std.float(), num_samples=2**15, generator=generator
    )
    for name in ("reparameterised", "score", "baseline"):
        found = z_statistics(estimates(samples, name, num_samples=4), truth)
        assert max(map(abs, found)) < 5, (name, found)
    assert max(map(abs, z_statistics(estimates(samples, "squared", num_samples=4), truth))) > 20
    wrong = quadrature(example.exact, example.mean, example.std, squared=True)
    assert max(map(abs, z_statistics(estimates(samples, "squared", num_samples=4), wrong))) < 5
    _, kl = gradient_of(example.exact.explicit, example.mean, example.std)
    for part, known in zip(estimates(samples, "constant"), kl, strict=True):
        assert torch.allclose(part.double(), known.expand(len(part), -1), atol=1e-5)


class Shifted:
    """N(1, I), whose KL has no closed form here."""

    def kl_per_dim_from(self, q: DiagonalNormal) -> None:
        del q

    def log_prob(self, z: Tensor) -> Tensor:
        return DiagonalNormal(torch.ones(2).to(z), torch.zeros(2).to(z)).log_prob(z)


def test_another_prior_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """f takes log p(z) in, the entropy stays explicit: the KL to N(1, I) in closed form says what it is."""
    example = subject(2)
    plain = quadrature(example.exact, example.mean, example.std)
    monkeypatch.setattr(VAE, "prior", property(lambda self: Shifted()))
    other = subject(2)
    found = quadrature(other.exact, example.mean, example.std)
    # KL to N(1, I) is KL to N(0, I) less sum(mean) - J / 2.
    assert float(found.value - plain.value) == pytest.approx(float(example.mean.sum()) - 1, abs=1e-9)
    assert torch.allclose(found.gradient.mean, plain.gradient.mean + 1, atol=1e-9)
    assert torch.allclose(found.gradient.std, plain.gradient.std, atol=1e-9)


def test_many_samples_stand_in_for_quadrature(generator: torch.Generator) -> None:
    example = subject(2)
    exact = quadrature(example.exact, example.mean, example.std)
    sampled = sampled_gradient(
        example.expectation, example.mean.float(), example.std.float(), num_samples=2**15, generator=generator
    )
    for part, known, error in zip(sampled.gradient, exact.gradient, sampled.standard_error, strict=True):
        assert bool(((part - known).abs() < 5 * error).all())
        assert bool((error < 0.05).all())
    three = subject(3)
    with pytest.raises(BadInput, match="latent dimensions"):
        quadrature(three.exact, three.mean, three.std)


def test_moments_of_pieces_are_those_of_all(generator: torch.Generator) -> None:
    example = subject(2)
    mean, std = example.mean.float(), example.std.float()
    said: list[float] = []
    found = moments_of_estimates(
        example.expectation,
        mean,
        std,
        sample_counts=(1, 8),
        num_samples=3 * PIECE,
        generator=torch.Generator().manual_seed(5),
        on_progress=said.append,
    )
    noise = torch.Generator().manual_seed(5)
    pieces = [
        draw_samples(example.expectation, mean, std, num_samples=PIECE, generator=noise) for _ in range(3)
    ]
    for row, count in enumerate((1, 8)):
        for column, name in enumerate(ESTIMATORS):
            parts = [torch.stack(estimates(piece, name, num_samples=count)) for piece in pieces]
            values = torch.cat(parts, 1).double()
            assert torch.allclose(found.mean[row, column], values.mean(1), atol=1e-9)
            assert torch.allclose(found.variance[row, column], values.var(1), rtol=1e-9)
            assert int(found.size[row, column]) == values.shape[1]
    assert said == pytest.approx([1 / 3, 2 / 3, 1])


@pytest.mark.parametrize("spoil", ["deterministic", "weights"])
def test_models_without_a_gradient_are_refused(spoil: str) -> None:
    model, x = vae(2, **({"encoder_head": "deterministic"} if spoil == "deterministic" else {}))
    if spoil == "weights":
        with torch.no_grad():
            model.encoder.weights[0].fill_(math.nan)
    with pytest.raises(BadInput, match="deterministic" if spoil == "deterministic" else "finite"):
        example_elbo(model, x)
