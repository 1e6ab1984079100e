"""Integrals over a latent space of one or two dimensions, on cells that hold the mass of some datum.

The rule is the sum over points, one in each cell, times the cell's size. All data share one tree of cells: a
cell is halved in each dimension only for the data that have mass in it and are not measured well enough yet.
The points are nested: a cell's own point stays one of its children's, and in the plane the children come in
two stages, each of which doubles the points on a lattice of equal distances (first the middle of four). For a
smooth bump the error falls faster than any power of the cell's side once it is about a deviation.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Final

import torch
from torch import Tensor

from vae_core.distributions import DiagonalNormal
from vae_core.integrand import Integrand, Peaks

NEGLIGIBLE: Final = 20.0
"""Nats below the largest value: a share of 2e-9."""
_CELLS_AT_ONCE: Final = 256
"""Decoded together, for all data that need one of them."""
_PAIRS_AT_ONCE: Final = 100_000
"""Their values at four points fill 3 MB, which a processor's cache holds."""
STAGES: Final = {1: (((1,),),), 2: (((1, 1),), ((1, 0), (0, 1)))}
"""For J = 1 and 2: which children of a cell are added in which stage, in sides from the cell's own point."""
_BROTHERS: Final = {1: (((0, 1),),), 2: (((0, 2), (3, 1)), ((0, 3), (2, 1)))}
"""Which two children, in the order of the stages, are a step apart in the first dimension, in the second."""
ASIDE: Final = 2 / 3
"""What a cell's point stands for reaches this far, in sides: a half minus a quarter of a half, and so on."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """P pairs of a cell and a datum that may have mass there.

    Arguments:
        cell: Numbers of the cells, shape (P,).
        datum: Numbers of the data, shape (P,).
        has_mass: Whether the cell holds a share of the datum's posterior, booleans of shape (P,).
        is_near: Whether it holds a share of the datum's q, booleans of shape (P,).
        slack: By how much log p(x, z) may rise from the cell's point within it, shape (P,), float32, nats.
        log_joint: log p(x, z) at the children that there are, the own point first, shape (K, P), nats.
    """

    cell: Tensor
    datum: Tensor
    has_mass: Tensor
    is_near: Tensor
    slack: Tensor
    log_joint: Tensor

    def take(self, which: Tensor) -> "Pairs":
        """Some of them, by number."""
        return Pairs(*(getattr(self, field.name).index_select(-1, which) for field in fields(self)))

    def between(self, first: int, last: int) -> "Pairs":
        """Those that follow each other."""
        return Pairs(*(getattr(self, field.name)[..., first:last] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Cells:
    """C cells, and the data that may have mass there.

    Arguments:
        points: The cells' own points, shape (C, J).
        log_prior: log p(z) at the children that there are, the own point first, shape (K, C), nats.
        pairs: In the order of their cells.
    """

    points: Tensor
    log_prior: Tensor
    pairs: Pairs

    def corners(self, step: float) -> Tensor:
        """Where the children that there are lie from the cell's point, whose side is ``step``: (K, 1, J)."""
        latent_dim = self.points.shape[1]
        corners = [(0,) * latent_dim, *(corner for stage in STAGES[latent_dim] for corner in stage)]
        return step * torch.tensor(corners[: len(self.log_prior)]).to(self.points)[:, None]

    def with_stage(self, of: Integrand, step: float, stage: int) -> "Cells":
        """Evaluates the children of one stage: one, or two, for each cell."""
        corners = step * torch.tensor(STAGES[self.points.shape[1]][stage]).to(self.points)
        points, pairs = self.points + corners[:, None], self.pairs
        log_prior = of.prior.log_prob(points)
        log_joint = _log_likelihood(of, points, pairs).add_(log_prior.index_select(1, pairs.cell))
        pairs = replace(pairs, log_joint=torch.cat([pairs.log_joint, log_joint]))
        return Cells(self.points, torch.cat([self.log_prior, log_prior]), pairs)

    def children(self, step: float, peaks: Peaks | None) -> "Cells":
        """The cells of half the side, all marked for the data that needed the cells they are parts of."""
        pairs, count = self.pairs, len(self.log_prior)
        # Brothers follow each other, so that the order of cells goes on to keep together what is close.
        points = (self.points + self.corners(step)).transpose(0, 1).flatten(0, 1)
        # A cell reaches at most two thirds of a step from its point, and a slope may be steeper on the far
        # side: a whole step to the brother is allowed. Where a peak lies between brothers they are equal:
        # there a quarter of what the whole cell was allowed, as for a parabola.
        total = torch.zeros_like(pairs.log_joint[0])
        for brothers in _BROTHERS[points.shape[1]]:
            steps = [(pairs.log_joint[one] - pairs.log_joint[other]).abs_() for one, other in brothers]
            total += torch.maximum(*steps) if len(steps) > 1 else steps[0]
        slack = torch.maximum((2 * ASIDE * total).float(), pairs.slack / 4)
        pairs = Pairs(
            (count * pairs.cell + torch.arange(count)[:, None]).flatten(),
            *(some.repeat(count) for some in (pairs.datum, pairs.has_mass, pairs.is_near, slack)),
            log_joint=pairs.log_joint.reshape(1, -1),
        )
        for peak, close in peaks.near(points, abs(step)) if peaks is not None else ():
            which = close[pairs.cell].nonzero()[:, 0]
            rise = peak[pairs.datum[which]] - pairs.log_joint[0, which]
            pairs.slack[which] = torch.maximum(pairs.slack[which], rise.nan_to_num(posinf=0.0).float())
        return Cells(points, self.log_prior.T.reshape(1, -1), pairs)

    def of(self, open_evidence: Tensor, open_q: Tensor) -> "Cells":
        """What is left for the data whose integrals are open, booleans of shape (n,)."""
        has_mass = self.pairs.has_mass & open_evidence.index_select(0, self.pairs.datum)
        is_near = self.pairs.is_near & open_q.index_select(0, self.pairs.datum)
        pairs = replace(self.pairs, has_mass=has_mass, is_near=is_near)
        which = (has_mass | is_near).nonzero()[:, 0]
        left = Cells(self.points, self.log_prior, pairs)
        return left if len(which) == len(pairs.cell) else left._with(which)

    def needed(self) -> "Cells":
        """The pairs that have mass, in the order of their cells, and only these cells."""
        which = (self.pairs.has_mass | self.pairs.is_near).nonzero()[:, 0]
        order = self.pairs.cell.index_select(0, which).argsort(stable=True)
        return self._with(which.index_select(0, order))

    def _with(self, which: Tensor) -> "Cells":
        pairs = self.pairs.take(which)
        used, cell = torch.unique_consecutive(pairs.cell, return_inverse=True)
        return Cells(self.points[used], self.log_prior[:, used], replace(pairs, cell=cell))

    def pieces(self) -> Iterator["Cells"]:
        """The same cells, with a bounded number of pairs at a time."""
        ends = self.pairs.cell.bincount(minlength=len(self.points)).cumsum(0)
        counts = torch.unique_consecutive((ends - 1) // _PAIRS_AT_ONCE, return_counts=True)[1]
        start = first = 0
        for stop in counts.cumsum(0).tolist():
            last = int(ends[stop - 1])
            pairs = self.pairs.between(first, last)
            pairs = replace(pairs, cell=pairs.cell - start)
            yield Cells(self.points[start:stop], self.log_prior[:, start:stop], pairs)
            start, first = stop, last


def _log_likelihood(of: Integrand, points: Tensor, pairs: Pairs) -> Tensor:
    """log p(x|z) of pairs at some points of their cells: points (K, C, J) give (K, P), float64."""
    count, num_cells = points.shape[:2]
    found = torch.empty(count, len(pairs.cell), dtype=torch.float64)
    place = torch.empty(len(of.x), dtype=torch.long)
    at_once = max(1, min(_CELLS_AT_ONCE, of.points_at_once // count))
    starts = range(0, num_cells, at_once)
    firsts = torch.searchsorted(pairs.cell, torch.tensor([*starts, num_cells])).tolist()
    for start, first, last in zip(starts, firsts, firsts[1:], strict=False):
        datum = pairs.datum[first:last]
        place.zero_()[datum] = 1
        data = place.nonzero()[:, 0]
        place[data] = torch.arange(len(data))
        likelihood = of.likelihood(points[:, start : start + at_once].flatten(0, 1))
        values = likelihood.pairwise_log_prob(of.x[data]).reshape(count, -1)
        here = (pairs.cell[first:last] - start).mul_(len(data)).add_(place.index_select(0, datum))
        found[:, first:last] = values.index_select(1, here)
    return found


def log_density(q: DiagonalNormal, cells: Cells, step: float) -> Tensor:
    """log q of pairs at the children of their cells that there are, shape (K, P)."""
    datum, corners = cells.pairs.datum, cells.corners(step)
    constant = -0.5 * (q.log_var + math.log(2 * math.pi)).sum(1)
    total = constant.index_select(0, datum).repeat(len(corners), 1)
    for dim, distance in enumerate(_distances(q, cells)):
        scale = (-0.5 * (-q.log_var[:, dim]).exp()).index_select(0, datum)
        total += (distance + corners[..., dim]).square_().mul_(scale)
    return total


def squared_distances(q: DiagonalNormal, cells: Cells, size: float) -> Tensor:
    """How far cells are from the means of the data they are paired with, in deviations, squared: (P,)."""
    total = torch.zeros(len(cells.pairs.cell), dtype=torch.float64)
    for distance, std in zip(_distances(q, cells), q.std.T, strict=True):
        total += outside(distance, size).div_(std.index_select(0, cells.pairs.datum)).square_()
    return total


def _distances(q: DiagonalNormal, cells: Cells) -> Iterator[Tensor]:
    """From the means of pairs' data to the pairs' cells in each dimension: shape (P,)."""
    for place, mean in zip(cells.points.T, q.mean.T, strict=True):
        yield place.index_select(0, cells.pairs.cell).sub_(mean.index_select(0, cells.pairs.datum))


def outside(distance: Tensor, size: float) -> Tensor:
    """How far away a cell of this side begins, at least, whose point lies at some distance."""
    return distance.abs_().sub_(ASIDE * size).clamp_(min=0)
