"""The true posterior of one example on a grid, for drawing: a picture of the cells that its log p(x) sums."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae_core.evidence.exact import Evidence, check_exact_dims, evidence_of, integrals
from vae_core.evidence.lattice import Lattice, first_cells, lattice
from vae_core.evidence.quadrature import Integrand, Points, integrand_of
from vae_core.model import VAE

_GRID: Final = {1: 600, 2: 64}
"""Points of the picture along each dimension, at least."""
_MOST: Final = 1.5
"""So many times as many where they are then as fine as the quadrature: two to a cell would decode more."""
_MAX_POINTS: Final = 40_000
"""That may be decoded for a picture."""
_HELD: Final = 0.99999
"""The share of the mass that the box holds."""
_SMALL: Final = 0.001
"""The share of the mass that may lie in cells finer than the points that a picture is decoded at."""
_Q_STDS: Final = 2.5
_TOLERANCE: Final = 0.002
_POINTS_AT_ONCE: Final = 100_000


class PosteriorGrid(NamedTuple):
    """The true posterior of one example on a grid that holds its mass and q's.

    Arguments:
        axes: Values of z along each of the J dimensions, equally spaced.
        log_density: log of the mean of p(z|x) over the grid's cell round each point, shape (n,) for J = 1 and
            (n, m) for J = 2, the first axis first.
        log_evidence: log p(x) by the same cells, nats.
    """

    axes: tuple[Tensor, ...]
    log_density: Tensor
    log_evidence: float

    @property
    def mass(self) -> float:
        """The share of p(x) that is in the picture."""
        cell = math.prod(float(axis[1] - axis[0]) for axis in self.axes)
        return float(self.log_density.exp().sum()) * cell


@torch.no_grad()
def posterior_on_grid(model: VAE, x: Tensor, *, decoded: Lattice | None = None) -> PosteriorGrid:
    """p(z|x) = p(x|z) p(z) / p(x) for one example x of shape (D,), for drawing.

    Box, fineness and p(x) are those of the quadrature of :func:`~vae_core.evidence.exact.exact_evidence`: the
    picture shows every mode that log p(x) counts, its mass is within 1 % of p(x). Where modes are too
    narrow for the points of a grid over all of them, it is made of the quadrature's own cells.
    Computed on the CPU, wherever the model is.

    Arguments:
        model: The model.
        x: The example.
        decoded: As for the evidence.

    Raises:
        BadInput: As ``exact_evidence``.
    """
    (measured,) = measured_examples(model, x[None], decoded=decoded)
    return posterior_picture(model, x, measured)


class Frame(NamedTuple):
    """Where the picture of one example is taken.

    Arguments:
        axes: Of the grid: see :class:`PosteriorGrid`.
        split: Into how many parts each cell of it is divided along each dimension; the decoder is asked in
            each part.
        points: What the picture is made of where those parts would be too many.
    """

    axes: tuple[Tensor, ...]
    split: list[int]
    points: Points | None


class MeasuredExample(NamedTuple):
    """log p(x) of one example by quadrature, and where its picture is taken.

    Arguments:
        evidence: What ``exact_evidence`` says, of shape (1,).
        frame: Of the picture.
    """

    evidence: Evidence
    frame: Frame


@torch.no_grad()
def measured_examples(model: VAE, x: Tensor, *, decoded: Lattice | None = None) -> list[MeasuredExample]:
    """A few examples, of shape (n, D), of a cost near that of one where the decoder was asked before.

    Of eight digits each takes a quarter of the time of one alone, and the values are the same up to the
    rounding of float32. Those whose q lies beyond ``decoded`` are measured alone, and without it all are.

    Arguments and errors are those of :func:`posterior_on_grid`.
    """
    check_exact_dims(model)
    integrand = integrand_of(model, x)
    grids = [lattice(integrand.take(slice(row, row + 1)), decoded) for row in range(len(x))]
    together = [row for row, grid in enumerate(grids) if grid is decoded]
    found: dict[int, MeasuredExample] = {}
    for rows in ([together] if together else []) + [[row] for row in range(len(x)) if row not in together]:
        found |= zip(rows, _measured(integrand.take(torch.tensor(rows)), grids[rows[0]]), strict=True)
    return [found[row] for row in range(len(x))]


def _measured(integrand: Integrand, grid: Lattice) -> Sequence[MeasuredExample]:
    evidence, points = _summed_over(integrand, grid)
    found = []
    for row, some in enumerate(points):
        one = Evidence(*(part[row : row + 1] for part in evidence))
        found.append(MeasuredExample(one, _frame(integrand.take(slice(row, row + 1)), one, some)))
    return found


def _summed_over(integrand: Integrand, grid: Lattice) -> tuple[Evidence, list[Points]]:
    first = first_cells(integrand, grid)
    found = integrals(integrand, grid, first, keeps_points=True)
    return evidence_of(integrand, first, found), found.points()


@torch.no_grad()
def posterior_picture(model: VAE, x: Tensor, measured: MeasuredExample) -> PosteriorGrid:
    """What :func:`posterior_on_grid` draws of an example of shape (D,), from its quadrature."""
    integrand = integrand_of(model, x[None])
    (axes, split, points), log_evidence = measured.frame, float(measured.evidence.log_evidence)
    if points is None:
        grid = PosteriorGrid(axes, _decoded(integrand, axes, split) - log_evidence, log_evidence)
        if abs(grid.mass - 1) < _TOLERANCE:
            return grid
        # Rare enough to measure again what all the others need not keep.
        (points,) = _summed_over(integrand, lattice(integrand, None))[1]
    shares = _shares(points, log_evidence)
    grid = PosteriorGrid(axes, _summed(axes, points, shares), log_evidence)
    assert abs(grid.mass - 1) < 2 * _TOLERANCE, "the box holds all but a share of the cells"
    return grid


def _shares(points: Points, log_evidence: float) -> Tensor:
    """Of p(x), for each cell of the quadrature."""
    return (points.log_joint - log_evidence).exp() * points.volumes


def _frame(integrand: Integrand, evidence: Evidence, points: Points) -> Frame:
    shares = _shares(points, float(evidence.log_evidence))
    finest = _finest(points, shares)
    axes = _axes(integrand, points, shares, finest)
    split = [max(1, math.ceil(float((axis[1] - axis[0]) / finest) - 1e-9)) for axis in axes]
    if math.prod(len(axis) * count for axis, count in zip(axes, split, strict=True)) <= _MAX_POINTS:
        return Frame(axes, split, None)
    # Of many examples at once these are parts of one array, which one of them would keep whole.
    return Frame(axes, split, Points(*(part.clone() for part in points)))


def _axes(integrand: Integrand, points: Points, shares: Tensor, finest: float) -> tuple[Tensor, ...]:
    """Over the cells that hold the mass, and over q."""
    ascending = torch.from_numpy(np.sort(shares.numpy()))  # a tenth of the time of torch's
    left_out = ascending.cumsum(0) < (1 - _HELD) * ascending.sum()
    held = shares >= ascending[left_out.sum()]
    z, latent_dim = points.z[held], points.z.shape[1]
    side = points.volumes[held] ** (1 / latent_dim)
    q = integrand.bell
    axes, least = [], _GRID[latent_dim]
    for centres, mean, std in zip(z.T, q.mean[0].tolist(), q.std[0].tolist(), strict=True):
        start = min(float((centres - side).amin()), mean - _Q_STDS * std)
        end = max(float((centres + side).amax()), mean + _Q_STDS * std)
        wanted = math.ceil((end - start) / finest) + 1
        count = max(least, wanted) if wanted <= _MOST * least else least
        axes.append(torch.linspace(start, end, count, dtype=torch.float64))
    return tuple(axes)


def _finest(points: Points, shares: Tensor) -> float:
    """The side of the quadrature's smallest cells that have mass."""
    order = points.volumes.argsort()
    volume = points.volumes[order[int((shares[order].cumsum(0) < _SMALL).sum())]]
    return float(volume ** (1 / points.z.shape[1]))


def _decoded(integrand: Integrand, axes: tuple[Tensor, ...], split: list[int]) -> Tensor:
    """log of the mean of p(x, z) over each cell of a grid, from so many points in it."""
    fine = []
    for axis, count in zip(axes, split, strict=True):
        within = ((torch.arange(count) + 0.5) / count - 0.5) * (axis[1] - axis[0])
        fine.append((axis[:, None] + within).flatten())
    z = torch.cartesian_prod(*fine).reshape(-1, len(axes))
    log_joint = torch.cat(
        [
            integrand.likelihood(some).pairwise_log_prob(integrand.x)[:, 0] + integrand.prior.log_prob(some)
            for some in z.split(integrand.points_at_once)
        ]
    )
    shape = [size for axis, count in zip(axes, split, strict=True) for size in (len(axis), count)]
    within = tuple(range(1, len(shape), 2))
    return log_joint.reshape(shape).logsumexp(within) - math.log(math.prod(split))


def _summed(axes: tuple[Tensor, ...], points: Points, shares: Tensor) -> Tensor:
    """log of the mean density over each cell of a grid: the quadrature's cells give what overlaps."""
    total = torch.zeros([len(axis) for axis in axes], dtype=torch.float64)
    half = points.volumes ** (1 / len(axes)) / 2
    for start in range(0, len(shares), _POINTS_AT_ONCE):
        here = slice(start, start + _POINTS_AT_ONCE)
        overlaps = [_overlap(axis, points.z[here, dim], half[here]) for dim, axis in enumerate(axes)]
        overlaps[0] = overlaps[0] * shares[here, None]
        total += overlaps[0].sum(0) if len(axes) == 1 else overlaps[0].T @ overlaps[1]
    return total.log() - sum(math.log(float(axis[1] - axis[0])) for axis in axes)


def _overlap(axis: Tensor, centres: Tensor, half: Tensor) -> Tensor:
    """The share of each interval centre ± half that lies in each cell of the axis, shape (N, n)."""
    width = axis[1] - axis[0]
    edges = torch.cat([axis - width / 2, axis[-1:] + width / 2])
    below = ((edges - (centres - half)[:, None]) / (2 * half)[:, None]).clamp(0, 1)
    return below.diff(dim=1)
