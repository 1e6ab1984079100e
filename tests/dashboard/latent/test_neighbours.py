"""Neighbours of an example, and what is decoded for it."""

from typing import Literal

import numpy as np
import pytest

from dashboard.latent import cached as cache_latent
from dashboard.subject import pretrained


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_neighbours_are_those_of_a_plain_search(metric: Literal["euclidean", "cosine"]) -> None:
    points = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    rows, distances = cache_latent.neighbours(points, 7, metric)
    lengths = np.linalg.norm(points, axis=1) * np.linalg.norm(points[7])
    away = (
        np.linalg.norm(points - points[7], axis=1)
        if metric == "euclidean"
        else 1 - points @ points[7] / lengths
    )
    expected = [row for row in np.argsort(away, kind="stable").tolist() if row != 7][:10]
    assert rows.tolist() == expected
    np.testing.assert_allclose(distances, away[expected], atol=1e-5)


def test_a_row_is_no_neighbour_of_itself_among_equal_rows() -> None:
    rows, distances = cache_latent.neighbours(np.ones((30, 2), np.float32), 29, "euclidean")
    assert len(rows) == 10
    assert 29 not in rows
    assert distances.max() == 0


def test_a_sample_is_one_of_the_likelihood_and_the_seed_decides_it() -> None:
    model, origin = pretrained(), np.zeros((1, 2), np.float32)
    first, second = (cache_latent.decode_one(model, origin[0], sample=True) for _ in range(2))
    assert np.array_equal(first, second)
    assert set(np.unique(first)) == {0.0, 1.0}, "a Bernoulli sample has ink or none"
    assert not np.array_equal(first, cache_latent.decode_one(model, origin[0]))
