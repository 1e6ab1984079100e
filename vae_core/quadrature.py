"""Integrals over a latent space of one or two dimensions, on tiles that hold the mass of some datum.

The rule is the midpoint rule, whose error falls faster than any power of its spacing once a smooth bump spans
a few points. A first pass over coarse tiles finds where each datum's p(x, z) and q(z|x) have their mass; from
then on a tile's points are decoded once and multiplied with the data that need the tile.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

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


class Integrals(NamedTuple):
    """For each datum: log p(x), E_q[log p(x|z)], E_q[log q(z|x) - log p(x, z)]; shape (n,), float64."""

    log_evidence: Tensor
    reconstruction: Tensor
    cross: Tensor


@dataclass(slots=True)
class Tiles:
    """Squares of the plane (or pieces of the line) and the data whose mass they hold.

    Arguments:
        centres: Shape (T, J).
        size: Their side.
        needed: Which data need which tile, booleans of shape (T, n).
        slack: By how much log p(x, z) may rise from each tile's centre, shape (T, n), nats.
    """

    centres: Tensor
    size: float
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


class Tiling(NamedTuple):
    """Tiles for some data: those with the mass of p(x, z), those with the mass of q(z|x).

    Arguments:
        rows: Numbers of the data, shape (n,).
        joint: Fine enough for p(x, z) as a function of z.
        posterior: With the mass of q; the same tiles where p(x, z) needs no finer ones.
        edge_share: Share of each datum's p(x, z) in the outermost tiles, shape (n,): what may lie beyond.
    """

    rows: Tensor
    joint: Tiles
    posterior: Tiles
    edge_share: Tensor


def tilings(model: VAE, x: Tensor, posterior: DiagonalNormal) -> Iterator[Tiling]:
    """Tiles over the prior and all q, halved for those data whose p(x, z) is sharper than a tile is wide."""
    joint, largest, edge_share = _coarse(model, x, posterior)
    is_fine = joint.is_fine()
    near = _near(joint.centres, joint.size, posterior)
    around_q = replace(joint, needed=near)
    rows = is_fine.nonzero()[:, 0]
    both = replace(joint, needed=joint.needed | near).of(rows)
    yield Tiling(rows, both, both, edge_share[rows])
    rows = (~is_fine).nonzero()[:, 0]
    largest, joint = largest[rows], joint.of(rows)
    for halving in range(_MAX_HALVINGS):
        if len(rows) == 0:
            return
        joint, largest = _halved(model, x[rows], joint, largest)
        is_done = joint.is_fine() | (halving == _MAX_HALVINGS - 1)
        done = is_done.nonzero()[:, 0]
        yield Tiling(rows[done], joint.of(done), around_q.of(rows[done]), edge_share[rows[done]])
        left = (~is_done).nonzero()[:, 0]
        rows, largest, joint = rows[left], largest[left], joint.of(left)


def _coarse(model: VAE, x: Tensor, posterior: DiagonalNormal) -> tuple[Tiles, Tensor, Tensor]:
    """Tiles over the whole region, the largest log p(x, z) found, and the share of the outermost tiles."""
    axes, size = _axes(posterior)
    shape = tuple(len(axis) for axis in axes)
    centres = torch.cartesian_prod(*axes).reshape(-1, len(axes))
    log_joint = torch.cat([_log_joint(model, x, piece)[0] for piece in centres.split(_POINTS)])
    at_mean = model.likelihood(posterior.mean).log_prob(x) + model.prior.log_prob(posterior.mean)
    largest = torch.maximum(log_joint.max(0).values, at_mean.double())
    slack = _slack(log_joint.reshape(*shape, -1)).flatten(0, -2)
    needed = log_joint + slack > largest - _NEGLIGIBLE
    index = torch.cartesian_prod(*(torch.arange(length) for length in shape)).reshape(-1, len(axes))
    edge = ((index == 0) | (index == torch.tensor(shape) - 1)).any(1)
    edge_share = torch.exp(torch.logsumexp(log_joint[edge], 0) - torch.logsumexp(log_joint, 0))
    order = _z_order(index)
    return Tiles(centres[order], size, needed[order], slack[order]), largest, edge_share


def _halved(model: VAE, x: Tensor, tiles: Tiles, largest: Tensor) -> tuple[Tiles, Tensor]:
    """Tiles of half the side where mass may be, and the largest values found."""
    latent_dim, size = tiles.centres.shape[1], tiles.size / 2
    steps = torch.tensor([-0.5, 0.5]).to(tiles.centres) * size
    offsets = torch.cartesian_prod(*(steps,) * latent_dim).reshape(-1, latent_dim)
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


def _near(centres: Tensor, size: float, posterior: DiagonalNormal) -> Tensor:
    """Which tiles hold more than a negligible density of which q, booleans of shape (T, n)."""
    away = ((centres[:, None] - posterior.mean).abs() - size / 2).clamp(min=0) / posterior.std
    return away.square().sum(-1) < 2 * _NEGLIGIBLE


def integrate(model: VAE, x: Tensor, posterior: DiagonalNormal, tiles: Tiles, per_side: int) -> Integrals:
    """The midpoint rule with ``per_side`` points to the side of each tile."""
    latent_dim = tiles.centres.shape[1]
    steps = ((torch.arange(per_side) + 0.5) / per_side - 0.5).to(tiles.centres) * tiles.size
    offsets = torch.cartesian_prod(*(steps,) * latent_dim).reshape(-1, latent_dim)
    log_cell = latent_dim * math.log(tiles.size / per_side)
    total = torch.full((len(x),), -math.inf, dtype=torch.float64)
    mass, reconstruction, cross = (torch.zeros(len(x), dtype=torch.float64) for _ in range(3))
    for _, points, rows in _batches(tiles, offsets):
        log_joint, log_likelihood = _log_joint(model, x[rows], points)
        total[rows] = torch.logaddexp(total[rows], torch.logsumexp(log_joint, 0) + log_cell)
        q = DiagonalNormal(posterior.mean[rows].double(), posterior.log_var[rows].double())
        log_q = q.log_prob(points[:, None].double())
        share = torch.exp(log_q + log_cell)
        mass[rows] += share.sum(0)
        reconstruction[rows] += (share * log_likelihood).sum(0)
        cross[rows] += (share * (log_q - log_joint)).sum(0)
    return Integrals(total, reconstruction / mass, cross / mass)


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
    log_likelihood = model.likelihood(z).pairwise_log_prob(x)
    return log_likelihood + model.prior.log_prob(z.double())[:, None], log_likelihood


def _z_order(index: Tensor) -> Tensor:
    """An order in which tiles that follow each other lie close together (Morton 1966)."""
    code = torch.zeros(len(index), dtype=torch.long)
    for bit in range(MAX_TILES_PER_DIM.bit_length()):
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
