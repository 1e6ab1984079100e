"""Projections: PCA against the covariance's eigenvectors, and what t-SNE refuses."""

import numpy as np
import pytest

from vae_core.errors import BadInput
from vae_core.latent.projection import MAX_TSNE_POINTS, pca_projection, tsne_projection

POINTS = np.random.default_rng(0).normal(size=(120, 5)).astype(np.float32) * np.array(
    [1, 2, 3, 4, 5], np.float32
)


def test_pca_is_the_eigenvectors_of_the_covariance() -> None:
    """Coordinates up to sign; the sign makes the largest entry of each direction positive."""
    values, vectors = np.linalg.eigh(np.cov(POINTS.T.astype(np.float64)))
    directions = vectors[:, ::-1][:, :2]
    directions = directions * np.sign(directions[np.abs(directions).argmax(0), range(2)])
    found = pca_projection(POINTS)
    np.testing.assert_allclose(found.explained, (values / values.sum())[::-1][:2], rtol=1e-5)
    np.testing.assert_allclose(found.coordinates, (POINTS - POINTS.mean(0)) @ directions, atol=1e-4)


def test_pca_of_equal_points_has_no_variance_to_explain() -> None:
    found = pca_projection(np.ones((5, 3), np.float32))
    assert found.explained.tolist() == [0, 0]
    assert not found.coordinates.any()


@pytest.mark.parametrize("shape", [(1, 3), (4, 1), (5,)])
def test_pca_refuses_what_has_no_plane(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="PCA needs"):
        pca_projection(np.zeros(shape, np.float32))


@pytest.mark.parametrize("points", [np.ones((50, 3)), np.full((50, 3), 1e30), np.full((4, 2), np.nan)])
def test_tsne_says_beforehand_what_would_end_its_process(points: np.ndarray) -> None:
    with pytest.raises(BadInput, match=r"all the points are equal|needs finite numbers"):
        tsne_projection(points.astype(np.float32), seed=0, on_progress=lambda share: None)


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1.0, 1e15])
def test_tsne_lays_out_points_of_any_scale_and_many_equal_ones(
    scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_core.latent.projection.ITERATIONS", 250)
    points = (scale * np.repeat(np.eye(2, 3), 20, axis=0)).astype(np.float32)
    found = tsne_projection(points, seed=0, on_progress=lambda share: None)
    assert np.isfinite(found).all()
    within = np.linalg.norm(found[:20] - found[:20].mean(0), axis=1).max()
    assert np.linalg.norm(found[:20].mean(0) - found[20:].mean(0)) > within


@pytest.mark.parametrize("count", [3, MAX_TSNE_POINTS + 1])
def test_tsne_refuses_too_few_and_too_many(count: int) -> None:
    with pytest.raises(BadInput, match="t-SNE takes"):
        tsne_projection(np.zeros((count, 2), np.float32), seed=0, on_progress=lambda share: None)
