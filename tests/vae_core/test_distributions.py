"""Densities integrate to 1, agree with other implementations, and are sampled as they say."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest
import torch
from torch import Tensor, distributions

from vae_core.errors import BadInput
from vae_core.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian, GaussianDiagonal, LikelihoodModel
from vae_core.posteriors import Deterministic, DiagonalNormal, FullNormal, chosen, concatenated
from vae_core.priors import StandardNormal

LOGITS: Final = (0.0, 1e-3, -1e-3, 0.0299, -0.0299, 0.0301, 1.0, -3.0, 8.0, -8.0, 30.0, -30.0)
NUM_SAMPLES: Final = 100_000
KS_BOUND: Final = math.sqrt(math.log(2 / 1e-6) / (2 * NUM_SAMPLES))
"""Dvoretzky, Kiefer, Wolfowitz, Massart: a true sampler exceeds it once in a million."""


def quadrature(num_points: int = 200) -> tuple[Tensor, Tensor]:
    """Gauss-Legendre points of [0, 1], shape (points, 1), and weights, shape (points,)."""
    points, weights = np.polynomial.legendre.leggauss(num_points)
    return torch.from_numpy((points + 1) / 2)[:, None], torch.from_numpy(weights / 2)


def ks_distance(samples: Tensor, cdf: Callable[[Tensor], Tensor]) -> float:
    """Largest distance between the empirical and the given distribution function."""
    ordered = samples.double().sort().values
    expected = cdf(ordered)
    rank = torch.arange(len(ordered) + 1).double() / len(ordered)
    return float(torch.maximum((rank[1:] - expected).abs().max(), (expected - rank[:-1]).abs().max()))


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_integrates_to_1_with_its_mean(logit: float) -> None:
    x, weights = quadrature()
    p = ContinuousBernoulli(torch.tensor([logit]).double())
    density = p.log_prob(x).exp()
    assert float(weights @ density) == pytest.approx(1, abs=1e-10)
    assert float(p.mean) == pytest.approx(float(weights @ (density * x[:, 0])), abs=1e-9)


@pytest.mark.parametrize("logit", [value for value in LOGITS if abs(value) < 20])
def test_continuous_bernoulli_agrees_with_torch(logit: float) -> None:
    logits = torch.full((1,), logit, dtype=torch.float64)
    x = torch.linspace(0, 1, 11).double()[:, None]
    ours, theirs = ContinuousBernoulli(logits), distributions.ContinuousBernoulli(logits=logits)
    assert torch.allclose(ours.log_prob(x), theirs.log_prob(x)[:, 0], rtol=0, atol=1e-8)
    assert torch.allclose(ours.mean, theirs.mean, rtol=0, atol=1e-7)


def test_continuous_bernoulli_stays_finite_in_float32_with_its_gradient() -> None:
    logits = torch.tensor([0.0, 1e-8, -0.03, 0.03, 20.0, -20.0, 90.0, -90.0, 1e4, -1e4], requires_grad=True)
    p = ContinuousBernoulli(logits)
    (gradient,) = torch.autograd.grad(p.log_prob(torch.full((10,), 0.25)), logits)
    assert torch.isfinite(gradient).all()
    assert torch.isfinite(p.mean).all()
    assert ((p.mean >= 0) & (p.mean <= 1)).all()
    # d log p / dl = x - mean for an exponential family with x as its statistic.
    assert torch.allclose(gradient, 0.25 - p.mean.detach(), atol=2e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", [Bernoulli, ContinuousBernoulli])
def test_values_and_gradients_are_finite_for_all_finite_logits(kind: Any, dtype: torch.dtype) -> None:
    """Up to the largest number that there is; exp overflows at 89 and 710, squares at 1.8e19 and 1.3e154."""
    sizes = [0.0, 1e-30, 0.0299, 0.0301, 1.0, 16.0, 19.9, 20.1, 44.0, 45.0, 88.0, 89.0, 90.0, 709.0, 711.0]
    sizes += [1420.0, 1e4, 1e10, 1e18, 1e20, 1e30, 1e38]
    size = torch.tensor([*sizes, torch.finfo(dtype).max], dtype=dtype)
    logits = torch.cat([size, -size])[:, None].requires_grad_()
    p, x = kind(logits), torch.linspace(0, 1, 2 * len(size), dtype=dtype)[:, None]
    found = {"mean": p.mean, "variance": p.variance, "entropy": p.entropy(), "score": p.score(x)}
    found |= {f"log_prob({at})": p.log_prob(torch.full_like(x, at)) for at in (0.0, 0.3, 1.0)}
    slopes = {name: torch.autograd.grad(value.sum(), logits)[0] for name, value in found.items()}
    for name, value in (*found.items(), *slopes.items()):
        assert value.isfinite().all(), name
    # Of an exponential family: the mean's slope is the variance, and that of log p is x less the mean.
    assert torch.allclose(slopes["mean"], p.variance, rtol=0, atol=3e-4 if dtype == torch.float32 else 1e-9)
    away = (slopes["log_prob(0.3)"] - (0.3 - p.mean)).abs()
    assert away.max() < (2e-5 if dtype == torch.float32 else 1e-8)
    assert (p.score(x) - (x - p.mean)).abs().max() < (2e-5 if dtype == torch.float32 else 1e-8)


def test_bernoulli_sums_to_1_and_agrees_with_torch(generator: torch.Generator) -> None:
    logits = 5 * torch.randn(7, 3, generator=generator).double()
    binary = torch.cartesian_prod(*3 * [torch.tensor([0.0, 1.0])]).double()
    p = Bernoulli(logits)
    every = torch.stack([p.log_prob(x.expand(7, 3)) for x in binary])
    assert torch.allclose(every.exp().sum(0), torch.ones(7).double(), rtol=0, atol=1e-12)
    theirs = distributions.Bernoulli(logits=logits)
    for x in binary:
        assert torch.allclose(p.log_prob(x), theirs.log_prob(x.expand(7, 3)).sum(-1), rtol=1e-12), x
    assert torch.equal(p.mean, torch.sigmoid(logits))


def test_bernoulli_is_stable_at_any_logit_and_scores_grey_values() -> None:
    logits = torch.tensor([1e4, -1e4, 1e4, -1e4])
    values = Bernoulli(logits[:, None]).log_prob(torch.tensor([1.0, 0.0, 0.0, 1.0])[:, None])
    assert values.tolist() == [0, 0, -1e4, -1e4]
    grey = Bernoulli(torch.tensor([0.3])).log_prob(torch.tensor([0.25]))
    y = 1 / (1 + math.exp(-0.3))
    assert float(grey) == pytest.approx(0.25 * math.log(y) + 0.75 * math.log(1 - y), abs=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 0.3, 1.0, 50.0])
def test_gaussian_likelihood_agrees_with_torch(scale: float, generator: torch.Generator) -> None:
    location = torch.randn(4, 5, generator=generator).double()
    x = torch.randn(4, 5, generator=generator).double()
    ours = Gaussian(location, torch.tensor(scale).double())
    theirs = distributions.Normal(location, torch.tensor(scale).double()).log_prob(x).sum(-1)
    assert torch.allclose(ours.log_prob(x), theirs, rtol=1e-12)
    assert torch.equal(ours.mean, location)


def test_normals_agree_with_torch(generator: torch.Generator) -> None:
    mean, log_var = torch.randn(2, 6, 3, generator=generator).double()
    z = torch.randn(5, 6, 3, generator=generator).double()
    q = DiagonalNormal(mean, log_var)
    theirs = distributions.Normal(mean, (0.5 * log_var).exp())
    standard = distributions.Normal(torch.zeros(3).double(), 1.0)
    assert torch.allclose(q.log_prob(z), theirs.log_prob(z).sum(-1), rtol=1e-12)
    assert torch.allclose(StandardNormal(3).log_prob(z), standard.log_prob(z).sum(-1), rtol=1e-12)
    kl = distributions.kl_divergence(theirs, standard)
    assert torch.allclose(q.kl_to_standard_normal(), kl, rtol=1e-12)
    single = DiagonalNormal(mean.float(), log_var.float()).kl_to_standard_normal()
    assert torch.allclose(single.double(), kl, rtol=1e-5)


def test_kl_is_accurate_near_0_and_never_negative() -> None:
    small = DiagonalNormal(torch.tensor([[1e-4]]), torch.tensor([[1e-4]]))
    assert float(small.kl_to_standard_normal()) == pytest.approx(7.5e-9, rel=1e-3)
    log_var = torch.cat(
        [torch.linspace(-20, 20, 4001), torch.logspace(-12, 0, 500), -torch.logspace(-12, 0, 500)]
    )
    kl = DiagonalNormal(torch.zeros_like(log_var), log_var).kl_to_standard_normal()
    assert kl.min() >= 0
    assert float(DiagonalNormal(torch.zeros(1), torch.zeros(1)).kl_to_standard_normal()) == 0


def test_noise_is_standard_normal(generator: torch.Generator) -> None:
    q = DiagonalNormal(torch.zeros(NUM_SAMPLES // 4, 2), torch.zeros(NUM_SAMPLES // 4, 2))
    eps = q.draw_eps(2, generator=generator)
    assert eps.shape == (2, NUM_SAMPLES // 4, 2)
    assert ks_distance(eps.flatten(), torch.special.ndtr) < KS_BOUND
    prior = StandardNormal(2).sample(NUM_SAMPLES // 2, generator=generator)
    assert ks_distance(prior.flatten(), torch.special.ndtr) < KS_BOUND


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_is_sampled_as_its_distribution_function(
    logit: float, generator: torch.Generator
) -> None:
    samples = ContinuousBernoulli(torch.full((NUM_SAMPLES,), logit)).sample(1, generator=generator)[0]
    assert samples.min() >= 0
    assert samples.max() <= 1

    def cdf(x: Tensor) -> Tensor:
        # exp(l (x - 1)) (1 - exp(-l x)) / (1 - exp(-l)), which no large l overflows.
        if logit == 0:
            return x
        if logit > 0:
            return torch.exp(logit * (x - 1)) * torch.expm1(-logit * x) / math.expm1(-logit)
        return torch.expm1(logit * x) / math.expm1(logit)

    assert ks_distance(samples, cdf) < KS_BOUND


def test_gaussian_and_bernoulli_are_sampled_as_they_say(generator: torch.Generator) -> None:
    scale = torch.tensor(0.3)
    normal = Gaussian(torch.full((NUM_SAMPLES,), 2.0), scale).sample(1, generator=generator)[0]
    assert ks_distance(normal, lambda x: torch.special.ndtr((x - 2) / 0.3)) < KS_BOUND
    binary = Bernoulli(torch.full((NUM_SAMPLES,), -1.0)).sample(1, generator=generator)[0]
    assert set(binary.tolist()) == {0, 1}
    # Hoeffding's bound for a mean of 0/1 values is the same as KS_BOUND.
    assert abs(float(binary.mean()) - 1 / (1 + math.e)) < KS_BOUND


def test_samples_repeat_with_their_generator() -> None:
    def seeded() -> torch.Generator:
        return torch.Generator().manual_seed(3)

    logits = torch.linspace(-3, 3, 50)
    for p in (Bernoulli(logits), ContinuousBernoulli(logits), Gaussian(logits, torch.tensor(1.0))):
        assert torch.equal(p.sample(2, generator=seeded()), p.sample(2, generator=seeded())), p


def test_pathwise_gradient(generator: torch.Generator) -> None:
    """d E[z + z^2] = 1 + 2 mean by mean and sigma^2 by log sigma^2, from a million samples.

    The standard errors are 0.0008 and 0.0005: 5e-3 is more than six of them.
    """
    mean = torch.tensor([[0.7]], dtype=torch.float64, requires_grad=True)
    log_var = torch.tensor([[math.log(0.16)]], dtype=torch.float64, requires_grad=True)
    q = DiagonalNormal(mean, log_var)
    z = q.reparameterize(q.draw_eps(1_000_000, generator=generator))
    (z + z.square()).mean().backward()
    assert mean.grad is not None
    assert log_var.grad is not None
    assert float(mean.grad) == pytest.approx(2.4, abs=5e-3)
    assert float(log_var.grad) == pytest.approx(0.16, abs=5e-3)


def test_deterministic_code_has_no_spread(generator: torch.Generator) -> None:
    code = Deterministic(torch.randn(4, 2, generator=generator))
    state = generator.get_state()
    z = code.reparameterize(code.draw_eps(3, generator=generator))
    assert torch.equal(z, code.mean.expand(3, 4, 2))
    assert code.std.eq(0).all()
    assert torch.equal(generator.get_state(), state)


LIKELIHOODS: Final[tuple[Callable[[Tensor], LikelihoodModel], ...]] = (
    Bernoulli,
    ContinuousBernoulli,
    lambda outputs: Gaussian(outputs, torch.tensor(0.4).to(outputs)),
    lambda outputs: GaussianDiagonal(torch.cat([outputs, outputs.detach().flip(-1) - 1], -1)),
)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_samples_have_the_mean_variance_and_entropy_that_are_stated(
    likelihood: Callable[[Tensor], LikelihoodModel], generator: torch.Generator
) -> None:
    """20 000 draws of 4 rows of 7 values: 5.5 standard errors, falsely once in a million for 60 numbers."""
    outputs = torch.tensor([-3.0, -0.5, -0.02, 0.0, 0.01, 1.0, 3.0]).double().repeat(4, 1)
    p = likelihood(outputs)
    x = p.sample(20_000, generator=generator).double()
    assert x.shape == (20_000, 4, 7)
    for found, stated in ((x, p.mean), ((x - p.mean).square(), p.variance), (-p.log_prob(x), p.entropy())):
        error = found.std(0) / math.sqrt(len(found))
        assert ((found.mean(0) - stated).abs() < 5.5 * error + 1e-3 * stated.abs()).all(), p


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_score_is_the_derivative_by_the_decoders_output(
    likelihood: Callable[[Tensor], LikelihoodModel], generator: torch.Generator
) -> None:
    outputs = torch.tensor(LOGITS).double().requires_grad_()
    x = torch.rand(3, len(LOGITS), generator=generator).double()
    for row in x:
        (expected,) = torch.autograd.grad(likelihood(outputs).log_prob(row), outputs)
        score = likelihood(outputs.detach()).score(row)[: len(LOGITS)]  # a variance has an output of its own
        torch.testing.assert_close(score, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_the_likelihood_of_some_values_is_a_part_of_the_sum(
    likelihood: Callable[[Tensor], LikelihoodModel], generator: torch.Generator
) -> None:
    p, x = likelihood(torch.randn(5, 6, generator=generator)), torch.rand(5, 6, generator=generator)
    some = torch.tensor([True, False, True, True, False, False])
    parts = p.of_values(some).log_prob(x[:, some]) + p.of_values(~some).log_prob(x[:, ~some])
    torch.testing.assert_close(parts, p.log_prob(x), rtol=1e-5, atol=1e-5)


def test_gaussians_agree_with_pytorch_in_kl_and_entropy(generator: torch.Generator) -> None:
    q, p = (
        DiagonalNormal.from_std(mean, std)
        for mean, std in (torch.rand(2, 2, 4, 3, generator=generator).double() + 0.1)
    )
    ours, theirs = (distributions.Normal(part.mean, part.std) for part in (q, p))
    expected = distributions.kl_divergence(ours, theirs)
    torch.testing.assert_close(p.kl_per_dim_from(q), expected, rtol=1e-11, atol=1e-14)
    torch.testing.assert_close(q.kl_per_dim(StandardNormal(3)), q.kl_to_standard_normal())
    torch.testing.assert_close(q.entropy(), ours.entropy().sum(-1))
    torch.testing.assert_close(q.variance, ours.variance)
    standard = distributions.Normal(torch.zeros(3), 1.0)
    torch.testing.assert_close(StandardNormal(3).entropy(), standard.entropy().sum())


def test_full_normal_agrees_with_pytorch(generator: torch.Generator) -> None:
    """Density and entropy; 50 000 draws have the covariance to 5 of its largest standard errors."""
    roots = torch.randn(2, 3, 3, generator=generator).double()
    mean, covariance = torch.randn(2, 3, generator=generator).double(), roots @ roots.mT + torch.eye(3)
    p = FullNormal.from_covariance(mean, covariance)
    theirs = distributions.MultivariateNormal(mean, covariance)
    x = torch.randn(7, 2, 3, generator=generator).double()
    torch.testing.assert_close(p.log_prob(x), theirs.log_prob(x), rtol=1e-11, atol=0)
    torch.testing.assert_close(p.entropy(), theirs.entropy())
    torch.testing.assert_close(p.variance, theirs.variance)
    single = FullNormal(mean[0], p.factor[0])
    draws = single.sample(50_000, generator=generator)
    bound = 5 * math.sqrt(2 / 50_000) * float(covariance[0].diagonal().max())
    assert (torch.cov(draws.T) - covariance[0]).abs().max() < bound


def test_subsets_and_copies_of_a_posterior(generator: torch.Generator) -> None:
    q = DiagonalNormal(torch.randn(7, 2, generator=generator).requires_grad_(), torch.zeros(7, 2))
    assert [len(part.mean) for part in q.split(3)] == [3, 3, 1]
    assert torch.equal(concatenated(q.split(3)).mean, q.mean)
    other, choose = DiagonalNormal(torch.zeros(7, 2), torch.ones(7, 2)), torch.arange(7) < 3
    merged = chosen(choose, q, other)
    assert torch.equal(merged.mean[:3], q.mean[:3])
    assert torch.equal(merged.log_var.sum(1), torch.tensor([0.0] * 3 + [2.0] * 4))
    frozen, before = q.frozen(), q.mean.detach().clone()
    q.mean.data.add_(1)
    assert torch.equal(frozen.mean, before)
    assert not frozen.mean.requires_grad


def test_a_deterministic_encoder_has_no_density() -> None:
    code = Deterministic(torch.ones(4, 2))
    assert code.kl_per_dim(StandardNormal(2)).eq(0).all()
    with pytest.raises(BadInput, match="deterministic encoder"):
        code.log_prob(torch.zeros(4, 2))
