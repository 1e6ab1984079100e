"""Verdicts and tables of the dimension reductions follow from the numbers and turn with them."""

import numpy as np

from dashboard.compare.dimension_reduction import summary, table, verdict
from vae_core.labs.reduction.results import Metrics, Reference

EMPTY = np.empty(0)
NOISE = np.linspace(-1, 1, 101)


def metrics(error: float, *, log_prob: float | None = None, trust: float = 0.9) -> Metrics:
    count = len(NOISE)
    blank = {field: EMPTY for field in Metrics._fields}
    area = np.array([[0.7, 0.02]] * 3)
    return Metrics(
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


def test_verdict_turns_with_the_numbers() -> None:
    good, bad = metrics(1.0), metrics(2.0)
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
    text = summary({"PCA": metrics(2.0), "VAE": metrics(1.0, trust=0.8)}, REFERENCE)
    assert "**better** in 1 (reconstruction error)" in text
    assert "**worse** in 1 (trustworthiness)" in text
    assert summary({"PCA": metrics(1.0)}, REFERENCE) == ""


def test_table_marks_the_best_and_leaves_out_what_no_method_has() -> None:
    found = {"PCA": metrics(2.0), "VAE": metrics(1.0, log_prob=-3.0)}
    head, rows = table(("reconstruction", "class", "log_prob"), found, REFERENCE)
    assert head == ["method", "reconstruction error ↓", "log p(x) in nats ↑"], "no classes, no column"
    (pca, pca_error, pca_log_prob), (vae, vae_error, vae_log_prob) = rows
    assert (pca, vae) == ("PCA", "VAE")
    assert vae_error.startswith("**1.000")
    assert not pca_error.startswith("**")
    assert pca_log_prob == "–"
    assert vae_log_prob.strip("*").startswith("≥ −3.00")
