"""The integrals behind log p(x) and the bound, over one or two dimensions, until they change no more."""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.distributions import DiagonalNormal
from vae_core.importance import widest_layer
from vae_core.model import VAE
from vae_core.quadrature import (
    MAX_VALUES,
    NEGLIGIBLE,
    STAGES,
    Block,
    Peaks,
    log_density,
    log_joint_at,
    near,
    pieces,
)

_ABSOLUTE: Final = 2e-5
_PER_VALUE: Final = 4e-6
_ROUNDING: Final = 1e-9
"""Cells are halved for the data whose integrals change by more than absolute + per value of x (nats) and
the rounding of log p: by 3e-4 nats for the digits, 3e-3 for MNIST, 6e-6 bits for each value."""
_BEFORE: Final = 8.0
"""The change before must be below so many tolerances, too: one alone may be small by chance."""
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
    """p(x, z) (relative to its largest) and q(z) where they count, and logarithms, at P points: (P, R)."""

    joint: Tensor
    q: Tensor
    log_joint: Tensor
    log_q: Tensor
    log_prior: Tensor

    def sums(self) -> Tensor:
        """Of p(x, z), q, q log p(x|z) and q log(q / p(x, z)) over the points, shape (4, R)."""
        of_joint, of_q = (self.q * self.log_joint).sum(0), (self.q * self.log_q).sum(0)
        parts = (self.joint.sum(0), self.q.sum(0), of_joint - self.log_prior @ self.q, of_q - of_joint)
        return torch.stack(parts)

    def left(self, block: Block) -> "_Parts":
        """The same where a cell of the block is not halved any more."""
        return self._replace(joint=self.joint * ~block.has_mass, q=self.q * ~block.is_near)


class Integrals:
    """log p(x), E_q[log p(x|z)] and E_q[log(q / p(x, z))] of some data.

    Arguments:
        model: The model.
        x: Data, shape (n, D).
        q: Of shape (n, J), float64.
        largest: The largest log p(x, z) known of each datum, shape (n,), nats.
        peaks: Those of a learned prior.

    Attributes:
        values: The three integrals, shape (3, n), nats.
        errors: What the first, and what the other two may be off by, shape (2, n), nats.
    """

    def __init__(
        self, model: VAE, x: Tensor, q: DiagonalNormal, largest: Tensor, peaks: Peaks | None
    ) -> None:
        self.q, self.peaks, self._model, self._x, self._largest = q, peaks, model, x, largest
        self._prior = model.prior  # once: a learned one is a function of the weights
        self._tolerance = _ABSOLUTE + _PER_VALUE * x.shape[1] + torch.finfo(x.dtype).eps * largest.abs()
        self.values = torch.full((3, len(x)), math.nan, dtype=torch.float64)
        self._changes = torch.ones(2, len(x), dtype=torch.float64)
        self.errors = torch.full_like(self._changes, math.inf)
        self._is_open = torch.ones(2, len(x), dtype=torch.bool)
        self._depths = torch.full_like(self._changes, NEGLIGIBLE)
        is_slim = q.std.amax(1) > _SLIM * q.std.amin(1)
        self._is_open[1] = ~is_slim
        self._measure_slim(is_slim.nonzero()[:, 0])
        self._kept = torch.zeros(4, len(x), dtype=torch.float64)  # of cells that stay
        self._sums = self._kept.clone()
        self._steepest = torch.full((len(x),), math.inf)

    def measure(self, blocks: list[Block], size: float) -> None:
        """Halves the cells of those whose integrals still change."""
        latent_dim, step = self._model.config.latent_dim, size
        for _ in range(_MAX_HALVINGS):
            step /= -2  # to the other side each time, so that a cell's point stays in its middle
            for stage in range(len(STAGES[latent_dim])):
                self._sums = self._kept.clone()
                if stage + 1 == len(STAGES[latent_dim]):
                    self._steepest.zero_()
                blocks = [self._refine(piece, step, stage) for piece in pieces(self._model, blocks)]
                self._compare(abs(step), stage)
                left = [block.of(*self._is_open) for block in blocks]
                blocks = [block for block in left if block is not None]
                if not blocks:
                    return

    def _refine(self, block: Block, step: float, stage: int) -> Block:
        """More points, their share of the sums, and which cells may have to be halved again."""
        block.add(self._model, self._x, step, stage)
        rows, count = block.rows, block.log_joint.shape[1]
        self._raise_largest(rows, block.log_joint.amax((0, 1)))
        parts = self._parts(block, block.all_points(step).flatten(0, 1))
        latent_dim = block.points.shape[1]
        scale = abs(2 * step) ** latent_dim / count
        self._sums[:, rows] += scale * parts.sums()
        if stage + 1 < len(STAGES[latent_dim]):
            return block
        block = block.children(step, self.peaks)
        depth = self._depths[:, rows]
        # Where only the tails are left out, a cell's rise from its point to its edge is its share of a step.
        rise = torch.where(depth[0] < NEGLIGIBLE, 0.5, 1.0) * block.slack
        block.has_mass &= block.log_joint[:, 0] + rise > self._largest[rows] - depth[0]
        block.is_near &= near(self._of(rows), block.points, abs(step), depth[1])
        self._kept[:, rows] += scale * parts.left(block).sums()
        steepest = (block.slack * block.has_mass).amax(0)
        self._steepest[rows] = torch.maximum(self._steepest[rows], steepest)
        return block

    def _parts(self, block: Block, points: Tensor) -> "_Parts":
        """What the integrals are made of, at all points of the block."""
        rows, count = block.rows, block.log_joint.shape[1]
        log_joint, log_q = block.log_joint.flatten(0, 1), log_density(self.q, block.rows, points)
        joint, q = (log_joint - self._largest[rows]).exp_(), log_q.exp()
        for values, mask in ((joint, block.has_mass), (q, block.is_near)):
            values.unflatten(0, (-1, count)).mul_(mask[:, None])
        return _Parts(joint, q, log_joint, log_q, self._prior.log_prob(points))

    def _raise_largest(self, rows: Tensor, found: Tensor) -> None:
        largest = torch.maximum(self._largest[rows], found)
        for total in (self._sums, self._kept):
            total[0, rows] *= (self._largest[rows] - largest).exp()
        self._largest[rows] = largest

    def _measure_slim(self, rows: Tensor) -> None:
        """E_q of some data, each on a lattice of its own deviations, until it changes no more."""
        for row in rows.tolist():
            x, q, tolerance = self._x[row : row + 1], self._of(torch.tensor([row])), self._tolerance[row]
            values, change, error = torch.full((2,), math.nan, dtype=torch.float64), math.inf, math.inf
            for step in _SLIM_STEPS:
                before, previous = values, min(change, 1.0)
                values = _slim_means(self._model, x, q, step)
                change = float((values - before).abs().nan_to_num(nan=math.inf).amax())
                error = change + min(math.sqrt(change * previous), float(tolerance)) / 2 + _ROUNDING
                if change < tolerance:
                    break
            self.values[1:, row], self.errors[1, row] = values, error

    def _of(self, rows: Tensor) -> DiagonalNormal:
        return DiagonalNormal(self.q.mean[rows], self.q.log_var[rows])

    def _compare(self, size: float, stage: int) -> None:
        """Takes the values of the open data, and closes those that change no more."""
        sums = self._sums
        is_middle = stage + 1 < len(STAGES[self._model.config.latent_dim])
        in_stds = (math.sqrt(2) if is_middle else 1.0) * size / self.q.std.amin(1)
        values = torch.stack([sums[0].log() + self._largest, sums[2] / sums[1], sums[3] / sums[1]])
        changes = (values - self.values).abs()
        changes = torch.stack([changes[0], torch.maximum(changes[1:].amax(0), (sums[1] - 1).abs())])
        which = self._is_open[[0, 1, 1]]
        self.values[which] = values[which]
        # A change may be small by chance: the one before tells. Kinks of a decoder allow no extrapolation.
        chance = torch.minimum(self._changes, 1.5 * self._tolerance)
        errors = (2 * changes + chance + _ROUNDING).nan_to_num(nan=math.inf)
        self.errors[self._is_open] = errors[self._is_open]
        is_slow = changes > _SLOW * self._changes
        is_small = (changes < self._tolerance) & (self._changes < _BEFORE * self._tolerance)
        self._changes = changes.nan_to_num(nan=1.0)
        is_fine = torch.stack([self._steepest < _FINE_NATS, in_stds < _FINE_STDS])
        if self.peaks is not None and size > float(self.peaks.widths.min()):
            is_fine[:] = False  # coarser cells would agree with each other, and all miss a narrow component
        is_finest = torch.stack([self._steepest < _FINEST_NATS, in_stds < _FINEST_STDS])
        self._is_open &= ~((is_fine & is_small) | is_finest)
        tail = (_TAIL_NATS - self._tolerance.log()).clamp(max=NEGLIGIBLE)
        self._depths = torch.where(is_fine & is_slow & self._is_open, tail, self._depths)


def _slim_means(model: VAE, x: Tensor, q: DiagonalNormal, step: float) -> Tensor:
    """E_q[log p(x|z)] and E_q[log(q / p(x, z))] of one datum, on a lattice of ``step`` deviations."""
    reach = math.sqrt(2 * NEGLIGIBLE)
    axis = step * torch.arange(-int(reach / step), int(reach / step) + 1, dtype=torch.float64)
    eps = torch.cartesian_prod(*(axis,) * q.mean.shape[1]).reshape(-1, q.mean.shape[1])
    eps = eps[eps.square().sum(1) < reach**2]
    weights = torch.softmax(-0.5 * eps.square().sum(1), 0)
    sums = torch.zeros(2, dtype=torch.float64)
    at_once = max(1, MAX_VALUES // widest_layer(model))
    for some, weight in zip(eps.split(at_once), weights.split(at_once), strict=True):
        z = q.mean + q.std * some
        log_joint, log_likelihood = log_joint_at(model, x, z)
        parts = torch.stack([log_likelihood[:, 0], q.log_prob(z) - log_joint[:, 0]])
        sums += (parts * weight).sum(1)
    return sums
