"""What each latent dimension says about each known cause of the images: mutual information, and its gap."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]
MAX_POINTS: Final = 4096
"""Of the grid in each dimension."""
_REACH: Final = 8.0
"""Standard deviations beyond the outermost means: what is left out weighs 1e-15."""
_PIECE: Final = 1 << 20


class FactorInformation(NamedTuple):
    """Of K factors and J latent dimensions.

    Arguments:
        information: I(z_j; v_k) in nats, shape (K, J).
        entropy: H(v_k) in nats, shape (K,): the most that a dimension can say.
        by_chance: The largest entry that factors have which were shuffled among the examples: the examples
            are finitely many.
    """

    information: Array
    entropy: Array
    by_chance: float

    @property
    def gaps(self) -> Array:
        """The gap of each factor, shape (K,): (I of its best dimension - I of its second best) / H."""
        ordered = np.sort(np.pad(self.information, ((0, 0), (1, 0))), axis=1)
        return (ordered[:, -1] - ordered[:, -2]) / self.entropy

    @property
    def gap(self) -> float:
        """The mutual information gap, from 0 to 1: the mean over the factors."""
        return float(self.gaps.mean())


def factor_information(
    means: NDArray[Any],
    stds: NDArray[Any],
    factors: Sequence[NDArray[Any]],
    *,
    generator: torch.Generator,
) -> FactorInformation:
    r"""Mutual information of each latent dimension with each factor, with z ~ q(z|x).

    .. math:: I(z_j; v_k) = \sum_v p(v) \int q(z_j|v) \log \frac{q(z_j|v)}{q(z_j)}\,dz_j

    with q(z_j) the mean of all q(z_j|x) and q(z_j|v) that of the examples with v_k = v: mixtures of
    Gaussians, integrated on a grid whose step is an eighth of the smallest deviation; where that takes more
    than ``MAX_POINTS``, smaller deviations than two steps count as two.

    References:
        Isolating Sources of Disentanglement in VAEs (Chen et al., 2018), https://arxiv.org/abs/1802.04942

    Arguments:
        means: Of q(z|x), shape (n, J).
        stds: Shape (n, J), positive.
        factors: Values of each factor, shape (n,) each; each takes at least two.
        generator: Source of the shuffle that shows what chance gives.

    Example:
        >>> code = np.array([[0.0, 5.0], [0.0, -5.0], [9.0, 5.0], [9.0, -5.0]])
        >>> stds, factors, generator = np.full((4, 2), 0.1), [code[:, 1], code[:, 0]], torch.Generator()
        >>> found = factor_information(code, stds, factors, generator=generator)
        >>> round(found.gap, 6)
        1.0
    """
    chance = [factor[torch.randperm(len(factor), generator=generator).numpy()] for factor in factors]
    marks = [_one_hot(factor) for factor in (*factors, *chance)]
    information = np.array([_of_dimension(*one, marks) for one in zip(means.T, stds.T, strict=True)]).T
    shares = [mark.mean(axis=1) for mark in marks[: len(factors)]]
    entropy = np.array([-(share * np.log(share)).sum() for share in shares])
    return FactorInformation(
        information[: len(factors)], entropy, float(information[len(factors) :].max(initial=0.0))
    )


def _one_hot(factor: NDArray[Any]) -> Array:
    """Shape (values, n): 1 where an example has a value."""
    values, which = np.unique(factor, return_inverse=True)
    assert len(values) > 1, "a factor with one value has no entropy"
    return (which == np.arange(len(values))[:, None]).astype(np.float64)


def _of_dimension(mean: NDArray[Any], std: NDArray[Any], marks: Sequence[Array]) -> list[float]:
    mean, std = mean.astype(np.float64), std.astype(np.float64)
    low, high = float((mean - _REACH * std).min()), float((mean + _REACH * std).max())
    step = max((high - low) / MAX_POINTS, float(std.min()) / 8)
    std = np.maximum(std, 2 * step)
    grid = np.arange(low - 2 * _REACH * step, high + 2 * _REACH * step, step)
    every = np.concatenate(marks)
    density = np.empty((len(every), len(grid)))
    rows = max(1, _PIECE // len(mean))
    for first in range(0, len(grid), rows):
        z = grid[first : first + rows]
        of_each = np.exp(-0.5 * ((z - mean[:, None]) / std[:, None]) ** 2) / std[:, None]
        density[:, first : first + rows] = every @ of_each
    density *= step / np.sqrt(2 * np.pi) / len(mean)  # sums to p(v) over the grid
    found, first = [], 0
    for mark in marks:
        joint = density[first : first + len(mark)]
        first += len(mark)
        shares, marginal = joint.sum(axis=1, keepdims=True), joint.sum(axis=0)
        there = joint > 0
        log_ratio = np.log(joint, where=there, out=np.zeros_like(joint)) - np.log(shares)
        log_ratio -= np.log(marginal, where=marginal > 0, out=np.zeros_like(marginal))
        found.append(float((joint * log_ratio).sum()))
    return found
