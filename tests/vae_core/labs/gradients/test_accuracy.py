"""Confidence intervals of the bias: one alone, and all that stem from the same noise together."""

import math
from typing import Final

import pytest
import torch
from scipy.stats import norm, t

from vae_core.labs.gradients.accuracy import TOGETHER, Accuracy, accuracy_of
from vae_core.labs.gradients.estimators import ESTIMATORS, Estimator, Samples, draw_samples, estimates
from vae_core.labs.gradients.exact import ONE_LINE, closed_form

MEAN, STD = torch.tensor([0.7], dtype=torch.float64), torch.tensor([0.5], dtype=torch.float64)
QUADRATIC: Final = ONE_LINE[0]


def drawn(num_samples: int, generator: torch.Generator) -> Samples:
    return draw_samples(QUADRATIC.expectation(), MEAN, STD, num_samples=num_samples, generator=generator)


def test_an_interval_covers_as_often_as_it_says(generator: torch.Generator) -> None:
    """400 intervals of 95 %: 5 standard deviations of a binomial are 22."""
    found = estimates(drawn(80_000, generator), "reparameterised").mean[:, 0].reshape(400, 200)
    covered = sum(abs(one.bias) <= one.half_width for one in (accuracy_of(row, 2.4) for row in found))
    assert abs(covered - 380) < 22


def test_its_width_is_scipy_s(generator: torch.Generator) -> None:
    """By Student's t of few repetitions; a sampled truth has an error of its own, which is known well."""
    values = torch.randn(6, generator=generator, dtype=torch.float64)
    error = float(values.std()) / math.sqrt(6)
    for among in (1, 10):
        share = 1 - 0.025 / among
        alone = accuracy_of(values, 0.0, among=among)
        assert alone.half_width == pytest.approx(t.ppf(share, 5) * error, rel=1e-9)
        assert alone.repetitions == 6
        with_truth = accuracy_of(values, 0.0, error=0.1, standard_error=1e4 * error, among=among)
        assert with_truth.half_width == pytest.approx(0.1 + norm.ppf(share) * 1e4 * error, rel=1e-6)


def accuracies(samples: Samples, count: int, among: int) -> list[tuple[Accuracy, float]]:
    """Of all estimators with M = ``count``, by mean and by std, with the bias that each has."""
    right, wrong = (closed_form(QUADRATIC, MEAN, STD, squared=squared) for squared in (False, True))
    found = []
    for name in ESTIMATORS:
        expected = wrong if name == "squared" else right
        for part, values in enumerate(estimates(samples, name, num_samples=count)):
            truth, own = (float(one.gradient[part]) for one in (right, expected))
            bias = -truth if name == "constant" else own - truth
            found.append((accuracy_of(values[:, 0], truth, among=among), bias))
    return found


@pytest.mark.parametrize(("count", "repetitions", "times"), [(1, 4096, 300), (256, 16, 300), (64, 4, 1200)])
def test_all_intervals_of_one_noise_hold_together(
    count: int, repetitions: int, times: int, generator: torch.Generator
) -> None:
    """In at least 95 % of all measurements, to 5 standard deviations of a binomial.

    Where each alone holds with 95 %, by the normal quantile, some interval misses in 18 to 37 % of them; all
    together by the normal quantile, of four repetitions, in 22 %.
    """
    missed = 0
    for _ in range(times):
        found = accuracies(drawn(count * repetitions, generator), count, TOGETHER)
        missed += any(abs(one.bias - bias) > one.half_width + 1e-12 for one, bias in found)
    assert missed <= 0.05 * times + 5 * math.sqrt(0.05 * 0.95 * times)


@pytest.mark.parametrize("name", ["score", "baseline"])
@pytest.mark.parametrize("count", [1, 2, 8])
def test_means_are_as_far_from_the_truth_as_their_errors_say(name: Estimator, count: int) -> None:
    """200 measurements with noise of their own: z statistics of mean 0 and variance 1, 5 deviations each.

    A baseline with the mean of all M samples, its own among them, has 1 - 1/M of the gradient.
    """
    truth = closed_form(QUADRATIC, MEAN, STD)
    parts: list[list[float]] = [[], []]
    for seed in range(200):
        samples = drawn(4096, torch.Generator().manual_seed(seed))
        for found, values, true in zip(
            parts, estimates(samples, name, num_samples=count), truth.gradient, strict=True
        ):
            one = accuracy_of(values[:, 0], float(true))
            found.append(one.bias / math.sqrt(one.variance / one.repetitions))
    for found in torch.tensor(parts, dtype=torch.float64):
        assert abs(float(found.mean())) < 5 / math.sqrt(200), name
        assert abs(float(found.var()) - 1) < 5 * math.sqrt(2 / 199), name
