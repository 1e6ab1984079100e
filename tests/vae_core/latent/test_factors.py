"""Mutual information of latent dimensions and factors: exact values where they are known."""

import itertools
from typing import Final

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.metrics import mutual_info_score

from vae_core.latent.factors import FactorInformation, factor_information

FACTORS: Final = np.array(list(itertools.product(range(3), range(4), range(5))), float)
"""Every combination of three factors once."""


def information_of(means: np.ndarray, stds: np.ndarray, factors: list[np.ndarray]) -> FactorInformation:
    return factor_information(means, stds, factors, generator=torch.Generator().manual_seed(0))


def test_a_permutation_of_the_factors_has_the_gap_1() -> None:
    order = [2, 0, 1]
    found = information_of(10 * FACTORS[:, order], np.full((60, 3), 0.1), list(FACTORS.T))
    assert found.gap == pytest.approx(1, abs=1e-8)
    assert found.entropy == pytest.approx(np.log([3, 4, 5]), abs=1e-12)
    expected = np.zeros((3, 3))
    for dim, factor in enumerate(order):
        expected[factor, dim] = np.log([3, 4, 5])[factor]
    assert found.information == pytest.approx(expected, abs=1e-8)


def test_a_code_that_says_nothing_has_the_gap_0() -> None:
    found = information_of(np.zeros((60, 4)), np.ones((60, 4)), list(FACTORS.T))
    assert found.information == pytest.approx(np.zeros((3, 4)), abs=1e-12)
    assert found.gap == pytest.approx(0, abs=1e-12)


def test_noise_has_a_gap_near_0_and_no_more_than_chance_gives() -> None:
    rng = np.random.default_rng(0)
    means = rng.normal(size=(2000, 5))
    factors = [rng.integers(count, size=2000) for count in (3, 6, 10)]
    found = information_of(means, np.full(means.shape, 0.3), factors)
    assert found.gap < 0.05
    assert found.information.max() < 1.5 * found.by_chance


def test_of_narrow_codes_it_is_that_of_counts() -> None:
    """Codes far apart are words: scikit-learn counts them."""
    rng = np.random.default_rng(1)
    factor = rng.integers(4, size=500)
    codes = np.stack([rng.permutation(factor), factor // 2, (factor + rng.integers(2, size=500)) % 4], axis=1)
    found = information_of(10.0 * codes, np.full(codes.shape, 0.2), [factor])
    expected = [mutual_info_score(factor, code) for code in codes.T]
    assert found.information[0] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("apart", [0.3, 1.0, 3.0])
def test_of_two_gaussians_it_is_the_integral(apart: float) -> None:
    """Half the examples are N(-a, 1), half N(a, 1): the entropy of the mixture less that of its parts."""

    def entropy(z: float) -> float:
        density = (norm.pdf(z, apart) + norm.pdf(z, -apart)) / 2
        return -density * np.log(density)

    expected = quad(entropy, -14, 14, points=(-apart, apart), epsabs=1e-12)[0] - norm.entropy()
    means = apart * np.array([[1.0], [-1.0], [1.0], [-1.0]])
    found = information_of(means, np.ones((4, 1)), [means[:, 0]])
    assert found.information[0, 0] == pytest.approx(expected, abs=1e-9)
    assert found.gap == pytest.approx(expected / np.log(2), abs=1e-9), "one dimension has no second best"


def test_a_code_turned_by_an_eighth_has_no_gap() -> None:
    """Both dimensions say as much about both factors."""
    square = np.array(list(itertools.product(range(5), repeat=2)), float) - 2
    turned = square @ np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    found = information_of(turned, np.full(turned.shape, 0.2), list(square.T))
    assert found.gap == pytest.approx(0, abs=1e-8)
    assert found.information.min() > 0.1


def test_widths_far_below_a_step_are_held_at_it() -> None:
    means = 1000.0 * FACTORS[:, :2]
    found = information_of(means, np.full(means.shape, 1e-6), list(FACTORS.T[:2]))
    assert found.gap == pytest.approx(1, abs=1e-8)
