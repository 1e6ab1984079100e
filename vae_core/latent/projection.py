"""Projections of a latent space with more than two dimensions: PCA at once, t-SNE in the background."""

import contextlib
import io
import re
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_core.errors import BadInput

MAX_TSNE_POINTS: Final = 1000
ITERATIONS: Final = 1000
SMALL: Final = 1e-6
Array = NDArray[np.float32]


class Pca(NamedTuple):
    """Principal components: coordinates, shape (n, 2), and the share of the variance of each, shape (2,)."""

    coordinates: Array
    explained: Array


def pca_projection(points: Array) -> Pca:
    """The two directions of largest variance (Pearson 1901): (x - mean) V, V the right singular vectors.

    Arguments:
        points: Shape (n, J) with J >= 2.

    Raises:
        BadInput: Fewer than 2 points or fewer than 2 dimensions.
    """
    if points.ndim != 2 or min(points.shape) < 2:
        raise BadInput(
            "points",
            f"PCA needs 2 points in 2 dimensions, got {points.shape}",
            "choose J above 2, and data with more examples",
        )
    from sklearn.decomposition import PCA

    # Each direction's sign is chosen so that its largest entry is positive: pictures repeat.
    pca = PCA(2, svd_solver="full")
    with np.errstate(invalid="ignore"):  # of equal points the shares are 0 / 0
        coordinates = pca.fit_transform(points.astype(np.float64))
    explained = np.nan_to_num(pca.explained_variance_ratio_)
    return Pca(coordinates.astype(np.float32), explained.astype(np.float32))


def tsne_projection(points: Array, *, seed: int, on_progress: Callable[[float], None]) -> Array:
    """t-SNE (van der Maaten and Hinton 2008) of at most ``MAX_TSNE_POINTS`` points, by scikit-learn.

    Arguments:
        points: Shape (n, J).
        seed: Decides the result; it starts from PCA.
        on_progress: Told the share of the iterations that is done.

    Returns:
        Coordinates of shape (n, 2); only who is near whom means anything in them.

    Raises:
        BadInput: As :func:`check_tsne_points` does.
    """
    check_tsne_points(points)
    from sklearn.manifold import TSNE

    # Of tiny numbers the squares would be 0, and all of them equal.
    spread = _spread(points)
    if spread < SMALL:
        points = ((points.astype(np.float64) - points.mean(0, np.float64)) / spread).astype(np.float32)
    perplexity = min(30.0, (len(points) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed, max_iter=ITERATIONS, verbose=2)
    with contextlib.redirect_stdout(_Iterations(on_progress)):
        return tsne.fit_transform(points).astype(np.float32)


def check_tsne_points(points: Array) -> None:
    """Says beforehand what t-SNE cannot lay out; scikit-learn's crashes on points that are all equal.

    Raises:
        BadInput: Fewer than 4 points, more than the limit, values that are not finite, or all points equal.
    """
    if not 4 <= len(points) <= MAX_TSNE_POINTS:
        hint = "take a part of them" if len(points) > 4 else "take data with more examples"
        raise BadInput("points", f"t-SNE takes 4 to {MAX_TSNE_POINTS} points, got {len(points)}", hint)
    if not np.isfinite(points).all():
        raise BadInput("points", "t-SNE needs finite numbers", "train with a smaller learning rate")
    if _spread(points) == 0:
        message = "all the points are equal, so t-SNE has nothing to lay out"
        raise BadInput("points", message, "take a model whose latent space is in use, or other data")


def _spread(points: Array) -> float:
    """The largest difference between two points in one coordinate."""
    return float(np.ptp(points.astype(np.float64), axis=0).max())


class _Iterations(io.TextIOBase):
    """Takes scikit-learn's messages and passes on the number of the iteration as a share."""

    def __init__(self, on_progress: Callable[[float], None]) -> None:
        self._on_progress = on_progress

    def write(self, text: str) -> int:
        found = re.search(r"Iteration (\d+)", text)
        if found:
            self._on_progress(min(1.0, int(found[1]) / ITERATIONS))
        return len(text)
