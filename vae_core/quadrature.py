"""Integrals over a latent space of one or two dimensions, on cells that hold the mass of some datum.

The rule is the sum over points, one in each cell, times the cell's size. All data share one tree of cells: a
cell is halved in each dimension only for the data that have mass in it and are not measured well enough yet.
The points are nested: a cell's own point stays one of its children's, and in the plane the children come in
two stages, each of which doubles the points on a lattice of equal distances (first the middle of four). For a
smooth bump the error falls faster than any power of the cell's side once it is about a deviation.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.distributions import DiagonalNormal
from vae_core.importance import widest_layer
from vae_core.model import VAE
from vae_core.priors import DiagonalMixture, prior_box

CELL: Final = 0.2
"""The side of the first cells."""
REACH: Final = 6.5
"""In deviations: a Gaussian beyond it has a mass of 1e-10 in each dimension."""
MAX_CELLS_PER_DIM: Final = 128
NEGLIGIBLE: Final = 20.0
"""Nats below the largest value: a share of 2e-9."""
_CELLS_AT_ONCE: Final = 128
"""Halved together: their data are evaluated at all their points."""
MAX_VALUES: Final = 2_000_000
"""Values of the widest layer at a time, 8 MB in float32."""


STAGES: Final = {1: (((1,),),), 2: (((1, 1),), ((1, 0), (0, 1)))}
"""For J = 1 and 2: which children of a cell are added in which stage, in sides from the cell's own point."""
_BROTHERS: Final = {1: (((0, 1),),), 2: (((0, 2), (3, 1)), ((0, 3), (2, 1)))}
"""Which two children, in the order of the stages, are a step apart in the first dimension, in the second."""
ASIDE: Final = 2 / 3
"""What a cell's point stands for reaches this far, in sides: a half minus a quarter of a half, and so on."""


@dataclass(slots=True)
class Block:
    """Some cells that lie close together, and the data that have mass there.

    Arguments:
        points: The cells' own points, shape (C, J).
        rows: Numbers of the data, shape (R,).
        has_mass: Which of these data have posterior mass in which cell, booleans of shape (C, R).
        is_near: Which cells hold a share of which q, booleans of shape (C, R).
        slack: By how much log p(x, z) may rise from each point within its cell, shape (C, R), float32, nats.
        log_joint: log p(x, z) at the children that there are, the own point first, shape (C, K, R), nats.
    """

    points: Tensor
    rows: Tensor
    has_mass: Tensor
    is_near: Tensor
    slack: Tensor
    log_joint: Tensor

    def part(self, cells: slice | Tensor, data: Tensor) -> "Block":
        """Some of the cells, for some of the data."""
        values = (self.has_mass, self.is_near, self.slack, self.log_joint)
        has_mass, is_near, slack, log_joint = (some[cells].index_select(-1, data) for some in values)
        return Block(self.points[cells], self.rows[data], has_mass, is_near, slack, log_joint)

    def all_points(self, step: float) -> Tensor:
        """Those of the children that there are, shape (C, K, J); ``step`` is their side, with its sign."""
        latent_dim, count = self.points.shape[1], self.log_joint.shape[1]
        corners = [(0,) * latent_dim, *(corner for stage in STAGES[latent_dim] for corner in stage)]
        return self.points[:, None] + step * torch.tensor(corners[:count]).to(self.points)

    def add(self, model: VAE, x: Tensor, step: float, stage: int) -> None:
        """Evaluates the children of one stage: one, or two, for each cell."""
        corners = torch.tensor(STAGES[self.points.shape[1]][stage]).to(self.points)
        points = (self.points[:, None] + step * corners).flatten(0, 1)
        log_joint = log_joint_at(model, x[self.rows], points)[0]
        log_joint = log_joint.reshape(len(self.points), len(corners), -1)
        self.log_joint = torch.cat([self.log_joint, log_joint], 1)

    def children(self, step: float, peaks: "Peaks | None") -> "Block":
        """The cells of half the side, all marked for the data that needed the cells they are parts of."""
        # A cell reaches at most two thirds of a step from its point, and a slope may be steeper on the far
        # side: a whole step to the brother is allowed. Where a peak lies between brothers they are equal:
        # there a quarter of what the whole cell was allowed, as for a parabola.
        total = torch.zeros_like(self.slack)
        for pairs in _BROTHERS[self.points.shape[1]]:
            steps = [(self.log_joint[:, one] - self.log_joint[:, other]).abs_() for one, other in pairs]
            total += torch.stack(steps).amax(0) if len(steps) > 1 else steps[0]
        masks = (self.has_mass, self.is_near, torch.maximum(total.mul_(2 * ASIDE), self.slack / 4))
        has_mass, is_near, slack = (m.repeat_interleave(self.log_joint.shape[1], 0) for m in masks)
        points, log_joint = self.all_points(step).flatten(0, 1), self.log_joint.flatten(0, 1)
        if peaks is not None:
            slack = peaks.raise_slack(slack, log_joint, points, abs(step), self.rows)
        return Block(points, self.rows, has_mass, is_near, slack, log_joint[:, None])

    def of(self, open_evidence: Tensor, open_q: Tensor) -> "Block | None":
        """What is left for the data whose integrals are open, booleans of shape (n,); None for nothing."""
        self.has_mass &= open_evidence[self.rows]
        self.is_near &= open_q[self.rows]
        needed = self.has_mass | self.is_near
        cells, data = needed.any(1), needed.any(0)
        return self.part(cells, data.nonzero()[:, 0]) if bool(data.any()) else None


class Peaks(NamedTuple):
    """The components of a learned prior: a narrow one may fall between the centres of the cells.

    Arguments:
        places: Their means, shape (K, J).
        widths: Their smallest standard deviations, shape (K,).
        log_joint: log p(x, z) there, shape (K, n), nats.
    """

    places: Tensor
    widths: Tensor
    log_joint: Tensor

    def raise_slack(
        self, slack: Tensor, log_joint: Tensor, centres: Tensor, size: float, rows: Tensor
    ) -> Tensor:
        """Slack, shape (C, R), that lets cells rise to the peaks near them which are narrower than a cell."""
        for peak in (self.widths < size).nonzero()[:, 0].tolist():
            close = ((centres - self.places[peak]).abs() <= 1.5 * size).all(1).nonzero()[:, 0]
            rise = self.log_joint[peak, rows] - log_joint[close]
            slack[close] = torch.maximum(slack[close], rise.nan_to_num(posinf=0.0).to(slack.dtype))
        return slack


def peaks_of(model: VAE, x: Tensor) -> Peaks | None:
    """Those of the model's prior; None for a standard normal one."""
    prior = model.prior
    if not isinstance(prior, DiagonalMixture):
        return None
    places = prior.components.mean.double()
    at_once = max(1, MAX_VALUES // widest_layer(model))
    log_joint = torch.cat([log_joint_at(model, x, piece)[0] for piece in places.split(at_once)])
    return Peaks(places, prior.components.std.double().amin(1), log_joint)


def first_blocks(
    model: VAE,
    x: Tensor,
    posterior: DiagonalNormal,
    cells: tuple[Tensor, tuple[int, ...], float],
    peaks: Peaks | None,
) -> tuple[list[Block], Tensor, Tensor]:
    """The first cells, the largest log p(x, z) found for each datum, and the share of the outermost cells."""
    centres, shape, size = cells
    at_once = max(1, MAX_VALUES // widest_layer(model))
    log_joint = torch.cat([log_joint_at(model, x, piece)[0] for piece in centres.split(at_once)])
    mean = posterior.mean.to(x.dtype)
    at_mean = model.likelihood(mean).log_prob(x) + model.prior.log_prob(mean)
    largest = torch.maximum(log_joint.amax(0), at_mean.double())
    if peaks is not None:
        largest = torch.maximum(largest, peaks.log_joint.amax(0))
    relative = (log_joint - largest).float()  # a large array, of which only the outlines are wanted
    slack = _slack_on_grid(relative.reshape(*shape, -1)).flatten(0, -2)
    if peaks is not None:
        slack = peaks.raise_slack(slack, log_joint, centres, size, torch.arange(len(x)))
    has_mass = relative + slack > -NEGLIGIBLE
    q = DiagonalNormal(posterior.mean.float(), posterior.log_var.float())
    is_near = near(q, centres.float(), size, torch.full_like(largest, NEGLIGIBLE))
    index = torch.cartesian_prod(*(torch.arange(length) for length in shape)).reshape(-1, len(shape))
    edge = ((index == 0) | (index == torch.tensor(shape) - 1)).any(1)
    share = relative.sub_(relative.amax(0)).exp_()
    edge_share = (share[edge].sum(0) / share.sum(0)).double()
    order = _z_order(index)
    order = order[(has_mass | is_near)[order].any(1)]
    masks = (has_mass[order], is_near[order], slack[order])
    block = Block(centres[order], torch.arange(len(x)), *masks, log_joint[order, None])
    return [block], largest, edge_share


def lattice(model: VAE, posterior: DiagonalNormal) -> tuple[Tensor, tuple[int, ...], float]:
    """Centres of cells over the prior and all q, shape (C, J), their number in each dimension, their side."""
    low, high = prior_box(model.prior, model.config.latent_dim, REACH)
    low = torch.minimum(low, (posterior.mean - REACH * posterior.std).min(0).values)
    high = torch.maximum(high, (posterior.mean + REACH * posterior.std).max(0).values)
    size = max(CELL, float((high - low).max()) / MAX_CELLS_PER_DIM)
    counts = torch.ceil((high - low) / size).long().tolist()
    axes = [
        start + size * (torch.arange(count).to(start) + 0.5) for start, count in zip(low, counts, strict=True)
    ]
    return torch.cartesian_prod(*axes).reshape(-1, len(axes)), tuple(counts), size


def pieces(model: VAE, blocks: list[Block]) -> Iterator[Block]:
    """The same cells, a bounded number at a time with only the data that need these."""
    at_once = max(1, min(_CELLS_AT_ONCE, MAX_VALUES // widest_layer(model) // 2**model.config.latent_dim))
    for block in blocks:
        for start in range(0, len(block.points), at_once):
            here = slice(start, start + at_once)
            needed = block.has_mass[here] | block.is_near[here]
            yield block.part(here, needed.any(0).nonzero()[:, 0])


def log_density(q: DiagonalNormal, rows: Tensor, points: Tensor) -> Tensor:
    """log q of some data at all points, shape (C, R): a product of features, which costs little memory.

    Measured from the points' own middle: no digits are lost where they lie as closely as a q is wide.
    """
    middle, precision = points.mean(0), (-q.log_var[rows]).exp()
    mean, points = q.mean[rows] - middle, points - middle
    features = torch.cat([points.square(), points, torch.ones(len(points), 1).to(points)], 1)
    constant = (mean.square() * precision + q.log_var[rows] + math.log(2 * math.pi)).sum(1, keepdim=True)
    return features @ torch.cat([-0.5 * precision, mean * precision, -0.5 * constant], 1).T


def near(q: DiagonalNormal, points: Tensor, size: float, depth: Tensor) -> Tensor:
    """Which cells hold a density of which q that is less than ``depth`` nats below its largest: (C, R)."""
    total = points.new_zeros(len(points), len(q.mean))
    for place, mean, std in zip(points.T, q.mean.T, q.std.T, strict=True):
        total += (place[:, None] - mean).abs_().sub_(ASIDE * size).clamp_(min=0).div_(std).square_()
    return total < 2 * depth


def log_joint_at(model: VAE, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """log p(x, z) and log p(x|z) for all points and data: two of shape (G, n), float64."""
    log_likelihood = model.likelihood(z.to(x.dtype)).pairwise_log_prob(x)
    return log_likelihood + model.prior.log_prob(z.double())[:, None], log_likelihood


def _slack_on_grid(log_joint: Tensor) -> Tensor:
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


def _z_order(index: Tensor) -> Tensor:
    """An order in which cells that follow each other lie close together (Morton 1966)."""
    code = torch.zeros(len(index), dtype=torch.long)
    for bit in range(int(index.max()).bit_length()):
        for dim in range(index.shape[1]):
            code |= ((index[:, dim] >> bit) & 1) << (bit * index.shape[1] + dim)
    return code.argsort()
