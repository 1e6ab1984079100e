"""Estimators of gradients through a sample: the right ones are unbiased, the wrong ones are seen to be not.

Statements on samples are z statistics: |z| < 5 fails falsely with 6e-7 each, with 1e-4 in all of this file.
"""

import math
from typing import Final

import numpy as np
import pytest
import torch

from vae_core.errors import BadInput
from vae_core.labs.gradients.estimators import (
    ESTIMATORS,
    Estimator,
    Expectation,
    Gradient,
    Samples,
    draw_samples,
    estimates,
    estimates_by_count,
)
from vae_core.labs.gradients.exact import (
    ONE_LINE,
    OneLine,
    Truth,
    closed_form,
    quadrature,
)
from vae_core.posteriors import DiagonalNormal

QUADRATIC, SHIFTED, *_ = ONE_LINE
STEP: Final = next(function for function in ONE_LINE if not function.has_slope)
SMOOTH: Final = [function for function in ONE_LINE if function.formula not in ("|z|", STEP.formula)]
MEAN, STD = torch.tensor([0.7], dtype=torch.float64), torch.tensor([0.5], dtype=torch.float64)
NUM_SAMPLES: Final = 2**17
KS_BOUND: Final = math.sqrt(math.log(2 / 1e-6) / (2 * NUM_SAMPLES))
UNBIASED: Final[tuple[Estimator, ...]] = ("reparameterised", "score", "baseline")


def z_statistics(found: Gradient, truth: Truth) -> list[float]:
    """Of the bias in each derivative and dimension."""
    return [
        float((values.mean() - true) / (values.std() / math.sqrt(len(values))))
        for part, known in zip(found, truth.gradient, strict=True)
        for values, true in zip(part.double().T, known, strict=True)
    ]


@pytest.mark.parametrize("function", ONE_LINE, ids=lambda function: function.formula)
@pytest.mark.parametrize(("mean", "std"), [(0.7, 0.5), (-1.2, 1.6), (0.0, 1.0)])
def test_closed_forms_are_integrals(function: OneLine, mean: float, std: float) -> None:
    """Against a sum over a fine lattice of f times the density and its derivatives."""
    z = torch.linspace(-14, 14, 560_001, dtype=torch.float64) + mean
    density = torch.exp(-0.5 * ((z - mean) / std).square()) / (std * math.sqrt(2 * math.pi))
    weight = function.f(z) * density * float(z[1] - z[0])
    truth = closed_form(
        function, torch.tensor([mean], dtype=torch.float64), torch.tensor([std], dtype=torch.float64)
    )
    score_mean, score_std = (z - mean) / std**2, ((z - mean).square() / std**2 - 1) / std
    # The lattice meets the jump of a step to half a cell: 5e-5.
    tolerance = 1e-9 if function.has_slope else 5e-5
    assert float(truth.value) == pytest.approx(float(weight.sum()), abs=tolerance)
    assert float(truth.gradient.mean) == pytest.approx(float((weight * score_mean).sum()), abs=tolerance)
    assert float(truth.gradient.std) == pytest.approx(float((weight * score_std).sum()), abs=tolerance)


@pytest.mark.parametrize("function", SMOOTH, ids=lambda function: function.formula)
@pytest.mark.parametrize("squared", [False, True])
def test_quadrature_equals_closed_forms(function: OneLine, squared: bool) -> None:
    expected = closed_form(function, MEAN, STD, squared=squared)
    found = quadrature(function.expectation(), MEAN, STD, squared=squared)
    assert float(found.value) == pytest.approx(float(expected.value), abs=1e-9)
    for part, known, error in zip(found.gradient, expected.gradient, found.error, strict=True):
        assert float(part) == pytest.approx(float(known), abs=1e-9)
        assert float(error) < 1e-8


def test_pathwise_gradient_of_a_quadratic(generator: torch.Generator) -> None:
    """O15: E[z + z^2] has 1 + 2 mean and 2 std; n = 1e6, relative 5e-3 is more than 5 standard errors."""
    mean, std = MEAN, torch.tensor([0.4], dtype=torch.float64)
    samples = draw_samples(QUADRATIC.expectation(), mean, std, num_samples=10**6, generator=generator)
    found = estimates(samples, "reparameterised", num_samples=10**6)
    assert float(found.mean) == pytest.approx(2.4, rel=5e-3)
    assert float(found.std) == pytest.approx(0.8, rel=1.2e-2)


@pytest.mark.parametrize("function", ONE_LINE, ids=lambda function: function.formula)
@pytest.mark.parametrize("num_samples", [1, 2, 7, 64])
def test_right_estimators_are_unbiased(
    function: OneLine, num_samples: int, generator: torch.Generator
) -> None:
    truth = closed_form(function, MEAN, STD)
    samples = draw_samples(function.expectation(), MEAN, STD, num_samples=NUM_SAMPLES, generator=generator)
    for name in UNBIASED:
        if name == "reparameterised" and not function.has_slope:
            continue
        found = z_statistics(estimates(samples, name, num_samples=num_samples), truth)
        assert max(map(abs, found)) < 5, (name, found)


def test_what_ignores_the_sampling_is_biased(generator: torch.Generator) -> None:
    truth = closed_form(QUADRATIC, MEAN, STD)
    samples = draw_samples(QUADRATIC.expectation(), MEAN, STD, num_samples=NUM_SAMPLES, generator=generator)
    constant = estimates(samples, "constant", num_samples=4)
    assert all(bool((part == 0).all()) for part in constant)
    assert float(truth.gradient.mean) == pytest.approx(2.4)
    assert abs(z_statistics(estimates(samples, "squared", num_samples=4), truth)[1]) > 50


def test_squared_spread_has_the_gradient_of_another_function(generator: torch.Generator) -> None:
    """d/dstd of E[z + z^2] is 2 std, with the error 4 std^3: below std = 1/sqrt 2 too small."""
    for std in (0.4, math.sqrt(0.5), 1.3):
        width = torch.tensor([std], dtype=torch.float64)
        wrong = closed_form(QUADRATIC, MEAN, width, squared=True)
        assert float(wrong.gradient.std) == pytest.approx(4 * std**3)
        difference = float(wrong.gradient.std - closed_form(QUADRATIC, MEAN, width).gradient.std)
        assert np.sign(round(difference, 9)) == np.sign(round(std**2 - 0.5, 9))
        samples = draw_samples(
            QUADRATIC.expectation(), MEAN, width, num_samples=NUM_SAMPLES, generator=generator
        )
        found = z_statistics(estimates(samples, "squared"), wrong)
        assert max(map(abs, found)) < 5, found


def test_reparameterisation_misses_a_jump(generator: torch.Generator) -> None:
    samples = draw_samples(STEP.expectation(), MEAN, STD, num_samples=NUM_SAMPLES, generator=generator)
    truth = closed_form(STEP, MEAN, STD)
    for part in estimates(samples, "reparameterised", num_samples=1):
        assert bool((part == 0).all())
    assert min(abs(float(part)) for part in truth.gradient) > 0.2


def quadratic_variances(mean: float, std: float) -> dict[tuple[str, int], float]:
    """Of single-sample estimates for f = z + z^2 = a + b eps + c eps^2: E eps^2, 4, 6, 8 = 1, 3, 15, 105."""
    a, b, c = mean + mean**2, std * (1 + 2 * mean), std**2
    return {
        ("reparameterised", 0): 4 * std**2,
        ("reparameterised", 1): (1 + 2 * mean) ** 2 + 8 * std**2,
        ("score", 0): (a**2 + 3 * b**2 + 15 * c**2 + 6 * a * c - b**2) / std**2,
        ("score", 1): (2 * a**2 + 10 * b**2 + 78 * c**2 + 20 * a * c - 4 * c**2) / std**2,
    }


def test_variances_of_a_quadratic_are_those_of_the_formula(generator: torch.Generator) -> None:
    """n = 2^19: the relative standard error of these variances is at most sqrt(kurtosis / n) < 1.2 %."""
    samples = draw_samples(QUADRATIC.expectation(), MEAN, STD, num_samples=2**19, generator=generator)
    expected = quadratic_variances(float(MEAN), float(STD))
    for (name, part), variance in expected.items():
        for num_samples in (1, 16):
            found = estimates(samples, name, num_samples=num_samples)[part]  # type: ignore[arg-type]
            assert float(found.var()) == pytest.approx(variance / num_samples, rel=0.06), (name, part)


@pytest.mark.parametrize("num_samples", [2, 8])
def test_variance_of_the_baseline_is_that_of_a_u_statistic(
    num_samples: int, generator: torch.Generator
) -> None:
    """The leave-one-out estimate is the mean over pairs of h = (f_1 - f_2)(s_1 - s_2) / 2 (Hoeffding 1948).

    Var = (4 (M - 2) zeta_1 + 2 zeta_2) / (M (M - 1)), zeta_1 = Var E[h|1], zeta_2 = Var h.
    """
    points, weights = np.polynomial.hermite_e.hermegauss(24)
    weights = weights / weights.sum()
    z, score = 0.7 + 0.5 * points, points / 0.5
    f = z + z**2
    h = 0.5 * (f[:, None] - f) * (score[:, None] - score)
    mean = weights @ h @ weights
    zeta_1 = weights @ (h @ weights) ** 2 - mean**2
    zeta_2 = weights @ h**2 @ weights - mean**2
    expected = (4 * (num_samples - 2) * zeta_1 + 2 * zeta_2) / (num_samples * (num_samples - 1))
    samples = draw_samples(QUADRATIC.expectation(), MEAN, STD, num_samples=2**19, generator=generator)
    found = estimates(samples, "baseline", num_samples=num_samples).mean
    assert float(found.var()) == pytest.approx(expected, rel=0.06)


def test_a_constant_in_f_costs_the_score_function_and_not_its_baseline(generator: torch.Generator) -> None:
    plain, shifted = (
        draw_samples(
            function.expectation(),
            MEAN,
            STD,
            num_samples=2**15,
            generator=torch.Generator().manual_seed(1),
        )
        for function in (QUADRATIC, SHIFTED)
    )
    for name in ("reparameterised", "baseline"):
        for before, after in zip(
            estimates(plain, name, num_samples=4), estimates(shifted, name, num_samples=4), strict=True
        ):
            assert torch.allclose(before, after, atol=1e-10)
    before, after = (float(estimates(part, "score").mean.var()) for part in (plain, shifted))
    assert after > 8 * before


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_weights_are_the_derivatives_of_the_density(estimator: Estimator, generator: torch.Generator) -> None:
    """Each estimate against automatic differentiation of log q, or of f along z = mean + spread eps."""
    mean, std = torch.tensor([0.3, -0.8]).double(), torch.tensor([0.6, 1.4]).double()
    function = Expectation(lambda z: torch.sin(z).prod(-1), lambda m, s: (m * s.log()).sum(-1))
    samples = draw_samples(function, mean, std, num_samples=12, generator=generator)
    found = estimates(samples, estimator, num_samples=3)
    mean, std = mean.requires_grad_(), std.requires_grad_()
    eps = samples.eps.reshape(4, 3, 2)
    z = mean + (std.square() if estimator == "squared" else std) * eps
    f = function.f(z)
    if estimator in ("score", "baseline"):
        others = (f.sum(1, keepdim=True) - f) / 2
        f = (f - others).detach() if estimator == "baseline" else f.detach()
        f = f * DiagonalNormal(mean, 2 * std.log()).log_prob(z.detach())
    if estimator == "constant":
        f = f.detach()
    for repetition in range(4):
        surrogate = f[repetition].mean() + function.explicit(mean, std)
        expected = torch.autograd.grad(surrogate, (mean, std), retain_graph=True)
        for part, known in zip(found, expected, strict=True):
            assert torch.allclose(part[repetition], known, atol=1e-12)


def test_sampler_is_normal(generator: torch.Generator) -> None:
    """O16: Dvoretzky-Kiefer-Wolfowitz, n = 2^17, a false failure once in a million."""
    samples = draw_samples(QUADRATIC.expectation(), MEAN, STD, num_samples=NUM_SAMPLES, generator=generator)
    z = (MEAN + STD * samples.eps)[:, 0]
    assert torch.allclose(samples.values, z + z.square())
    cdf = torch.special.ndtr((z.sort().values - MEAN) / STD)
    steps = torch.arange(NUM_SAMPLES + 1, dtype=torch.float64) / NUM_SAMPLES
    assert max(float((cdf - steps[:-1]).max()), float((steps[1:] - cdf).max())) < KS_BOUND


@pytest.mark.parametrize("num_samples", [0, 2**24 + 1])
def test_numbers_of_samples_out_of_range_are_refused(num_samples: int, generator: torch.Generator) -> None:
    with pytest.raises(BadInput, match="num_samples"):
        draw_samples(QUADRATIC.expectation(), MEAN, STD, num_samples=num_samples, generator=generator)


def test_what_is_no_q_or_no_group_is_refused(generator: torch.Generator) -> None:
    f = QUADRATIC.expectation()
    for mean, std in ((MEAN, 0 * STD), (MEAN, -STD), (MEAN * math.nan, STD), (MEAN, STD.repeat(2))):
        with pytest.raises(BadInput, match="above 0"):
            draw_samples(f, mean, std, num_samples=4, generator=generator)
    with pytest.raises(BadInput, match="finite"):
        draw_samples(
            Expectation(lambda z: math.inf * z.sum(-1)), MEAN, STD, num_samples=4, generator=generator
        )
    samples = draw_samples(f, MEAN, STD, num_samples=8, generator=generator)
    for num_samples in (0, 9):
        with pytest.raises(BadInput, match="num_samples"):
            estimates(samples, "score", num_samples=num_samples)
    assert len(estimates(samples, "baseline").mean) == 4
    assert len(estimates(samples, "baseline", num_samples=3).mean) == 2


@pytest.mark.parametrize("counts", [(1, 2, 4, 32), (3, 6, 24), (8,)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_estimates_of_several_counts_are_those_of_each(
    counts: tuple[int, ...], dtype: torch.dtype, generator: torch.Generator
) -> None:
    """f far from 0, as a log-likelihood is, and samples that fill no last group."""
    expectation = Expectation(
        lambda z: -100 + (z.square() - z).sum(-1), lambda mean, std: (mean * std).sum(-1)
    )
    mean, std = torch.tensor([0.7, -0.2], dtype=dtype), torch.tensor([0.5, 1.2], dtype=dtype)
    samples = draw_samples(expectation, mean, std, num_samples=1037, generator=generator)
    explicit = Gradient(samples.explicit.mean.double(), samples.explicit.std.double())
    parts = {name: getattr(samples, name).double() for name in samples._fields if name != "explicit"}
    double = Samples(**parts, explicit=explicit)
    seen = []
    for count, found in estimates_by_count(samples, counts):
        seen.append(count)
        assert tuple(found) == ESTIMATORS
        for name, gradient in found.items():
            for part, known in zip(gradient, estimates(double, name, num_samples=count), strict=True):
                torch.testing.assert_close(part, known, rtol=1e-10, atol=1e-10)
    assert tuple(seen) == counts


@pytest.mark.parametrize("counts", [(2, 3), (4, 2), (2, 2), (0, 2), (1, 64)])
def test_counts_that_are_no_multiples_or_too_large_are_refused(
    counts: tuple[int, ...], generator: torch.Generator
) -> None:
    samples = draw_samples(QUADRATIC.expectation(), MEAN, STD, num_samples=10, generator=generator)
    with pytest.raises(BadInput) as caught:
        next(estimates_by_count(samples, counts))
    assert caught.value.code == "num_samples"
