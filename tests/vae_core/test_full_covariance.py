"""An encoder with a full covariance matrix: closed forms, a linear model's exact posterior, estimates."""

import math
from typing import Final, get_args

import numpy as np
import pytest
import torch
from torch import Tensor, distributions

from tests.linear_gaussian import ProbabilisticPCA, linear_vae, sigma_points
from vae_core.config import MAX_FULL_DIM, ModelConfig, Prior, TrainConfig
from vae_core.data import load_dataset
from vae_core.distributions import LOG_VAR_RANGE
from vae_core.elbo import elbo_terms_given_eps, monte_carlo_kl
from vae_core.errors import BadInput, TrainingDiverged
from vae_core.evidence import ais_evidence, best_posterior, exact_evidence, iw_evidence, optimise_posterior
from vae_core.latent.aggregate import kl_surgery, log_aggregate
from vae_core.model import VAE
from vae_core.posteriors import DiagonalNormal, Draws, FullNormal, chosen
from vae_core.priors import NormalMixture, StandardNormal
from vae_core.training.loop import Training

SCALE: Final = 0.4


def some_normal(generator: torch.Generator, *, batch: int = 5, dims: int = 3) -> FullNormal:
    roots = torch.randn(batch, dims, dims, generator=generator).double()
    mean = torch.randn(batch, dims, generator=generator).double()
    return FullNormal.from_covariance(mean, 0.3 * roots @ roots.mT + 0.1 * torch.eye(dims))


def linear_model(generator: torch.Generator, latent_dim: int = 2) -> tuple[VAE, ProbabilisticPCA]:
    """x = W z + m + s eps, and as encoder its posterior, whose axes are correlated; float64."""
    weights, mean = torch.randn(6, latent_dim, generator=generator).double(), torch.full((6,), 0.3).double()
    weights[:, -1] += 1.5 * weights[:, 0]
    model = linear_vae(6, latent_dim, likelihood_scale=SCALE, encoder_head="full_covariance").double()
    exact = ProbabilisticPCA(mean, weights, SCALE**2, torch.zeros(6))
    slope, covariance = exact.posterior()
    factor = torch.linalg.cholesky(covariance)
    rows, columns = torch.tril_indices(latent_dim, latent_dim, -1)
    spread = torch.cat([2 * factor.diagonal().log(), factor[rows, columns]])
    with torch.no_grad():
        model.encoder.weights[0].zero_()
        model.encoder.weights[0][:latent_dim] = slope
        model.encoder.biases[0].copy_(torch.cat([-slope @ mean, spread]))
        model.decoder.weights[0].copy_(weights)
        model.decoder.biases[0].copy_(mean)
    assert abs(float(factor[-1, 0])) > 0.01, "the axes are tilted"
    return model, exact


def test_kl_entropy_and_total_correlation_are_pytorchs(generator: torch.Generator) -> None:
    q = some_normal(generator)
    theirs = distributions.MultivariateNormal(q.mean, q.covariance)
    standard = distributions.MultivariateNormal(torch.zeros(3).double(), torch.eye(3).double())
    expected = distributions.kl_divergence(theirs, standard)
    torch.testing.assert_close(q.kl_to_standard_normal().sum(-1), expected, rtol=1e-12, atol=0)
    assert (q.kl_to_standard_normal() >= 0).all(), "each is the KL of a conditional"
    marginals = distributions.MultivariateNormal(q.mean, torch.diag_embed(q.variance))
    correlation = distributions.kl_divergence(theirs, marginals)
    torch.testing.assert_close(q.total_correlation(), correlation, rtol=1e-11, atol=1e-13)
    by_marginals = q.marginals.kl_to_standard_normal().sum(-1) + correlation
    torch.testing.assert_close(q.kl_to_standard_normal().sum(-1), by_marginals, rtol=1e-11, atol=0)
    torch.testing.assert_close(q.entropy(), theirs.entropy(), rtol=1e-12, atol=0)


def test_kl_is_that_of_samples(generator: torch.Generator) -> None:
    """200 000 samples each: five standard errors."""
    q = some_normal(generator)
    z = q.sample(200_000, generator=generator)
    log_ratios = q.log_prob(z) - StandardNormal(3).log_prob(z)
    error = log_ratios.std(0) / math.sqrt(len(z))
    assert (
        (monte_carlo_kl(Draws(q, z), StandardNormal(3)) - q.kl_to_standard_normal().sum(-1)).abs() < 5 * error
    ).all()


def test_whitening_undoes_the_sampling(generator: torch.Generator) -> None:
    q = some_normal(generator)
    eps = torch.randn(4, 5, 3, generator=generator).double()
    torch.testing.assert_close(q.whiten(q.reparameterize(eps)), eps, rtol=1e-11, atol=1e-12)
    one = FullNormal(q.mean[0], q.factor[0])
    torch.testing.assert_close(one.whiten(one.reparameterize(eps[0, 0])), eps[0, 0], rtol=1e-11, atol=1e-12)


def test_density_integrates_to_one(generator: torch.Generator) -> None:
    q = some_normal(generator, batch=1, dims=2)
    axis = torch.linspace(-12, 12, 1201, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)[:, None]
    assert float(q.log_prob(z).exp().sum()) * 0.02**2 == pytest.approx(1, abs=1e-9)


def test_subsets_copies_and_moves(generator: torch.Generator) -> None:
    q = some_normal(generator, batch=7)
    assert [len(part.mean) for part in q.split(3)] == [3, 3, 1]
    merged = chosen(torch.arange(7) < 3, q, q.moved(*(part + 0.1 for part in q.no_move())))
    assert torch.equal(merged.factor[:3], q.factor[:3])
    assert not torch.equal(merged.factor[3:], q.factor[3:])
    assert torch.equal(merged.factor, merged.factor.tril())
    same = q.moved(*q.no_move())
    assert torch.equal(same.mean, q.mean)
    assert torch.equal(same.factor, q.factor)
    diagonal = DiagonalNormal(q.mean, torch.zeros(7, 3).double())
    shift, growth = torch.randn(2, 7, 3, generator=generator).double()
    by_diagonal = diagonal.moved(shift, growth)
    full = FullNormal.from_entries(q.mean, torch.zeros(7, 3).double(), torch.zeros(7, 3).double())
    by_full = full.moved(shift, torch.diag_embed(growth))
    torch.testing.assert_close(by_full.mean, by_diagonal.mean)
    torch.testing.assert_close(by_full.std, by_diagonal.std)


@pytest.mark.parametrize("latent_dim", [1, 3])
def test_without_entries_below_the_diagonal_it_is_the_log_variance_head(
    generator: torch.Generator, latent_dim: int
) -> None:
    config = {"data_dim": 5, "latent_dim": latent_dim, "hidden_dims": (7,)}
    full = VAE(ModelConfig(encoder_head="full_covariance", **config), generator=generator).double()
    diagonal = VAE(ModelConfig(**config), generator=generator).double()
    with torch.no_grad():
        for name, value in diagonal.state_dict().items():
            target = full.state_dict()[name]
            target.zero_()
            target[: len(value)] = value
    x = torch.rand(6, 5, generator=generator).double()
    eps = torch.randn(2, 6, latent_dim, generator=generator).double()
    ours, theirs = (elbo_terms_given_eps(model, x, model.posterior(x), eps) for model in (full, diagonal))
    for found, expected in zip(ours, theirs, strict=True):
        assert found is not None
        assert expected is not None
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


def test_linear_gaussian_model_has_no_gap(generator: torch.Generator) -> None:
    """Its posterior is in the family: ELBO = log p(x), to 1e-9 nats."""
    model, exact = linear_model(generator)
    x = exact.mean + torch.randn(20, 6, generator=generator).double()
    log_evidence = exact.log_prob(x)
    eps = sigma_points(2).expand(-1, 20, -1)
    terms = elbo_terms_given_eps(model, x, model.posterior(x), eps)
    assert (log_evidence - terms.elbo).abs().max() < 1e-9
    found = exact_evidence(model, x)
    assert (found.log_evidence - log_evidence).abs().max() < 1e-6
    assert ((found.log_evidence - found.elbo - found.kl_to_posterior).abs() < 1e-6).all()
    assert found.kl_to_posterior.abs().max() < 1e-6
    weighted = iw_evidence(model, x, num_samples=3, generator=generator)
    assert (weighted.bound - log_evidence).abs().max() < 1e-9, "every weight is p(x)"
    best = best_posterior(model, x[:3], on_progress=lambda _: None)
    assert (best.elbo - log_evidence[:3]).abs().max() < 1e-9
    diagonal = best_posterior(as_diagonal(model), x[:3], on_progress=lambda _: None)
    assert (log_evidence[:3] - diagonal.elbo > 0.01).all(), "no diagonal Gaussian is the posterior"


def as_diagonal(model: VAE) -> VAE:
    """The same decoder with the untrained encoder of a diagonal Gaussian."""
    other = linear_vae(6, model.config.latent_dim, likelihood_scale=SCALE).double()
    other.decoder.load_state_dict(model.decoder.state_dict())
    return other


@pytest.mark.parametrize("latent_dim", [2, 4])
def test_ascent_from_any_encoder_reaches_the_exact_posterior(
    generator: torch.Generator, latent_dim: int
) -> None:
    model, exact = linear_model(generator, latent_dim)
    with torch.no_grad():
        model.encoder.biases[0].add_(0.5 * torch.randn(model.encoder.biases[0].shape, generator=generator))
    x = exact.mean + torch.randn(3, 6, generator=generator).double()
    steps = optimise_posterior(model, x)
    assert (exact.log_prob(x) - steps[0].elbo > 0.05).all()
    # A rule with random points for J > 2 is exact for quadratics only in part.
    assert (exact.log_prob(x) - steps[-1].elbo).abs().max() < (1e-3 if latent_dim == 2 else 0.05)


def test_annealing_starts_from_it(generator: torch.Generator) -> None:
    model, exact = linear_model(generator, 3)
    x = exact.mean + torch.randn(4, 6, generator=generator).double()
    start = model.posterior(x).as_normal()
    found = ais_evidence(
        model, x, start=start, num_temperatures=60, generator=generator, on_progress=lambda _: None
    )
    assert ((found.log_evidence - exact.log_prob(x)).abs() < 5 * found.standard_error + 1e-6).all()
    assert found.standard_error.max() < 0.2


def test_evidence_under_a_mixture_of_tilted_gaussians(generator: torch.Generator) -> None:
    """log p(x) = log sum_k pi_k N(x; W m_k + m, W C_k W' + s^2 I), and the identity with a tilted q."""
    model, exact = linear_model(generator)
    some, widths = some_normal(generator, batch=4, dims=2), torch.tensor([1.0, 0.1, 0.02, 1.0]).double()
    components = FullNormal(some.mean, some.factor * widths[:, None, None])
    prior = NormalMixture(torch.randn(4, generator=generator).double().log_softmax(0), components)
    model.__class__ = type("WithPrior", (VAE,), {"prior": property(lambda self: prior)})
    x = exact.mean + torch.randn(12, 6, generator=generator).double()
    noise, parts = SCALE**2 * torch.eye(6).double(), []
    for log_weight, mean, covariance in zip(
        prior.log_weights, components.mean, components.covariance, strict=True
    ):
        spread = exact.weights @ covariance @ exact.weights.T + noise
        centre = exact.weights @ mean + exact.mean
        parts.append(log_weight + distributions.MultivariateNormal(centre, spread).log_prob(x))
    found = exact_evidence(model, x)
    assert (found.log_evidence - torch.logsumexp(torch.stack(parts), 0)).abs().max() < 1e-4
    assert ((found.log_evidence - found.elbo - found.kl_to_posterior).abs() < 1e-6).all()
    assert (found.kl_to_posterior > -1e-6).all()


def test_nonlinear_evidence_is_that_of_a_plain_grid(generator: torch.Generator) -> None:
    config = ModelConfig(data_dim=7, hidden_dims=(12,), encoder_head="full_covariance")
    model = VAE(config, generator=generator).double()
    with torch.no_grad():
        for weight in model.decoder.weights:
            weight.mul_(2)
        model.encoder.biases[1][2:].copy_(torch.tensor([-1.0, -2.0, 0.8]))
    x = torch.rand(6, 7, generator=generator).double()
    axis = torch.linspace(-9, 9, 901, dtype=torch.float64)
    z, cell = torch.cartesian_prod(axis, axis)[:, None], 0.02**2
    with torch.no_grad():
        log_likelihood, q = model.likelihood(z).log_prob(x), model.posterior(x).as_normal()
        log_joint, log_q = log_likelihood + model.prior.log_prob(z), q.log_prob(z)
    log_evidence = torch.logsumexp(log_joint, 0) + math.log(cell)
    found = exact_evidence(model, x)
    assert (found.log_evidence - log_evidence).abs().max() < 1e-5
    reconstruction = (log_q.exp() * log_likelihood).sum(0) * cell
    assert (found.reconstruction - reconstruction).abs().max() < 1e-4
    gap = (log_q.exp() * (log_q - log_joint + log_evidence)).sum(0) * cell
    assert (found.kl_to_posterior - gap).abs().max() < 1e-4


def test_surgery_adds_up_and_the_aggregate_integrates_to_one(generator: torch.Generator) -> None:
    q = some_normal(generator, batch=60, dims=2)
    axis = torch.linspace(-9, 9, 451, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    log_q, log_p = log_aggregate(z, q), StandardNormal(2).log_prob(z)
    assert float(log_q.exp().sum()) * 0.04**2 == pytest.approx(1, abs=1e-5)
    found = kl_surgery(q, num_samples=200, generator=generator)
    assert found.kl == pytest.approx(float(q.kl_to_standard_normal().sum(1).mean()), rel=1e-12)
    inner = found.total_correlation.value + found.dimension_wise_kl.value
    assert inner == pytest.approx(found.marginal_kl.value, abs=1e-10)
    by_grid = float((log_q.exp() * (log_q - log_p)).sum()) * 0.04**2
    assert found.marginal_kl.value == pytest.approx(by_grid, abs=5 * 3 / math.sqrt(12_000))
    sums = found.mutual_information.value + found.marginal_kl.value
    assert sums == pytest.approx(found.kl, abs=5 * 3 / math.sqrt(12_000))


def test_limits_of_its_diagonal(generator: torch.Generator) -> None:
    config = ModelConfig(data_dim=3, latent_dim=2, hidden_dims=(), encoder_head="full_covariance")
    model = VAE(config, generator=generator)
    for bias in (-1e4, 1e4):
        with torch.no_grad():
            model.encoder.biases[0][2:4].fill_(bias)
        q = model.posterior(torch.rand(4, 3, generator=generator)).as_normal()
        limit = LOG_VAR_RANGE[0] if bias < 0 else LOG_VAR_RANGE[1]
        torch.testing.assert_close(q.conditional_log_var, torch.full((4, 2), limit))
        assert torch.isfinite(q.kl_to_standard_normal()).all()
        q.kl_to_standard_normal().sum().backward()
        (slope,) = (model.encoder.biases[0].grad[2:4],)  # pyright: ignore[reportOptionalSubscript]
        assert (slope < 0 if bias < 0 else slope > 0).all(), "it leads back"
        model.zero_grad()


@pytest.mark.parametrize("prior", get_args(Prior))
def test_training_raises_the_bound(generator: torch.Generator, prior: Prior) -> None:
    data = load_dataset("digits", seed=0)
    config = ModelConfig(
        data_dim=64,
        latent_dim=3,
        hidden_dims=(16,),
        encoder_head="full_covariance",
        prior=prior,
        num_components=5,
    )
    model = VAE(config, generator=generator)
    training = Training(model, data, TrainConfig(num_epochs=3, learning_rate=5e-3), generator=generator)
    noise = torch.Generator().manual_seed(1)
    before = training.evaluate(data.x_test, generator=noise).elbo
    for _ in training.steps():
        pass
    assert training.evaluate(data.x_test, generator=noise).elbo > before + 5
    with torch.no_grad():
        below = model.posterior(data.x_test[:]).as_normal().parameters[1].tril(-1)
    assert below.abs().mean() > 1e-3, "the entries below the diagonal are used"


def test_huge_weights_diverge_or_stay_finite(generator: torch.Generator) -> None:
    data = load_dataset("digits", seed=0)
    config = ModelConfig(data_dim=64, hidden_dims=(8,), encoder_head="full_covariance")
    for size in (1e3, 1e12, 1e25):
        model = VAE(config, generator=generator)
        with torch.no_grad():
            model.encoder.weights[1].mul_(size)
        training = Training(model, data, TrainConfig(num_epochs=1), generator=generator)
        try:
            objectives = [step.elbo for step in training.steps()]
        except TrainingDiverged:
            continue
        assert np.isfinite(objectives).all()


def test_too_many_dimensions_are_refused() -> None:
    with pytest.raises(BadInput, match="at most 64 dimensions"):
        ModelConfig(data_dim=3, latent_dim=MAX_FULL_DIM + 1, encoder_head="full_covariance")
    assert ModelConfig(data_dim=3, latent_dim=MAX_FULL_DIM, encoder_head="full_covariance").num_parameters


def test_parameters_are_counted(generator: torch.Generator) -> None:
    config = ModelConfig(
        data_dim=6, latent_dim=3, encoder_head="full_covariance", likelihood="gaussian_diagonal"
    )
    assert config.num_parameters == sum(one.numel() for one in VAE(config, generator=generator).parameters())


def test_gradients_of_a_batch_are_finite_at_a_limit(generator: torch.Generator) -> None:
    config = ModelConfig(data_dim=3, hidden_dims=(), encoder_head="full_covariance", prior="mixture")
    model = VAE(config, generator=generator)
    with torch.no_grad():
        model.encoder.biases[0][2:4].fill_(-60.0)
    x: Tensor = torch.rand(5, 3, generator=generator)
    eps = torch.randn(1, 5, 2, generator=generator)
    elbo_terms_given_eps(model, x, model.posterior(x), eps).elbo.mean().backward()
    assert all(bool(one.grad.isfinite().all()) for one in model.parameters() if one.grad is not None)
