"""log p(x) itself, for one or two latent dimensions, and how far the bound is from it."""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.distributions import DiagonalNormal
from vae_core.errors import BadInput
from vae_core.importance import stochastic_posterior, widest_layer
from vae_core.model import VAE
from vae_core.quadrature import (
    MAX_VALUES,
    NEGLIGIBLE,
    Block,
    Peaks,
    first_blocks,
    halved,
    lattice,
    log_joint_at,
    near,
    peaks_of,
    pieces,
)

MAX_EXACT_DIMS: Final = 2
_ABSOLUTE: Final = 1e-4
_PER_VALUE: Final = 8e-6
_ROUNDING: Final = 1e-9
"""Cells are halved for the data whose integrals change by more than absolute + per value of x (nats) and
the rounding of log p: by 6e-4 nats for the digits, 6e-3 for MNIST, 1e-5 bits for each value."""
_FINE_NATS, _FINEST_NATS = 16.0, 0.5
"""A change counts once log p(x, z) changes by less than the one within each cell that has mass (cells of
about one deviation), and nothing is halved any more below the other."""
_FINE_STDS, _FINEST_STDS = 1.5, 0.04  # the same for q, in its smallest deviations
_SLIM: Final = 4.0
"""A q whose deviations differ by more has points of its own."""
_SLIM_STEPS: Final = (1.0, 0.5, 0.25, 0.125, 0.0625)
_TAIL_NATS: Final = 4.0  # where a change is too large, cells of a density e^-4 of the tolerance stay
_MAX_HALVINGS: Final = 16
_MAX_CELLS: Final = 5_000_000  # times data, to begin with: 40 MB in float64


class Evidence(NamedTuple):
    """log p(x) = ELBO + KL(q(z|x) || p(z|x)) for each datum, all three measured; nats, float64, shape (n,).

    Arguments:
        log_evidence: log p(x) = log integral of p(x|z) p(z) dz.
        error: What the quadrature may be off by, in any of the integrals here: their last change when the
            points were doubled in each dimension, and the mass at the edge of the region.
        reconstruction: E_q[log p(x|z)].
        kl: KL(q(z|x) || p(z)) in closed form; for a learned prior the integral of q log(q / p(z)).
        kl_to_posterior: KL(q(z|x) || p(z|x)), the integral of q log(q / p(z|x)) with the posterior
            normalised on the same points.
    """

    log_evidence: Tensor
    error: Tensor
    reconstruction: Tensor
    kl: Tensor
    kl_to_posterior: Tensor

    @property
    def elbo(self) -> Tensor:
        """reconstruction - kl."""
        return self.reconstruction - self.kl


@torch.no_grad()
def exact_evidence(model: VAE, x: Tensor) -> Evidence:
    """log p(x) and KL(q || posterior) by quadrature over the latent space (J = 1 or 2).

    The identity log p(x) = ELBO + KL(q || p(z|x)) is that of Jordan et al. (1999), "An introduction to
    variational methods for graphical models"; Kingma and Welling 2019, section 2.2.

    Arguments:
        model: The model; its posterior's place and width choose the points, and change nothing else.
        x: Data, shape (n, D).

    Raises:
        BadInput: J > 2 (code ``latent_dim``), a deterministic encoder, weights that are no numbers (code
            ``diverged``), or data of another size than the model's.
    """
    check_exact_dims(model)
    posterior = stochastic_posterior(model, x)
    posterior = DiagonalNormal(posterior.mean.double(), posterior.log_var.double())
    cells = lattice(model, posterior)
    at_once = max(1, _MAX_CELLS // len(cells[0]))
    parts = []
    for rows in torch.arange(len(x)).split(at_once):
        q = DiagonalNormal(posterior.mean[rows], posterior.log_var[rows])
        peaks = peaks_of(model, x[rows])
        blocks, largest, edge_share = first_blocks(model, x[rows], q, cells, peaks)
        if not bool(largest.isfinite().all()):
            raise BadInput("diverged", "the model's weights are no finite numbers", "train it anew")
        found = _Integrals(model, x[rows], q, largest, peaks)
        found.measure(blocks, cells[2])
        parts.append(found.evidence(edge_share))
    return Evidence(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def check_exact_dims(model: VAE) -> None:
    """Raises :class:`BadInput` for a model of more than two latent dimensions."""
    if model.config.latent_dim > MAX_EXACT_DIMS:
        raise BadInput(
            "latent_dim",
            f"a grid over {model.config.latent_dim} latent dimensions is too large for an exact log p(x)",
            "use J = 1 or 2, or the importance-weighted bound",
        )


class _Integrals:
    """log p(x), E_q[log p(x|z)] and E_q[log(q / p(x, z))] of some data, each until it changes no more."""

    def __init__(
        self, model: VAE, x: Tensor, q: DiagonalNormal, largest: Tensor, peaks: Peaks | None
    ) -> None:
        self._model, self._x, self._q, self._largest, self._peaks = model, x, q, largest, peaks
        self._tolerance = _ABSOLUTE + _PER_VALUE * x.shape[1] + torch.finfo(x.dtype).eps * largest.abs()
        self._values = torch.full((3, len(x)), math.nan, dtype=torch.float64)
        self._changes = torch.ones(2, len(x), dtype=torch.float64)
        self._errors = torch.full_like(self._changes, math.inf)
        self._is_open = torch.ones(2, len(x), dtype=torch.bool)
        self._depths = torch.full_like(self._changes, NEGLIGIBLE)
        is_slim = q.std.amax(1) > _SLIM * q.std.amin(1)
        self._is_open[1] = ~is_slim
        self._measure_slim(is_slim.nonzero()[:, 0])
        self._kept = torch.zeros(4, len(x), dtype=torch.float64)  # of cells that stay

    def evidence(self, edge_share: Tensor) -> Evidence:
        """All that was measured."""
        log_evidence, reconstruction, cross = self._values
        error = torch.maximum(self._errors[0] + edge_share, self._errors[1])
        # q log(q / p(x, z)) + q log p(x|z) is q log(q / p(z)): the same cells integrate it.
        is_closed_form = self._peaks is None
        kl = self._q.kl_to_standard_normal().sum(-1) if is_closed_form else cross + reconstruction
        return Evidence(log_evidence, error, reconstruction, kl, cross + log_evidence)

    def measure(self, blocks: list[Block], size: float) -> None:
        """Halves the cells of those whose integrals still change."""
        for _ in range(_MAX_HALVINGS):
            size /= 2
            sums, steepest = self._kept.clone(), torch.zeros(len(self._x))
            blocks = [self._halve(piece, size, sums, steepest) for piece in pieces(self._model, blocks)]
            self._compare(sums, steepest, size)
            left = [block.of(*self._is_open) for block in blocks]
            blocks = [block for block in left if block is not None]
            if not blocks:
                return

    def _halve(self, piece: Block, size: float, sums: Tensor, steepest: Tensor) -> Block:
        """New cells, their share of the sums, and which of them may have to be halved again."""
        block, values = halved(self._model, self._x, self._q, piece, size, self._peaks)
        rows, cell = block.rows, size**self._model.config.latent_dim
        largest = torch.maximum(self._largest[rows], values.log_joint.amax(0))
        for total in (sums, self._kept):
            total[0, rows] *= (self._largest[rows] - largest).exp()
        self._largest[rows] = largest
        joint = (values.log_joint - largest).exp_().mul_(block.has_mass).mul_(cell)
        q = values.log_q.exp().mul_(block.is_near).mul_(cell)
        parts = (joint, q, q * values.log_likelihood, q * (values.log_q - values.log_joint))
        sums[:, rows] += torch.stack([part.sum(0) for part in parts])
        depth = self._depths[:, rows]
        # Where only the tails are left out, a cell's rise from its centre to its edge is half a step.
        rise = torch.where(depth[0] < NEGLIGIBLE, 0.5, 1.0) * block.slack
        block.has_mass &= values.log_joint + rise > largest - depth[0]
        block.is_near &= near(self._of(rows), block.centres, size, depth[1])
        leaves = (~block.has_mass, *(~block.is_near,) * 3)
        self._kept[:, rows] += torch.stack([(p * out).sum(0) for p, out in zip(parts, leaves, strict=True)])
        steepest[rows] = torch.maximum(steepest[rows], (block.slack * block.has_mass).amax(0))
        return block

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
            self._values[1:, row], self._errors[1, row] = values, error

    def _of(self, rows: Tensor) -> DiagonalNormal:
        return DiagonalNormal(self._q.mean[rows], self._q.log_var[rows])

    def _compare(self, sums: Tensor, steepest: Tensor, size: float) -> None:
        """Takes the values of the open data, and closes those that change no more."""
        in_stds = size / self._q.std.amin(1)
        values = torch.stack([sums[0].log() + self._largest, sums[2] / sums[1], sums[3] / sums[1]])
        changes = (values - self._values).abs()
        changes = torch.stack([changes[0], torch.maximum(changes[1:].amax(0), (sums[1] - 1).abs())])
        which = self._is_open[[0, 1, 1]]
        self._values[which] = values[which]
        # A change may be small by chance: the one before tells. Kinks of a decoder allow no extrapolation.
        chance = (changes * self._changes).sqrt().clamp(max=self._tolerance) / 2
        errors = (changes + chance + _ROUNDING).nan_to_num(nan=math.inf)
        self._errors[self._is_open] = errors[self._is_open]
        self._changes = changes.nan_to_num(nan=1.0)
        is_fine = torch.stack([steepest < _FINE_NATS, in_stds < _FINE_STDS])
        if self._peaks is not None and size > float(self._peaks.widths.min()):
            is_fine[:] = False  # coarser cells would agree with each other, and all miss a narrow component
        is_finest = torch.stack([steepest < _FINEST_NATS, in_stds < _FINEST_STDS])
        self._is_open &= ~((is_fine & (changes < self._tolerance)) | is_finest)
        tail = (_TAIL_NATS - self._tolerance.log()).clamp(max=NEGLIGIBLE)
        self._depths = torch.where(is_fine & self._is_open, tail, self._depths)


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
