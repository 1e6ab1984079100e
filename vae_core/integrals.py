"""The integrals behind log p(x) and the bound, over one or two dimensions, until they change no more."""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.integrand import Integrand
from vae_core.quadrature import NEGLIGIBLE, STAGES, Cells, Pairs, log_density, squared_distances

_ABSOLUTE: Final = 2e-5
_PER_VALUE: Final = 4e-6
_ROUNDING: Final = 1e-9
"""Cells are halved for the data whose integrals change by more than absolute + per value of x (nats) and
the rounding of log p: by 3e-4 nats for the digits, 3e-3 for MNIST, 6e-6 bits for each value."""
_BEFORE, _AT_ONCE = 8.0, 0.01
"""The change before must be below so many tolerances, too: one alone may be small by chance. The other holds
for the very first change, so that only what is much wider than a cell stops after the second."""
_KINKS: Final = 4.0
"""So many tolerances of the change before are reported as error of a ReLU decoder; with none, one datum in
four was further off than reported."""
_FINE_NATS, _FINEST_NATS = 32.0, 0.5
"""A change counts once log p(x, z) changes by less than the one within each cell that has mass (cells of
about two deviations), and nothing is halved any more below the other."""
_FINE_STDS, _FINEST_STDS = 1.5, 0.04  # the same for q, in its smallest deviations
_SLIM: Final = 8.0
"""A q whose deviations differ by more has points of its own."""
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


class Integrals:
    """log p(x), E_q[log p(x|z)] and E_q[log(q / p(x, z))] of some data.

    Arguments:
        of: The data, their q and the model.
        largest: The largest log p(x, z) known of each datum, shape (n,), nats.

    Attributes:
        values: The three integrals, shape (3, n), nats.
        errors: What the first, and what the other two may be off by, shape (2, n), nats.
    """

    def __init__(self, of: Integrand, largest: Tensor) -> None:
        self._of, self._largest, x, q = of, largest, of.x, of.q
        self._tolerance = _ABSOLUTE + _PER_VALUE * x.shape[1] + torch.finfo(x.dtype).eps * largest.abs()
        self.values = torch.full((3, len(x)), math.nan, dtype=torch.float64)
        self._changes = torch.ones(2, len(x), dtype=torch.float64)
        self._num_compared = 0
        self.errors = torch.full_like(self._changes, math.inf)
        self._is_open = torch.ones(2, len(x), dtype=torch.bool)
        self._depths = torch.full_like(self._changes, NEGLIGIBLE)
        is_slim = q.std.amax(1) > _SLIM * q.std.amin(1)
        self._is_open[1] = ~is_slim
        self._measure_slim(is_slim.nonzero()[:, 0])
        self._kept = torch.zeros(4, len(x), dtype=torch.float64)  # of cells that stay
        self._sums = self._kept.clone()
        self._steepest = torch.full((len(x),), math.inf)

    def measure(self, cells: Cells, size: float) -> None:
        """Halves the cells of those whose integrals still change."""
        for piece in cells.pieces():
            sums = self._parts(piece, size).sums()
            _add(self._sums, piece.pairs.datum, size ** cells.points.shape[1] * sums)
        self._take()
        num_stages, step, every = len(STAGES[cells.points.shape[1]]), size, [cells]
        for _ in range(_MAX_HALVINGS):
            step /= -2  # to the other side each time, so that a cell's point stays in its middle
            for stage in range(num_stages):
                self._sums = self._kept.clone()
                if stage + 1 == num_stages:
                    self._steepest.zero_()
                every = [self._refine(piece, step, stage) for some in every for piece in some.pieces()]
                self._compare(abs(step), stage)
                every = [some for some in (cells.of(*self._is_open) for cells in every) if len(some.points)]
                if not every:
                    return

    def _refine(self, cells: Cells, step: float, stage: int) -> Cells:
        """More points, their share of the sums, and which cells may have to be halved again."""
        cells = cells.with_stage(self._of, step, stage)
        datum, count = cells.pairs.datum, len(cells.log_prior)
        self._raise_largest(datum, cells.pairs.log_joint.amax(0))
        parts = self._parts(cells, step)
        latent_dim = cells.points.shape[1]
        scale = abs(2 * step) ** latent_dim / count
        _add(self._sums, datum, scale * parts.sums())
        if stage + 1 < len(STAGES[latent_dim]):
            return cells
        cells = cells.children(step, self._of.peaks)
        pairs = cells.pairs
        depth, largest = (some.index_select(-1, pairs.datum) for some in (self._depths, self._largest))
        # Where only the tails are left out, a cell's rise from its point to its edge is its share of a step.
        rise = torch.where(depth[0] < NEGLIGIBLE, 0.5, 1.0) * pairs.slack
        pairs.has_mass.logical_and_(pairs.log_joint[0] + rise > largest - depth[0])
        pairs.is_near.logical_and_(squared_distances(self._of.q, cells, abs(step)) < 2 * depth[1])
        _add(self._kept, datum, scale * parts.left(pairs).sums())
        self._steepest.scatter_reduce_(0, pairs.datum, pairs.slack * pairs.has_mass, "amax")
        return cells.needed()

    def _parts(self, cells: Cells, step: float) -> _Parts:
        """What the integrals are made of, at all points of the pairs."""
        pairs = cells.pairs
        joint = (pairs.log_joint - self._largest.index_select(0, pairs.datum)).exp_().mul_(pairs.has_mass)
        log_q = log_density(self._of.q, cells, step)
        q = log_q.exp().mul_(pairs.is_near)
        return _Parts(joint, q, pairs.log_joint, log_q, cells.log_prior.index_select(1, pairs.cell))

    def _raise_largest(self, datum: Tensor, found: Tensor) -> None:
        largest = self._largest.scatter_reduce(0, datum, found, "amax")
        for total in (self._sums, self._kept):
            total[0] *= (self._largest - largest).exp()
        self._largest = largest

    def _measure_slim(self, rows: Tensor) -> None:
        """E_q of some data, each on a lattice of its own deviations, until it changes no more."""
        for row in rows.tolist():
            here, tolerance = slice(row, row + 1), self._tolerance[row]
            values, change, error = torch.full((2,), math.nan, dtype=torch.float64), math.inf, math.inf
            for step in _SLIM_STEPS:
                before, previous = values, min(change, 1.0)
                values = _slim_means(self._of.of(here), step)
                change = float((values - before).abs().nan_to_num(nan=math.inf).amax())
                error = change + min(math.sqrt(change * previous), float(tolerance)) / 2 + _ROUNDING
                if change < tolerance:
                    break
            self.values[1:, row], self.errors[1, row] = values, error

    def _take(self) -> Tensor:
        """Takes the values of the open data, and returns their changes, shape (2, n)."""
        sums = self._sums
        values = torch.stack([sums[0].log() + self._largest, sums[2] / sums[1], sums[3] / sums[1]])
        changes = (values - self.values).abs()
        changes = torch.stack([changes[0], torch.maximum(changes[1:].amax(0), (sums[1] - 1).abs())])
        which = self._is_open[[0, 1, 1]]
        self.values[which] = values[which]
        return changes

    def _compare(self, size: float, stage: int) -> None:
        """Takes the values, and closes those that change no more."""
        is_middle = stage + 1 < len(STAGES[self._of.q.mean.shape[1]])
        in_stds = (math.sqrt(2) if is_middle else 1.0) * size / self._of.q.std.amin(1)
        changes = self._take()
        # Those of smooth decoders fall ever faster; beside kinks one may be small by chance.
        has_kinks = self._of.model.config.activation == "relu"
        chance = torch.minimum(self._changes, _KINKS * self._tolerance) if has_kinks else 0.0
        errors = (2 * changes + chance + _ROUNDING).nan_to_num(nan=math.inf)
        self.errors[self._is_open] = errors[self._is_open]
        is_slow = changes > _SLOW * self._changes
        self._num_compared += 1
        limit = _AT_ONCE if self._num_compared == 2 else _BEFORE
        is_small = (changes < self._tolerance) & (self._changes < limit * self._tolerance)
        self._changes = changes.nan_to_num(nan=1.0)
        is_fine = torch.stack([self._steepest < _FINE_NATS, in_stds < _FINE_STDS])
        if self._of.peaks is not None and size > float(self._of.peaks.widths.min()):
            is_fine[:] = False  # coarser cells would agree with each other, and all miss a narrow component
        is_finest = torch.stack([self._steepest < _FINEST_NATS, in_stds < _FINEST_STDS])
        self._is_open &= ~((is_fine & is_small) | is_finest)
        tail = (_TAIL_NATS - self._tolerance.log()).clamp(max=NEGLIGIBLE)
        self._depths = torch.where(is_fine & is_slow & self._is_open, tail, self._depths)


def _add(totals: Tensor, datum: Tensor, sums: Tensor) -> None:
    """Of pairs, shape (4, P), to those of their data, shape (4, n)."""
    for total, some in zip(totals, sums, strict=True):
        total.index_add_(0, datum, some)


def _slim_means(of: Integrand, step: float) -> Tensor:
    """E_q[log p(x|z)] and E_q[log(q / p(x, z))] of one datum, on a lattice of ``step`` deviations."""
    reach, latent_dim = math.sqrt(2 * NEGLIGIBLE), of.q.mean.shape[1]
    axis = step * torch.arange(-int(reach / step), int(reach / step) + 1, dtype=torch.float64)
    eps = torch.cartesian_prod(*(axis,) * latent_dim).reshape(-1, latent_dim)
    eps = eps[eps.square().sum(1) < reach**2]
    weights = torch.softmax(-0.5 * eps.square().sum(1), 0)
    sums = torch.zeros(2, dtype=torch.float64)
    for some, weight in zip(eps.split(of.points_at_once), weights.split(of.points_at_once), strict=True):
        z = of.q.mean + of.q.std * some
        log_likelihood = of.likelihood(z).pairwise_log_prob(of.x)[:, 0]
        parts = torch.stack([log_likelihood, of.q.log_prob(z) - log_likelihood - of.prior.log_prob(z)])
        sums += (parts * weight).sum(1)
    return sums
