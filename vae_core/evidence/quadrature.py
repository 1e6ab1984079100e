"""Integrals over a latent space of one or two dimensions, on cells that hold the mass of some example.

The rule is the sum over points, one in each cell, times the cell's size. All examples share one tree of
cells: a cell is halved in each dimension only for the examples that have mass in it and whose integrals have
not converged. The points are nested: a cell's own point stays one of its children's, and in the plane the
children come in two stages, each of which doubles the points on a lattice of equal distances (first the
middle of four). For a smooth bump the error falls faster than any power of the cell's side once it is about a
deviation.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.device import on_cpu
from vae_core.evidence.importance import stochastic_posterior
from vae_core.likelihoods import LikelihoodModel
from vae_core.memory import chunk_rows, widest_layer
from vae_core.model import VAE
from vae_core.posteriors import AnyNormal, AnyPosterior, DiagonalNormal
from vae_core.priors import NormalMixture, StandardNormal


class Peaks(NamedTuple):
    """The K components of a learned prior: a narrow one may fall between the points of a quadrature.

    Arguments:
        means: Shape (K, J).
        widths: Their smallest standard deviations in any direction, shape (K,).
        log_joint: log p(x, z) there, shape (K, n), nats.
    """

    means: Tensor
    widths: Tensor
    log_joint: Tensor

    def near(self, centres: Tensor, size: float) -> Iterator[tuple[Tensor, Tensor]]:
        """Those narrower than cells of this side: log p(x, z), (n,), and which cells are near, (C,)."""
        for peak in (self.widths < size).nonzero()[:, 0].tolist():
            yield self.log_joint[peak], ((centres - self.means[peak]).abs() <= 1.5 * size).all(1)


class Integrand(NamedTuple):
    """n examples, and the quantities that are integrated over z.

    Arguments:
        model: The model.
        prior: Its prior, computed once: a learned one is a function of the weights.
        x: Shape (n, D).
        q: q(z|x), of shape (n, J), float64.
        bell: The Gaussian with its mean and covariance, which says where it lies: q itself if that is one.
        peaks: Those of a learned prior, else None.
    """

    model: VAE
    prior: StandardNormal | NormalMixture
    x: Tensor
    q: AnyPosterior
    bell: AnyNormal
    peaks: Peaks | None

    @property
    def points_at_once(self) -> int:
        """How many points may be decoded together: 8 MB of values in float32."""
        return chunk_rows(widest_layer(self.model.config))

    def likelihood(self, z: Tensor) -> LikelihoodModel:
        """p(x|z) at points of shape (..., J)."""
        return self.model.likelihood(z.to(self.x.dtype))

    def at_means(self) -> Tensor:
        """log p(x, z) at the mean of each example's own q, shape (n,), nats."""
        log_likelihood = self.likelihood(self.bell.mean).log_prob(self.x)
        return log_likelihood.double() + self.prior.log_prob(self.bell.mean)

    def take(self, rows: slice | Tensor) -> "Integrand":
        """That of a subset of the examples."""
        peaks = self.peaks and self.peaks._replace(log_joint=self.peaks.log_joint[:, rows])
        return self._replace(x=self.x[rows], q=self.q.take(rows), bell=self.bell.take(rows), peaks=peaks)


def integrand_of(model: VAE, x: Tensor) -> Integrand:
    """That of some examples, shape (n, D); on the CPU, where all quadrature is done.

    Raises:
        BadInput: A deterministic encoder, non-finite weights, or examples of another size.
    """
    model, x = on_cpu(model), x.cpu()
    q = stochastic_posterior(model, x).double()
    found = Integrand(model, model.prior, x, q, q.matched, None)
    components = found.prior.components
    if components is None:
        return found
    means = components.mean.double()
    log_joint = torch.cat(
        [found.likelihood(piece).pairwise_log_prob(x) for piece in means.split(found.points_at_once)]
    )
    log_joint += found.prior.log_prob(means)[:, None]
    return found._replace(peaks=Peaks(means, components.double().narrowest, log_joint))


NEGLIGIBLE: Final = 20.0
"""Nats below the largest value: a share of 2e-9."""
_CELLS_AT_ONCE: Final = 256
"""Decoded together, for all examples that need one of them."""
_PAIRS_AT_ONCE: Final = 100_000
"""Their values at four points fill 3 MB, which a processor's cache holds."""
STAGES: Final = {1: (((1,),),), 2: (((1, 1),), ((1, 0), (0, 1)))}
"""For J = 1 and 2: which children of a cell are added in which stage, in sides from the cell's own point."""
_SIBLINGS: Final = {1: (((0, 1),),), 2: (((0, 2), (3, 1)), ((0, 3), (2, 1)))}
"""Which two children, in the order of the stages, are a step apart in the first dimension, in the second."""
ASIDE: Final = 2 / 3
"""What a cell's point stands for reaches this far, in sides: a half minus a quarter of a half, and so on."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """P pairs of a cell and an example that may have mass there.

    Arguments:
        cell: Numbers of the cells, shape (P,).
        example: Numbers of the examples, shape (P,).
        has_mass: Whether the cell holds a share of the example's posterior, booleans of shape (P,).
        is_near: Whether it holds a share of the example's q, booleans of shape (P,).
        slack: By how much log p(x, z) may rise from the cell's point within it, shape (P,), float32, nats.
        log_joint: log p(x, z) at the children that there are, the own point first, shape (K, P), nats.
    """

    cell: Tensor
    example: Tensor
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
    """C cells, and the examples that may have mass there.

    Arguments:
        number: Which of all cells of this side each one is, shape (C,).
        points: The cells' own points, shape (C, J).
        log_prior: log p(z) at the children that there are, the own point first, shape (K, C), nats.
        pairs: In the order of their cells.
    """

    number: Tensor
    points: Tensor
    log_prior: Tensor
    pairs: Pairs

    def corners(self, step: float) -> Tensor:
        """Where the children that there are lie from the cell's point, whose side is ``step``: (K, 1, J)."""
        return corners_of(self.points, step)[: len(self.log_prior)]

    def with_stage(self, integrand: Integrand, step: float, stage: int, kept: Tensor | None) -> "Cells":
        """Evaluates the children of one stage: one, or two, for each cell.

        Arguments:
            integrand: The examples.
            step: The side of the children.
            stage: Which.
            kept: The decoder's outputs at these children of all cells of this side, if they are kept.
        """
        points, pairs = stage_points(self.points, step, stage), self.pairs
        log_prior = integrand.prior.log_prob(points)

        def likelihood(cells: slice) -> LikelihoodModel:
            if kept is None:
                return integrand.likelihood(points[:, cells].flatten(0, 1))
            outputs = kept.index_select(1, self.number[cells]).flatten(0, 1)
            return integrand.model.likelihood_of(outputs)

        log_joint = _log_likelihood(integrand, likelihood, points.shape[:2], pairs)
        log_joint.add_(log_prior.index_select(1, pairs.cell))
        pairs = replace(pairs, log_joint=torch.cat([pairs.log_joint, log_joint]))
        return replace(self, log_prior=torch.cat([self.log_prior, log_prior]), pairs=pairs)

    def children(self, step: float, peaks: Peaks | None) -> "Cells":
        """The cells of half the side, all marked for the examples that needed the cells they are parts of."""
        pairs, count = self.pairs, len(self.log_prior)
        # Siblings follow each other, so that the order of cells goes on to keep together what is close.
        points = children_points(self.points, step)
        # A cell reaches at most two thirds of a step from its point, and a slope may be steeper on the far
        # side: a whole step to the sibling is allowed. Where a peak lies between siblings they are equal:
        # there a quarter of what the whole cell was allowed, as for a parabola.
        total = torch.zeros_like(pairs.log_joint[0])
        for siblings in _SIBLINGS[points.shape[1]]:
            steps = [(pairs.log_joint[one] - pairs.log_joint[other]).abs_() for one, other in siblings]
            total += torch.maximum(*steps) if len(steps) > 1 else steps[0]
        slack = torch.maximum((2 * ASIDE * total).float(), pairs.slack / 4)
        pairs = Pairs(
            (count * pairs.cell + torch.arange(count)[:, None]).flatten(),
            *(some.repeat(count) for some in (pairs.example, pairs.has_mass, pairs.is_near, slack)),
            log_joint=pairs.log_joint.reshape(1, -1),
        )
        for peak, close in peaks.near(points, abs(step)) if peaks is not None else ():
            which = close[pairs.cell].nonzero()[:, 0]
            rise = peak[pairs.example[which]] - pairs.log_joint[0, which]
            pairs.slack[which] = torch.maximum(pairs.slack[which], rise.nan_to_num(posinf=0.0).float())
        number = children_numbers(self.number, count)
        return Cells(number, points, self.log_prior.T.reshape(1, -1), pairs)

    def open_to(self, open_evidence: Tensor, open_q: Tensor) -> "Cells":
        """What is left for the examples whose integrals are open, booleans of shape (n,)."""
        has_mass = self.pairs.has_mass & open_evidence.index_select(0, self.pairs.example)
        is_near = self.pairs.is_near & open_q.index_select(0, self.pairs.example)
        pairs = replace(self.pairs, has_mass=has_mass, is_near=is_near)
        which = (has_mass | is_near).nonzero()[:, 0]
        left = replace(self, pairs=pairs)
        return left if len(which) == len(pairs.cell) else left._with(which)

    def needed(self) -> "Cells":
        """The pairs that have mass, in the order of their cells, and only these cells."""
        which = (self.pairs.has_mass | self.pairs.is_near).nonzero()[:, 0]
        order = self.pairs.cell.index_select(0, which).argsort(stable=True)
        return self._with(which.index_select(0, order))

    def _with(self, which: Tensor) -> "Cells":
        pairs = self.pairs.take(which)
        used, cell = torch.unique_consecutive(pairs.cell, return_inverse=True)
        pairs = replace(pairs, cell=cell)
        return Cells(self.number[used], self.points[used], self.log_prior[:, used], pairs)

    def pieces(self) -> Iterator["Cells"]:
        """The same cells, with a bounded number of pairs at a time."""
        ends = self.pairs.cell.bincount(minlength=len(self.points)).cumsum(0)
        counts = torch.unique_consecutive((ends - 1) // _PAIRS_AT_ONCE, return_counts=True)[1]
        start = first = 0
        for stop in counts.cumsum(0).tolist():
            last = int(ends[stop - 1])
            pairs = self.pairs.between(first, last)
            pairs = replace(pairs, cell=pairs.cell - start)
            here = slice(start, stop)
            yield Cells(self.number[here], self.points[here], self.log_prior[:, here], pairs)
            start, first = stop, last


def corners_of(points: Tensor, step: float) -> Tensor:
    """Where a cell's children lie from its point, its own first: (K, 1, J)."""
    latent_dim = points.shape[1]
    corners = [(0,) * latent_dim, *(corner for stage in STAGES[latent_dim] for corner in stage)]
    return step * torch.tensor(corners).to(points)[:, None]


def stage_points(points: Tensor, step: float, stage: int) -> Tensor:
    """The children of one stage of cells with these points, (C, J): (1 or 2, C, J)."""
    return points + step * torch.tensor(STAGES[points.shape[1]][stage]).to(points)[:, None]


def children_points(points: Tensor, step: float) -> Tensor:
    """Those of all children of cells with these points, (C, J); siblings follow each other."""
    return (points + corners_of(points, step)).transpose(0, 1).flatten(0, 1)


def children_numbers(number: Tensor, count: int) -> Tensor:
    """Which of all cells of their side the children of cells are, in the same order."""
    return (count * number[:, None] + torch.arange(count)).flatten()


def _log_likelihood(
    integrand: Integrand,
    likelihood_of: Callable[[slice], LikelihoodModel],
    shape: Sequence[int],
    pairs: Pairs,
) -> Tensor:
    """log p(x|z) of pairs at K points of each of their C cells, shape (K, P), float64.

    Arguments:
        integrand: The examples.
        likelihood_of: p(x|z) at the points of some of the cells, the first point of each first.
        shape: K and C.
        pairs: The pairs.
    """
    count, num_cells = shape
    found = torch.empty(count, len(pairs.cell), dtype=torch.float64)
    column = torch.empty(len(integrand.x), dtype=torch.long)
    at_once = max(1, min(_CELLS_AT_ONCE, integrand.points_at_once // count))
    starts = range(0, num_cells, at_once)
    firsts = torch.searchsorted(pairs.cell, torch.tensor([*starts, num_cells])).tolist()
    for start, first, last in zip(starts, firsts, firsts[1:], strict=False):
        example = pairs.example[first:last]
        column.zero_()[example] = 1
        data = column.nonzero()[:, 0]
        column[data] = torch.arange(len(data))
        likelihood = likelihood_of(slice(start, start + at_once))
        values = likelihood.pairwise_log_prob(integrand.x[data]).reshape(count, -1)
        here = (pairs.cell[first:last] - start).mul_(len(data)).add_(column.index_select(0, example))
        found[:, first:last] = values.index_select(1, here)
    return found


def log_density(q: DiagonalNormal, cells: Cells, step: float) -> Tensor:
    """log q of pairs at the children of their cells that there are, shape (K, P)."""
    example, corners = cells.pairs.example, cells.corners(step)
    total = q.log_prob(q.mean).index_select(0, example).repeat(len(corners), 1)
    for dim, distance in enumerate(_distances(q, cells)):
        scale = (-0.5 * (-q.log_var[:, dim]).exp()).index_select(0, example)
        total += (distance + corners[..., dim]).square_().mul_(scale)
    return total


def squared_distances(q: AnyNormal, cells: Cells, size: float) -> Tensor:
    """How far cells are from the means of the examples they are paired with, in deviations, squared: (P,)."""
    total = torch.zeros(len(cells.pairs.cell), dtype=torch.float64)
    for distance, std in zip(_distances(q, cells), q.std.T, strict=True):
        total += outside(distance, size).div_(std.index_select(0, cells.pairs.example)).square_()
    return total


def _distances(q: AnyNormal, cells: Cells) -> Iterator[Tensor]:
    """From the means of pairs' examples to the pairs' cells in each dimension: shape (P,)."""
    for coordinate, mean in zip(cells.points.T, q.mean.T, strict=True):
        yield coordinate.index_select(0, cells.pairs.cell).sub_(mean.index_select(0, cells.pairs.example))


def outside(distance: Tensor, size: float) -> Tensor:
    """How far away a cell of this side begins, at least, whose point lies at some distance."""
    return distance.abs_().sub_(ASIDE * size).clamp_(min=0)


_ABSOLUTE: Final = 2e-5
_PER_VALUE: Final = 4e-6
"""Cells are halved for the examples whose integrals change by more than absolute + per value of x (nats) and
the rounding of log p: by 3e-4 nats for the digits, 3e-3 for MNIST, 6e-6 bits for each value."""
_ROUNDING: Final = 1e-9
"""Reported of every integral, and in single precision that of the decoder."""
_BEFORE, _AT_ONCE = 8.0, 0.01
"""The change before must be below so many tolerances, too: one alone may be small by chance. The other holds
for the very first change, so that only what is much wider than a cell stops after the second."""
_KINKS: Final = 4.0
"""So many tolerances of the change before are reported as error of a ReLU decoder; with none, one example in
four was further off than reported."""
_FINE_NATS, _FINEST_NATS = 32.0, 0.5
"""A change counts once log p(x, z) changes by less than the one within each cell that has mass (cells of
about two deviations), and nothing is halved any more below the other."""
_FINE_STDS, _FINEST_STDS = 1.5, 0.04  # the same for q, in its smallest deviations
_SLIM: Final = 8.0
"""A q whose deviations differ by more, whose axes are not those of the cells, or that is no Gaussian, has
points of its own."""
_SLIM_STEPS: Final = (1.0, 0.5, 0.25, 0.125, 0.0625)
_TAIL_NATS: Final = 4.0  # where a change is too large, cells of a density e^-4 of the tolerance stay
_SLOW: Final = 1 / 8
"""A smooth bump's changes fall to less: all of its cells that are not negligible are halved."""
_MAX_HALVINGS: Final = 16


class _Parts(NamedTuple):
    """p(x, z) (relative to its largest) and q(z) where they count, and logarithms, of pairs: (K, P)."""

    joint: Tensor
    q: Tensor
    log_joint: Tensor
    log_q: Tensor
    log_prior: Tensor

    def sums(self) -> Tensor:
        """Of p(x, z), q, q log p(x|z) and q log(q / p(x, z)) over each pair's points, shape (4, P)."""
        of_likelihood, of_ratio = self.log_joint - self.log_prior, self.log_q - self.log_joint
        parts = (self.joint, self.q, self.q * of_likelihood, self.q * of_ratio)
        return torch.stack([part.sum(0) for part in parts])

    def left(self, children: Pairs) -> "_Parts":
        """The same where a child is not halved any more."""
        has_mass, is_near = (some.view_as(self.q) for some in (children.has_mass, children.is_near))
        return self._replace(joint=self.joint * ~has_mass, q=self.q * ~is_near)


class Points(NamedTuple):
    """The points whose sum is the integral of p(x, z) over z, of one example.

    Arguments:
        z: Shape (N, J).
        log_joint: log p(x, z) there, shape (N,), nats.
        volumes: What each stands for, shape (N,).
    """

    z: Tensor
    log_joint: Tensor
    volumes: Tensor


class _KeptPoints:
    """Collects the points that log p(x) of each of a few examples is summed over, stage by stage."""

    def __init__(self) -> None:
        self._kept: list[tuple[Points, Tensor]] = []
        self._newest: list[tuple[Points, Tensor]] = []

    def begin_stage(self, is_open: Tensor) -> None:
        """What the stage before was summed over is replaced by finer points, but for those that are kept.

        Arguments:
            is_open: The examples whose log p(x) is still measured, booleans of shape (n,); of the others
                these points were the last ones.
        """
        for points, example in self._newest:
            stays = ~is_open[example]
            self._kept.append((_some(points, stays), example[stays]))
        self._newest = []

    def add(self, cells: Cells, step: float, volume: float) -> None:
        """The points of a stage, in the cells that have mass."""
        which, pairs = cells.pairs.has_mass, cells.pairs
        z = (cells.points + cells.corners(step)).index_select(1, pairs.cell[which])
        example = pairs.example[which].repeat(len(z))
        self._take(self._newest, z.flatten(0, 1), pairs.log_joint[:, which].flatten(), volume, example)

    def keep(self, children: Cells, had_mass: Tensor, volume: float) -> None:
        """Those of these points that are not halved any more."""
        pairs = children.pairs
        stays = had_mass & ~pairs.has_mass
        z, log_joint = children.points[pairs.cell[stays]], pairs.log_joint[0, stays]
        self._take(self._kept, z, log_joint, volume, pairs.example[stays])

    def at_end(self, num_examples: int) -> list[Points]:
        """All that the last value of each example was summed over."""
        every = [*self._kept, *self._newest]
        example = torch.cat([rows for _, rows in every])
        order, counts = example.argsort(stable=True), example.bincount(minlength=num_examples).tolist()
        columns = zip(*(points for points, _ in every), strict=True)
        pieces = (torch.cat(parts)[order].split(counts) for parts in columns)
        return [Points(*parts) for parts in zip(*pieces, strict=True)]

    @staticmethod
    def _take(
        points: list[tuple[Points, Tensor]], z: Tensor, log_joint: Tensor, volume: float, example: Tensor
    ) -> None:
        points.append((Points(z, log_joint, torch.full_like(log_joint, volume)), example))


def _some(points: Points, which: Tensor) -> Points:
    return Points(*(part[which] for part in points))


class Integrals:
    """log p(x), E_q[log p(x|z)] and E_q[log(q / p(x, z))] of some examples.

    Arguments:
        integrand: The examples, their q and the model.
        largest: The largest log p(x, z) known of each example, shape (n,), nats.
        keeps_points: Whether the points of log p(x) are wanted: see :meth:`points`.

    Attributes:
        values: The three integrals, shape (3, n), nats.
        errors: What each may be off by, shape (3, n), nats.
    """

    def __init__(self, integrand: Integrand, largest: Tensor, *, keeps_points: bool = False) -> None:
        self._integrand, self._largest, x, q = integrand, largest, integrand.x, integrand.bell
        eps = torch.finfo(x.dtype).eps
        self._tolerance = _ABSOLUTE + _PER_VALUE * x.shape[1] + eps * largest.abs()
        # Of log p(x|z), a sum over D values: that of log s rounds all of them to one side.
        self._rounding = _ROUNDING + eps * x.shape[1]
        self.values = torch.full((3, len(x)), math.nan, dtype=torch.float64)
        self._changes = torch.ones_like(self.values)
        self._num_compared = 0
        self.errors = torch.full_like(self._changes, math.inf)
        # Of log p(x), and of both means over q, which share their cells.
        self._is_open = torch.ones(2, len(x), dtype=torch.bool)
        self._depths = torch.full_like(self._changes[:2], NEGLIGIBLE)
        has_other_axes = not integrand.q.is_gaussian or (not q.is_factorised and q.mean.shape[1] > 1)
        is_slim = (q.std.amax(1) > _SLIM * q.std.amin(1)) | has_other_axes
        self._is_open[1] = ~is_slim
        self._measure_slim(is_slim.nonzero()[:, 0])
        self._kept = torch.zeros(4, len(x), dtype=torch.float64)  # of cells that stay
        self._sums = self._kept.clone()
        self._steepest = torch.full((len(x),), math.inf)
        self._points = _KeptPoints() if keeps_points else None

    def points(self) -> list[Points]:
        """What log p(x) of each example was summed over: sum of exp(log_joint) * volumes is p(x)."""
        assert self._points is not None, "they were not kept"
        return self._points.at_end(len(self._integrand.x))

    def measure(self, cells: Cells, size: float, kept: Sequence[Tensor] = ()) -> None:
        """Halves the cells of those whose integrals still change.

        Arguments:
            cells: The first ones.
            size: Their side.
            kept: The decoder's outputs at the children of all of them, and at theirs, by stage.
        """
        for piece in cells.pieces():
            sums = self._parts(piece, size).sums()
            _add(self._sums, piece.pairs.example, size ** cells.points.shape[1] * sums)
        self._take()
        num_stages, step, every, decoded = len(STAGES[cells.points.shape[1]]), size, [cells], iter(kept)
        for _ in range(_MAX_HALVINGS):
            step /= -2  # to the other side each time, so that a cell's point stays in its middle
            for stage in range(num_stages):
                self._sums = self._kept.clone()
                if stage + 1 == num_stages:
                    self._steepest.zero_()
                if self._points is not None:
                    self._points.begin_stage(self._is_open[0])
                outputs = next(decoded, None)
                every = [
                    self._refine(piece, step, stage, outputs) for some in every for piece in some.pieces()
                ]
                self._compare(abs(step), stage)
                every = [
                    some for some in (cells.open_to(*self._is_open) for cells in every) if len(some.points)
                ]
                if not every:
                    return

    def _refine(self, cells: Cells, step: float, stage: int, outputs: Tensor | None) -> Cells:
        """More points, their share of the sums, and which cells may have to be halved again."""
        cells = cells.with_stage(self._integrand, step, stage, outputs)
        example, count = cells.pairs.example, len(cells.log_prior)
        self._raise_largest(example, cells.pairs.log_joint.amax(0))
        parts = self._parts(cells, step)
        latent_dim = cells.points.shape[1]
        scale = abs(2 * step) ** latent_dim / count
        _add(self._sums, example, scale * parts.sums())
        if self._points is not None:
            self._points.add(cells, step, scale)
        if stage + 1 < len(STAGES[latent_dim]):
            return cells
        cells = cells.children(step, self._integrand.peaks)
        pairs = cells.pairs
        depth, largest = (some.index_select(-1, pairs.example) for some in (self._depths, self._largest))
        # Where only the tails are left out, a cell's rise from its point to its edge is its share of a step.
        rise = torch.where(depth[0] < NEGLIGIBLE, 0.5, 1.0) * pairs.slack
        had_mass = pairs.has_mass.clone()
        pairs.has_mass.logical_and_(pairs.log_joint[0] + rise > largest - depth[0])
        pairs.is_near.logical_and_(squared_distances(self._integrand.bell, cells, abs(step)) < 2 * depth[1])
        if self._points is not None:
            self._points.keep(cells, had_mass, scale)
        _add(self._kept, example, scale * parts.left(pairs).sums())
        self._steepest.scatter_reduce_(0, pairs.example, pairs.slack * pairs.has_mass, "amax")
        return cells.needed()

    def _parts(self, cells: Cells, step: float) -> _Parts:
        """What the integrals are made of, at all points of the pairs."""
        pairs = cells.pairs
        joint = (pairs.log_joint - self._largest.index_select(0, pairs.example)).exp_().mul_(pairs.has_mass)
        log_q = log_density(self._integrand.bell.marginals, cells, step)
        q = log_q.exp().mul_(pairs.is_near)
        return _Parts(joint, q, pairs.log_joint, log_q, cells.log_prior.index_select(1, pairs.cell))

    def _raise_largest(self, example: Tensor, found: Tensor) -> None:
        largest = self._largest.scatter_reduce(0, example, found, "amax")
        for total in (self._sums, self._kept):
            total[0] *= (self._largest - largest).exp()
        self._largest = largest

    def _measure_slim(self, rows: Tensor) -> None:
        """E_q of some examples, each on a lattice of its own deviations, to convergence."""
        for row in rows.tolist():
            here, tolerance = slice(row, row + 1), self._tolerance[row]
            values = torch.full((2,), math.nan, dtype=torch.float64)
            changes = errors = torch.full_like(values, math.inf)
            for step in _SLIM_STEPS:
                before, previous = values, changes.clamp(max=1.0)
                values = _slim_means(self._integrand.take(here), step)
                changes = (values - before).abs().nan_to_num(nan=math.inf)
                errors = changes + (changes * previous).sqrt().minimum(tolerance) / 2 + self._rounding
                if changes.amax() < tolerance:
                    break
            self.values[1:, row], self.errors[1:, row] = values, errors

    def _take(self) -> Tensor:
        """Takes the values of the open examples, and returns their changes, shape (3, n).

        What is missing of the mass of q counts as a change of both means over it.
        """
        sums = self._sums
        values = torch.stack([sums[0].log() + self._largest, sums[2] / sums[1], sums[3] / sums[1]])
        changes = (values - self.values).abs()
        changes[1:] = torch.maximum(changes[1:], (sums[1] - 1).abs())
        which = self._is_open[[0, 1, 1]]
        self.values[which] = values[which]
        return changes

    def _compare(self, size: float, stage: int) -> None:
        """Takes the values, and closes those that have converged."""
        is_middle = stage + 1 < len(STAGES[self._integrand.bell.mean.shape[1]])
        in_stds = (math.sqrt(2) if is_middle else 1.0) * size / self._integrand.bell.std.amin(1)
        changes = self._take()
        # Those of smooth decoders fall ever faster; beside kinks one may be small by chance.
        has_kinks = self._integrand.model.config.activation == "relu"
        chance = torch.minimum(self._changes, _KINKS * self._tolerance) if has_kinks else 0.0
        errors = 2 * changes + chance + self._rounding
        # Cells that are not halved any more change no more: log p(x) may be off by what they hold.
        errors[0] += self._kept[0] / self._sums[0]
        errors = errors.nan_to_num(nan=math.inf)
        which = self._is_open[[0, 1, 1]]
        self.errors[which] = errors[which]
        now, before = (torch.stack([some[0], some[1:].amax(0)]) for some in (changes, self._changes))
        is_slow = now > _SLOW * before
        self._num_compared += 1
        limit = _AT_ONCE if self._num_compared == 2 else _BEFORE
        is_small = (now < self._tolerance) & (before < limit * self._tolerance)
        self._changes = changes.nan_to_num(nan=1.0)
        is_fine = torch.stack([self._steepest < _FINE_NATS, in_stds < _FINE_STDS])
        if self._integrand.peaks is not None and size > float(self._integrand.peaks.widths.min()):
            is_fine[:] = False  # coarser cells would agree with each other, and all miss a narrow component
        is_finest = torch.stack([self._steepest < _FINEST_NATS, in_stds < _FINEST_STDS])
        self._is_open &= ~((is_fine & is_small) | is_finest)
        tail = (_TAIL_NATS - self._tolerance.log()).clamp(max=NEGLIGIBLE)
        self._depths = torch.where(is_fine & is_slow & self._is_open, tail, self._depths)


def _add(totals: Tensor, example: Tensor, sums: Tensor) -> None:
    """Of pairs, shape (4, P), to those of their examples, shape (4, n)."""
    for total, some in zip(totals, sums, strict=True):
        total.index_add_(0, example, some)


def _slim_means(integrand: Integrand, step: float) -> Tensor:
    """E_q[log p(x|z)] and E_q[log(q / p(x, z))] of one example, on a lattice of ``step`` deviations."""
    reach, latent_dim = math.sqrt(2 * NEGLIGIBLE), integrand.bell.mean.shape[1]
    axis = step * torch.arange(-int(reach / step), int(reach / step) + 1, dtype=torch.float64)
    eps = torch.cartesian_prod(*(axis,) * latent_dim).reshape(-1, latent_dim)
    eps = eps[eps.square().sum(1) < reach**2]
    weights = torch.softmax(-0.5 * eps.square().sum(1), 0)
    sums = torch.zeros(2, dtype=torch.float64)
    for some, weight in zip(
        eps.split(integrand.points_at_once), weights.split(integrand.points_at_once), strict=True
    ):
        draws = integrand.q.draw(some[:, None])
        z = draws.z[:, 0]
        log_likelihood = integrand.likelihood(z).pairwise_log_prob(integrand.x)[:, 0]
        for place, values in enumerate(
            (log_likelihood, draws.log_prob[:, 0] - log_likelihood - integrand.prior.log_prob(z))
        ):
            sums[place] += draws.mean(values[:, None], weight[:, None])[0]
    return sums
