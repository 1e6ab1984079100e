"""Projections: PCA against scikit-learn's, t-SNE in its own process with progress and cancel."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from dashboard.projections import Projections
from tests.polling import until
from vae_core.errors import BadInput
from vae_core.projection import MAX_TSNE_POINTS, pca_projection, tsne_projection

POINTS = np.random.default_rng(0).normal(size=(120, 5)).astype(np.float32) * np.array(
    [1, 2, 3, 4, 5], np.float32
)
NAME = "0123456789abcdef"


@pytest.fixture
def tasks(tmp_path: Path) -> Iterator[Projections]:
    made = Projections(tmp_path)
    yield made
    made.cancel(NAME)


def test_pca_is_that_of_scikit_learn() -> None:
    expected = PCA(2).fit(POINTS.astype(np.float64))
    found = pca_projection(POINTS)
    np.testing.assert_allclose(found.explained, expected.explained_variance_ratio_, rtol=1e-6)
    theirs = expected.transform(POINTS.astype(np.float64))
    np.testing.assert_allclose(np.abs(found.coordinates), np.abs(theirs), atol=1e-4)


def test_pca_of_equal_points_is_no_number_out_of_nothing() -> None:
    found = pca_projection(np.ones((5, 3), np.float32))
    assert found.explained.tolist() == [0, 0]
    assert not found.coordinates.any()


@pytest.mark.parametrize("shape", [(1, 3), (4, 1), (5,)])
def test_pca_refuses_what_has_no_plane(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="PCA needs"):
        pca_projection(np.zeros(shape, np.float32))


@pytest.mark.parametrize("count", [3, MAX_TSNE_POINTS + 1])
def test_tsne_refuses_too_few_and_too_many(count: int) -> None:
    with pytest.raises(BadInput, match="t-SNE takes"):
        tsne_projection(np.zeros((count, 2), np.float32), seed=0, on_progress=lambda share: None)


def test_tsne_is_computed_beside_the_server_and_kept(tasks: Projections, tmp_path: Path) -> None:
    two = np.concatenate([POINTS, POINTS + 200])
    assert tasks.start(NAME, two, seed=0)
    assert not tasks.start("fedcba9876543210", two, seed=0), "one at a time"
    until(lambda: tasks.progress(NAME) is None, "the end of the t-SNE")
    until(lambda: tasks.result(NAME) is not None, "the result")
    found = tasks.result(NAME)
    assert found is not None
    assert found.shape == (240, 2)
    centres = found[:120].mean(0), found[120:].mean(0)
    nearest = np.linalg.norm(found[:, None] - np.stack(centres), axis=2).argmin(1)
    assert (nearest == np.repeat([0, 1], 120)).mean() > 0.95, "two far clusters stay apart"
    again = Projections(tmp_path).result(NAME)
    assert again is not None, "the result outlives the server"
    assert np.array_equal(again, found)


def test_tsne_can_be_cancelled(tasks: Projections) -> None:
    assert tasks.start(NAME, np.concatenate([POINTS] * 8), seed=0)
    assert tasks.progress(NAME) is not None
    tasks.cancel(NAME)
    assert tasks.progress(NAME) is None
    assert tasks.result(NAME) is None


def test_names_are_hex_digits(tasks: Projections) -> None:
    with pytest.raises(ValueError, match="hex digits"):
        tasks.start("../../evil", POINTS, seed=0)
    assert tasks.result("../../evil") is None
