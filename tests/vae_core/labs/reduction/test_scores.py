"""Scores: paired errors, ties, and which method is best."""

import math

import numpy as np
import pytest

from vae_core.labs.reduction.scores import MEASURES, outcome, ranking, winners
from vae_core.labs.scores import Score, difference, mean_score

EMPTY = np.empty(0)
NOISE = np.linspace(-1, 1, 101)


def test_standard_error_is_that_of_a_mean() -> None:
    score = mean_score(np.array([1.0, 2.0, 3.0, 6.0]))
    assert score is not None
    assert (score.value, score.standard_error) == (3.0, pytest.approx(math.sqrt(14 / 3 / 4)))
    assert mean_score(EMPTY) is None


def test_differences_are_of_pairs() -> None:
    """Each varies widely over the examples, their difference does not at all."""
    one, other = mean_score(5 + NOISE), mean_score(5.01 + NOISE)
    assert one is not None
    assert other is not None
    assert difference(one, other).standard_error < 1e-12
    assert difference(one, other).is_clear
    assert one.standard_error > 0.05
    assert not difference(one, one).is_clear


@pytest.mark.parametrize(("value", "is_clear"), [(0.91, True), (0.89, False), (0.71, False), (0.69, True)])
def test_scores_without_values_have_independent_errors(value: float, is_clear: bool) -> None:
    """Errors of 0.03 and 0.04 are 0.05 together: a difference is clear above 0.1, of either sign."""
    gap = difference(Score(value, 0.03, None), Score(0.8, 0.04, None))
    assert gap == (pytest.approx(value - 0.8), pytest.approx(0.05))
    assert gap.is_clear == is_clear


def test_direction_decides_which_is_better() -> None:
    low, high = Score(1.0, 0.01, None), Score(2.0, 0.01, None)
    assert outcome(MEASURES["reconstruction"], low, high) == "better"
    assert outcome(MEASURES["trust"], low, high) == "worse"
    assert outcome(MEASURES["trust"], low, low) == "no clear difference"
    assert ranking(MEASURES["reconstruction"], {"a": high, "b": low}) == ["b", "a"]


def test_winners_share_what_is_no_clear_difference() -> None:
    close = {"a": Score(0.9, 0.03, None), "b": Score(0.88, 0.03, None), "c": Score(0.5, 0.03, None)}
    assert winners(MEASURES["trust"], close) == ["a", "b"]
    assert winners(MEASURES["trust"], {"a": close["a"]}) == []
