"""Verdicts follow from the numbers: paired errors, ties, and which is best when the numbers change."""

import math

import numpy as np
import pytest

from dashboard.compare.dimension_reduction_numbers import summary, table, verdict
from vae_core.labs.reduction.results import Reference, Results
from vae_core.labs.reduction.scores import MEASURES, Score, difference, mean_score, outcome, ranking, winners

EMPTY = np.empty(0)
NOISE = np.linspace(-1, 1, 101)


def results(error: float, *, log_prob: float | None = None, trust: float = 0.9) -> Results:
    count = len(NOISE)
    blank = {field: EMPTY for field in Results._fields}
    area = np.array([[0.7, 0.02]] * 3)
    return Results(
        **blank
        | {
            "codes": np.zeros((count, 2)),
            "reconstruction_error": error + NOISE,
            "inpainting_error": np.full(count, 1.0),
            "trust": trust + 0.01 * NOISE,
            "midpoint_distance": 3 + NOISE,
            "sample_distance": 3 + NOISE,
            "coverage_distance": 3 + NOISE,
            "area_by_error": area,
            "area_by_density": area[:0],
            "log_prob": EMPTY if log_prob is None else log_prob + NOISE,
        }
    )


REFERENCE = Reference(EMPTY, np.full(101, 2.0), np.full(101, 2.0), np.full(101, 2.0))


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


def test_verdict_turns_with_the_numbers() -> None:
    good, bad = results(1.0), results(2.0)
    better = verdict("reconstruction", {"PCA": bad, "VAE": good}, REFERENCE)
    worse = verdict("reconstruction", {"PCA": good, "VAE": bad}, REFERENCE)
    tie = verdict("reconstruction", {"PCA": good, "VAE": good}, REFERENCE)
    assert "best is **VAE**" in better
    assert "the VAE is better" in better
    assert "−1.000" in better
    assert "best is **PCA**" in worse
    assert "the VAE is worse" in worse
    assert "do not clearly differ" in tie
    assert "no clear difference" in tie


def test_summary_counts_and_the_trained_vae_counts() -> None:
    text = summary({"PCA": results(2.0), "VAE": results(1.0, trust=0.8)}, REFERENCE)
    assert "**better** in 1 (reconstruction error)" in text
    assert "**worse** in 1 (trustworthiness)" in text
    assert summary({"PCA": results(1.0)}, REFERENCE) == ""


def test_table_marks_the_best_and_leaves_what_is_not_there() -> None:
    found = {"PCA": results(2.0), "VAE": results(1.0, log_prob=-3.0)}
    columns = table(("reconstruction", "class", "log_prob"), found, REFERENCE)
    assert list(columns) == ["method", "reconstruction error ↓", "log p(x) in nats ↑"], (
        "no classes, no column"
    )
    assert columns["method"] == ["PCA", "VAE"]
    error, log_prob = columns["reconstruction error ↓"], columns["log p(x) in nats ↑"]
    assert error[1].startswith("**1.000")
    assert not error[0].startswith("**")
    assert log_prob[0] == "–"
    assert log_prob[1].strip("*").startswith("≥ −3.00")
