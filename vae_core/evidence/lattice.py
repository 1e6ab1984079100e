"""The first points of a quadrature: one lattice for all examples, and where each has mass."""

import math
from functools import lru_cache
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.device import on_cpu
from vae_core.evidence.quadrature import (
    NEGLIGIBLE,
    STAGES,
    Cells,
    Integrand,
    Pairs,
    children_points,
    outside,
    stage_points,
)
from vae_core.likelihoods import LikelihoodModel
from vae_core.memory import chunk_rows, widest_layer
from vae_core.model import VAE

CELL: Final = 0.2
"""The side of the first cells."""
REACH: Final = 6.5
"""In deviations: a Gaussian beyond it has a mass of 1e-10 in each dimension."""
MAX_CELLS_PER_DIM: Final = 128
_MAX_KEPT_VALUES: Final = 8_000_000
"""Of the widest layer at all points that are kept: 32 MB in float32; the centres take 13 of 784 pixels."""
_KEPT_HALVINGS: Final = 2
"""How often the centres' cells are halved with the outputs kept, 17 MB of digits: they need no more."""
_EXAMPLES_AT_ONCE: Final = 64
"""Their values on the lattice are 1 MB, which a processor's cache holds."""


class Lattice(NamedTuple):
    """Cells side by side.

    Arguments:
        axes: Where their centres lie in each of the J dimensions.
        size: Their side.
        decoded: p(x|z) at the centres, if it is kept.
        children: The decoder's outputs at the children of all cells by stage, and at the children's children,
            as far as they are kept; see :class:`~vae_core.evidence.quadrature.Cells`.
    """

    axes: tuple[Tensor, ...]
    size: float
    decoded: LikelihoodModel | None = None
    children: tuple[Tensor, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """How many there are in each dimension."""
        return tuple(map(len, self.axes))

    @property
    def centres(self) -> Tensor:
        """Shape (C, J), the last dimension changes first."""
        return torch.cartesian_prod(*self.axes).reshape(-1, len(self.axes))

    def holds(self, low: Tensor, high: Tensor) -> bool:
        """Whether the cells cover a box, whose corners have shape (J,)."""
        first, last = (torch.stack([axis[end] for axis in self.axes]) for end in (0, -1))
        half = self.size / 2 * (1 + 1e-9)
        return bool((first - half <= low).all() and (high <= last + half).all())


class First(NamedTuple):
    """What the lattice shows about n examples.

    Arguments:
        cells: Those where an example may have mass.
        largest: The largest log p(x, z) found of each example, shape (n,), nats.
        edge_share: The share of the outermost cells in p(x), shape (n,).
        left_out: The mass of all other cells, shape (n,), in units of the largest p(x, z).
    """

    cells: Cells
    largest: Tensor
    edge_share: Tensor
    left_out: Tensor


def lattice(integrand: Integrand, decoded: Lattice | None) -> Lattice:
    """Cells over the prior and all q: those that are decoded already where they hold all q."""
    q = integrand.bell
    low, high = (q.mean - REACH * q.std).amin(0), (q.mean + REACH * q.std).amax(0)
    if decoded is not None and decoded.holds(low, high):
        return decoded
    first, last = integrand.prior.box(REACH)
    return _over(torch.minimum(low, first), torch.maximum(high, last))


@torch.no_grad()
def decoded_lattice(model: VAE) -> Lattice | None:
    """Cells over the prior and p(x|z) at their centres, to be used many times; None for large decoders.

    Where there is room, also at the points of the cells that they are halved into: what the decoder says
    there does not depend on the example.
    """
    model = on_cpu(model)
    grid = _over(*model.prior.box(REACH))
    width, points, step = widest_layer(model.config), grid.centres, grid.size
    room = _MAX_KEPT_VALUES - len(points) * width
    if room < 0:
        return None
    grid, children = grid._replace(decoded=model.likelihood_of(_outputs(model, points))), []
    for _ in range(_KEPT_HALVINGS):
        step /= -2
        for stage in range(len(STAGES[points.shape[1]])):
            at = stage_points(points, step, stage)
            room -= at[..., 0].numel() * width
            if room < 0:
                return grid._replace(children=tuple(children))
            children.append(_outputs(model, at))
        points = children_points(points, step)
    return grid._replace(children=tuple(children))


def _outputs(model: VAE, z: Tensor) -> Tensor:
    """The decoder's at points of shape (..., J), some at a time."""
    dtype = next(model.parameters()).dtype
    pieces = z.flatten(0, -2).to(dtype).split(chunk_rows(widest_layer(model.config)))
    return torch.cat([model.decoder(piece) for piece in pieces]).unflatten(0, z.shape[:-1])


def _over(low: Tensor, high: Tensor) -> Lattice:
    size = max(CELL, float((high - low).max()) / MAX_CELLS_PER_DIM)
    counts = torch.ceil((high - low) / size).long().tolist()
    axes = (
        start + size * (torch.arange(count).to(start) + 0.5) for start, count in zip(low, counts, strict=True)
    )
    return Lattice(tuple(axes), size)


def first_cells(integrand: Integrand, grid: Lattice) -> First:
    """log p(x, z) of all examples at all points of the lattice, and where it counts."""
    log_joint, log_prior = _log_joint(integrand, grid)
    on_lattice = log_joint.amax(0)
    largest = torch.maximum(on_lattice, integrand.at_means())
    if integrand.peaks is not None:
        largest = torch.maximum(largest, integrand.peaks.log_joint.amax(0))
    (cell, example, has_mass, is_near, slack), left_out = _outlines(integrand, grid, log_joint, largest)
    (order, place), values = _z_order(grid.shape), log_joint[cell, example]
    pairs = Pairs(place[cell], example, has_mass, is_near, slack, values[None])
    cells = Cells(order, grid.centres[order], log_prior[None, order], pairs).needed()
    edge_share = _edge_share((values - on_lattice[example]).exp(), cell, example, grid.shape)
    return First(cells, largest, edge_share, grid.size ** len(grid.axes) * left_out)


def _log_joint(integrand: Integrand, grid: Lattice) -> tuple[Tensor, Tensor]:
    """log p(x, z) at all centres, shape (C, n), and log p(z), shape (C,)."""
    centres = grid.centres
    log_prior = integrand.prior.log_prob(centres)
    if grid.decoded is not None:
        return grid.decoded.pairwise_log_prob(integrand.x) + log_prior[:, None], log_prior
    log_joint = torch.empty(len(centres), len(integrand.x), dtype=torch.float64)
    for start in range(0, len(centres), integrand.points_at_once):
        here = slice(start, start + integrand.points_at_once)
        log_likelihood = integrand.likelihood(centres[here]).pairwise_log_prob(integrand.x)
        torch.add(log_likelihood, log_prior[here, None], out=log_joint[here])
    return log_joint, log_prior


def _outlines(
    integrand: Integrand, grid: Lattice, log_joint: Tensor, largest: Tensor
) -> tuple[list[Tensor], Tensor]:
    """Cell, example, has_mass, is_near and slack of the pairs that count; p(x, z) summed over the others."""
    found, left_out = [], []
    for start in range(0, len(largest), _EXAMPLES_AT_ONCE):
        data = slice(start, start + _EXAMPLES_AT_ONCE)
        relative = (log_joint[:, data] - largest[data]).float()
        (cell, example, *others), rest = _outline(integrand.take(data), grid, relative, largest[data])
        found.append((cell, example + start, *others))
        left_out.append(rest)
    return [torch.cat(columns) for columns in zip(*found, strict=True)], torch.cat(left_out)


def _outline(
    integrand: Integrand, grid: Lattice, relative: Tensor, largest: Tensor
) -> tuple[tuple[Tensor, ...], Tensor]:
    """The same for a few examples: ``relative`` is log p(x, z) less ``largest``."""
    slack = _slack(relative.unflatten(0, grid.shape)).flatten(0, -2)
    peaks = integrand.peaks
    for log_joint, cells in peaks.near(grid.centres, grid.size) if peaks is not None else ():
        rise = (log_joint - largest - relative[cells]).nan_to_num(posinf=0.0)
        slack[cells] = torch.maximum(slack[cells], rise.float())
    has_mass = relative + slack > -NEGLIGIBLE
    distances = [
        (outside(axis[:, None] - mean, grid.size) / std).square().float()
        for axis, mean, std in zip(grid.axes, integrand.bell.mean.T, integrand.bell.std.T, strict=True)
    ]
    total = distances[0] if len(distances) == 1 else (distances[0][:, None] + distances[1]).flatten(0, 1)
    is_near = total < 2 * NEGLIGIBLE
    cell, example = (has_mass | is_near).nonzero(as_tuple=True)
    columns = (cell, example, has_mass[cell, example], is_near[cell, example], slack[cell, example])
    return columns, relative.masked_fill_(has_mass, -math.inf).exp_().sum(0).double()


def _slack(log_joint: Tensor) -> Tensor:
    """By how much log p(x, z) may rise from each cell's point within its cell: the steepest steps around it.

    A cell reaches two thirds of a step; with no more than those, a steep decoder lost a mode worth 2 nats.
    """
    slack = torch.zeros_like(log_joint)
    for dim in range(log_joint.ndim - 1):
        steps = log_joint.diff(dim=dim).abs_()
        count = steps.shape[dim]
        around = torch.zeros_like(log_joint)
        around.narrow(dim, 0, count).copy_(steps)
        after = around.narrow(dim, 1, count)
        torch.maximum(after, steps, out=after)
        slack += around
    return slack


def _edge_share(mass: Tensor, cell: Tensor, example: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The share of the outermost cells in the mass of all pairs of each example."""
    is_inner = torch.zeros(shape, dtype=torch.bool)
    is_inner[(slice(1, -1),) * len(shape)] = True
    inner, whole = (example.bincount(some) for some in (mass * is_inner.flatten()[cell], mass))
    return (whole - inner) / whole


@lru_cache(maxsize=8)
def _z_order(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Cells so that those that follow each other lie close together (Morton 1966), and the place of each."""
    index = torch.cartesian_prod(*map(torch.arange, shape)).reshape(-1, len(shape))
    code = torch.zeros(len(index), dtype=torch.long)
    for bit in range(max(shape).bit_length()):
        for dim in range(len(shape)):
            code |= ((index[:, dim] >> bit) & 1) << (bit * len(shape) + dim)
    order = code.argsort()
    return order, order.argsort()
