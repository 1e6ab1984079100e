"""Integrals over a latent space of one or two dimensions, on tiles that hold the mass of some datum.

The rule is the sum over a lattice times its cell, whose error falls faster than any power of its spacing
once a smooth bump spans a few points. A first pass over coarse tiles finds where each datum's p(x, z) has
its mass; q(z|x) has tiles of its own width, where it says it is. A tile's points are decoded once and
multiplied with the data that need it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from vae_core.distributions import DiagonalNormal
from vae_core.model import VAE

TILE: Final = 0.2
REACH: Final = 6.5
"""The prior beyond it has a mass of 1e-10 in each dimension."""
MAX_TILES_PER_DIM: Final = 128
_NEGLIGIBLE: Final = 25.0
"""Nats below the largest value: a share of 1e-11."""
_FINE_NATS: Final = 30.0
"""A tile in which log p(x, z) may change by more is halved before it is filled with points."""
_MAX_HALVINGS: Final = 6
_POINTS: Final = 2048
"""Decoded at a time."""
_MAX_PAIRS: Final = 4_000_000
"""Values at a time: points * data, 32 MB in float64."""


@dataclass(slots=True)
class Tiles:
    """Squares of the plane (or pieces of the line) and the data whose mass they hold.

    Arguments:
        centres: Shape (T, J).
        size: Their side in each dimension, shape (J,).
        needed: Which data need which tile, booleans of shape (T, n).
        slack: By how much log p(x, z) may rise from each tile's centre, shape (T, n), nats.
    """

    centres: Tensor
    size: Tensor
    needed: Tensor
    slack: Tensor

    def of(self, rows: Tensor) -> "Tiles":
        """The tiles that some data need, given by their numbers, for those data alone."""
        needed = self.needed[:, rows]
        kept = needed.any(1)
        return Tiles(self.centres[kept], self.size, needed[kept], self.slack[kept][:, rows])

    def is_fine(self) -> Tensor:
        """For which data log p(x, z) changes little within each of their tiles, booleans of shape (n,)."""
        return torch.where(self.needed, self.slack, 0.0).amax(0) < _FINE_NATS


def joint_tilings(
    model: VAE, x: Tensor, posterior: DiagonalNormal
) -> Iterator[tuple[Tensor, Tiles, Tensor, Tensor]]:
    """Tiles with the mass of p(x, z): over the prior and all q, halved where it is sharper than a tile.

    Yields the numbers of some data, their tiles, the largest log p(x, z) found, and the share of the mass in
    the outermost tiles: what may lie beyond.
    """
    tiles, largest, edge_share = _coarse(model, x, posterior)
    rows = torch.arange(len(x))
    for halving in range(_MAX_HALVINGS + 1):
        is_done = tiles.is_fine() | (halving == _MAX_HALVINGS)
        done, left = is_done.nonzero()[:, 0], (~is_done).nonzero()[:, 0]
        yield rows[done], tiles.of(done), largest[done], edge_share[rows[done]]
        if len(left) == 0:
            return
        rows, largest, tiles = rows[left], largest[left], tiles.of(left)
        tiles, largest = _halved(model, x[rows], tiles, largest)


def posterior_tilings(posterior: DiagonalNormal) -> Iterator[tuple[Tensor, Tiles]]:
    """Numbers of some data, and tiles with the mass of their q(z|x), one to two deviations wide."""
    levels = torch.log2(posterior.std).floor() + 1
    for level in levels.unique(dim=0):
        rows = (levels == level).all(1).nonzero()[:, 0]
        yield rows, _around(DiagonalNormal(posterior.mean[rows], posterior.log_var[rows]), torch.exp2(level))


def _around(q: DiagonalNormal, size: Tensor) -> Tiles:
    """Tiles of one lattice that hold more than a negligible density of some q."""
    reach = math.sqrt(2 * _NEGLIGIBLE)
    half = torch.arange(-math.ceil(reach) - 1, math.ceil(reach) + 2)
    steps = torch.cartesian_prod(*(half,) * len(size)).reshape(-1, len(size))
    index = torch.round(q.mean / size).long()[:, None] + steps
    away = ((index * size - q.mean[:, None]).abs() - size / 2).clamp(min=0) / q.std[:, None]
    datum, step = (away.square().sum(-1) < reach**2).nonzero(as_tuple=True)
    index, number = index[datum, step].unique(dim=0, return_inverse=True)
    needed = torch.zeros(len(index), len(q.mean), dtype=torch.bool)
    needed[number, datum] = True
    order = _z_order(index - index.amin(0))
    return Tiles(index[order] * size, size, needed[order], torch.zeros(1, 1).expand(needed.shape))


def _coarse(model: VAE, x: Tensor, posterior: DiagonalNormal) -> tuple[Tiles, Tensor, Tensor]:
    """Tiles over the whole region, the largest log p(x, z) found, and the share of the outermost tiles."""
    axes, size = _axes(posterior)
    shape = tuple(len(axis) for axis in axes)
    centres = torch.cartesian_prod(*axes).reshape(-1, len(axes))
    log_joint = torch.cat([_log_joint(model, x, piece)[0] for piece in centres.split(_POINTS)])
    mean = posterior.mean.to(x.dtype)
    at_mean = model.likelihood(mean).log_prob(x) + model.prior.log_prob(mean)
    largest = torch.maximum(log_joint.max(0).values, at_mean.double())
    slack = _slack(log_joint.reshape(*shape, -1)).flatten(0, -2)
    needed = log_joint + slack > largest - _NEGLIGIBLE
    index = torch.cartesian_prod(*(torch.arange(length) for length in shape)).reshape(-1, len(axes))
    edge = ((index == 0) | (index == torch.tensor(shape) - 1)).any(1)
    edge_share = torch.exp(torch.logsumexp(log_joint[edge], 0) - torch.logsumexp(log_joint, 0))
    order = _z_order(index)
    sides = torch.full((len(axes),), size, dtype=torch.float64)
    return Tiles(centres[order], sides, needed[order], slack[order]), largest, edge_share


def _halved(model: VAE, x: Tensor, tiles: Tiles, largest: Tensor) -> tuple[Tiles, Tensor]:
    """Tiles of half the side where mass may be, and the largest values found."""
    latent_dim, size = tiles.centres.shape[1], tiles.size / 2
    signs = torch.tensor([-0.5, 0.5]).to(tiles.centres)
    offsets = torch.cartesian_prod(*(signs,) * latent_dim).reshape(-1, latent_dim) * size
    values = torch.full((len(tiles.centres), len(offsets), len(x)), -math.inf, dtype=torch.float64)
    for start, points, rows in _batches(tiles, offsets):
        log_joint = _log_joint(model, x[rows], points)[0].reshape(-1, len(offsets), len(rows))
        values[start : start + len(log_joint), :, rows] = log_joint
    # From a centre to its tile's edge is half a step to its brother; a slope may be steeper on the far side,
    # so a whole step is allowed. Where a peak lies between brothers they are equal: there a quarter of what
    # the whole tile was allowed, as for a parabola.
    square = values.unflatten(1, (2,) * latent_dim)
    slack = sum(
        square.diff(dim=dim + 1).abs().nan_to_num(nan=0.0).amax(tuple(range(1, latent_dim + 1)))
        for dim in range(latent_dim)
    )
    slack = torch.maximum(torch.as_tensor(slack), tiles.slack / 4).repeat_interleave(len(offsets), 0)
    values = values.flatten(0, 1)
    largest = torch.maximum(largest, values.max(0).values)
    needed = tiles.needed.repeat_interleave(len(offsets), 0) & (values + slack > largest - _NEGLIGIBLE)
    centres = (tiles.centres[:, None] + offsets).flatten(0, 1)
    return Tiles(centres, size, needed, slack), largest


def _slack(log_joint: Tensor) -> Tensor:
    """By how much log p(x, z) may rise from each tile's centre: half of the steepest steps around it."""
    slack = torch.zeros_like(log_joint)
    for dim in range(log_joint.ndim - 1):
        steps = log_joint.diff(dim=dim).abs()
        edge = torch.zeros_like(steps.narrow(dim, 0, 1))
        slack += 0.5 * torch.maximum(torch.cat([edge, steps], dim), torch.cat([steps, edge], dim))
    return slack


def joint_sums(model: VAE, x: Tensor, largest: Tensor, tiles: Tiles, rows: Tensor, per_side: int) -> Tensor:
    """Integral of p(x, z) / exp(largest) for some of the tiles' data, from fresh points: shape (1, rows)."""
    x, tiles, largest = x[rows], tiles.of(rows), largest[rows]
    total = torch.zeros(len(x), dtype=torch.float64)
    for _, points, here in _batches(tiles, _fresh(tiles, per_side)):
        log_joint, _ = _log_joint(model, x[here], points)
        total[here] += log_joint.sub_(largest[here]).exp_().sum(0)
    return total[None] * (tiles.size / per_side).prod()


def posterior_sums(
    model: VAE, x: Tensor, q: DiagonalNormal, tiles: Tiles, rows: Tensor, per_side: int
) -> Tensor:
    """Integrals of q, q log p(x|z) and q log(q / p(x, z)), from fresh points: shape (3, rows)."""
    x, tiles, q = x[rows], tiles.of(rows), DiagonalNormal(q.mean[rows], q.log_var[rows])
    sums = torch.zeros(3, len(x), dtype=torch.float64)
    for _, points, here in _batches(tiles, _fresh(tiles, per_side)):
        log_joint, log_likelihood = _log_joint(model, x[here], points)
        log_q = DiagonalNormal(q.mean[here], q.log_var[here]).log_prob(points[:, None])
        share = torch.exp(log_q)
        parts = (share, share * log_likelihood, share * (log_q - log_joint))
        sums[:, here] += torch.stack([part.sum(0) for part in parts])
    return sums * (tiles.size / per_side).prod()


def _fresh(tiles: Tiles, per_side: int) -> Tensor:
    """Points of a tile from its centre, ``per_side`` to the side, less those of half as many: (N, J).

    They begin at the tile's lowest corner: over neighbouring tiles they are one lattice, and the lattice of
    twice as many holds it.
    """
    latent_dim = tiles.centres.shape[1]
    index = torch.cartesian_prod(*(torch.arange(per_side),) * latent_dim).reshape(-1, latent_dim)
    if per_side > 1:
        index = index[(index % 2 == 1).any(1)]
    return (index / per_side - 0.5).to(tiles.centres) * tiles.size


def _axes(posterior: DiagonalNormal) -> tuple[list[Tensor], float]:
    low = (posterior.mean - REACH * posterior.std).min(0).values.clamp(max=-REACH)
    high = (posterior.mean + REACH * posterior.std).max(0).values.clamp(min=REACH)
    size = max(TILE, float((high - low).max()) / MAX_TILES_PER_DIM)
    counts = torch.ceil((high - low) / size).long().tolist()
    return [
        start + size * (torch.arange(count).to(start) + 0.5) for start, count in zip(low, counts, strict=True)
    ], size


def _log_joint(model: VAE, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """log p(x, z) and log p(x|z) for all points and data: two of shape (G, n), float64."""
    log_likelihood = model.likelihood(z.to(x.dtype)).pairwise_log_prob(x)
    return log_likelihood + model.prior.log_prob(z.double())[:, None], log_likelihood


def _z_order(index: Tensor) -> Tensor:
    """An order in which tiles that follow each other lie close together (Morton 1966)."""
    code = torch.zeros(len(index), dtype=torch.long)
    for bit in range(int(index.max()).bit_length()):
        for dim in range(index.shape[1]):
            code |= ((index[:, dim] >> bit) & 1) << (bit * index.shape[1] + dim)
    return code.argsort()


def _batches(tiles: Tiles, offsets: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Number of the first tile, the points of some tiles, and which data need one of these tiles."""
    at_once = max(1, _POINTS // 4 // len(offsets))
    for start in range(0, len(tiles.centres), at_once):
        rows = tiles.needed[start : start + at_once].any(0).nonzero()[:, 0]
        points = (tiles.centres[start : start + at_once, None] + offsets).flatten(0, 1)
        for piece in points.split(max(1, min(_POINTS, _MAX_PAIRS // max(1, len(rows))))):
            yield start, piece, rows
