"""Densities integrate to 1, agree with other implementations, and are sampled as they say."""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import pytest
import torch
from torch import Tensor, distributions

from vae_core.distributions import (
    Bernoulli,
    ContinuousBernoulli,
    Deterministic,
    DiagonalNormal,
    Gaussian,
    StandardNormal,
)

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
