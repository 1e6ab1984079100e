"""Verdicts and tables of the dimension reductions follow from the numbers and turn with them."""

import numpy as np

from dashboard.compare.dimension_reduction import summary, table, verdict
from vae_core.labs.reduction.results import Metrics, Reference
from vae_core.labs.scores import MIN_SEEDS

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


def trained(error: float, count: int = MIN_SEEDS, **settings: float) -> list[Metrics]:
    """Some trainings that differ a little."""
    return [metrics(error + 0.01 * k, **settings) for k in range(count)]


REFERENCE = Reference(EMPTY, np.full(101, 2.0), np.full(101, 2.0), np.full(101, 2.0))


def test_verdict_turns_with_the_numbers() -> None:
    good, bad = trained(1.0), trained(2.0)
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


def test_fewer_than_five_trainings_have_no_verdict() -> None:
    found = {"PCA": trained(2.0), "VAE": trained(1.0, 1)}
    said = verdict("reconstruction", found, REFERENCE)
    assert "−1.0" in said
    assert said.endswith("of one training: no verdict.")
    assert "takes 5 trainings" in summary(found, REFERENCE)
    _, rows = table(("reconstruction",), found, REFERENCE)
    assert not any("**" in cell for row in rows for cell in row)


def test_seeds_that_differ_as_much_as_the_methods_make_it_unclear() -> None:
    """The same difference, and the same spread of the examples."""
    apart = [metrics(1.0 + 0.9 * k) for k in range(MIN_SEEDS)]
    said = verdict("reconstruction", {"PCA": trained(2.4), "VAE": apart}, REFERENCE)
    assert "no clear difference" in said
    assert "the VAE is better" in verdict(
        "reconstruction", {"PCA": trained(4.2), "VAE": trained(2.8)}, REFERENCE
    )


def test_summary_counts_and_the_trained_vae_counts() -> None:
    text = summary({"PCA": trained(2.0), "VAE": trained(1.0, trust=0.8)}, REFERENCE)
    assert "**better** in 1 (reconstruction error)" in text
    assert "**worse** in 1 (trustworthiness)" in text
    assert summary({"PCA": trained(1.0)}, REFERENCE) == ""


def test_table_marks_the_best_and_leaves_out_what_no_method_has() -> None:
    found = {"PCA": trained(2.0), "VAE": trained(1.0, log_prob=-3.0)}
    head, rows = table(("reconstruction", "class", "log_prob"), found, REFERENCE)
    assert head == ["method", "reconstruction error ↓", "log p(x) in nats ↑"], "no classes, no column"
    (pca, pca_error, pca_log_prob), (vae, vae_error, vae_log_prob) = rows
    assert (pca, vae) == ("PCA", "VAE")
    assert vae_error.startswith("**1.020")
    assert not pca_error.startswith("**")
    assert pca_log_prob == "–"
    assert vae_log_prob.strip("*").startswith("≥ −3.00")
