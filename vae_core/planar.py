"""Planar flows (Rezende and Mohamed 2015, arXiv 1505.05770): invertible maps of R^J with known densities.

Layer after layer

    t -> t + v tanh(a^T t + b),    log |det| = log(1 + a^T v (1 - tanh^2(a^T t + b))),

invertible because v is moved along a until a^T v > -1.
"""

import math
from functools import lru_cache
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

IDENTITY: Final = math.log(math.e - 1)
"""softplus of it is 1: a layer with v = 0 is the identity."""
STEEPEST: Final = 1.5
"""|a| of a layer is below it: how sharply one layer may bend."""
DENSEST: Final = 0.9
"""a^T v of a layer is above minus it: no layer makes a volume less than a tenth of what it was."""
_FEW_STEPS: Final = 8
"""Of Newton's method and halvings together: nearly all points need no more."""
_MOST_STEPS: Final = 100


class PlanarFlow(NamedTuple):
    """Layers of a flow over R^J, with leading dimensions that broadcast against those of the points.

    Arguments:
        directions: a of each layer, shape (..., L, J), |a| below 1.5.
        shifts: v, moved so that a^T v > -0.9, shape (..., L, J).
        offsets: b, shape (..., L).

    Example:
        >>> flow = PlanarFlow.of(torch.ones(1, 5))
        >>> points = torch.tensor([[0.5, -1.0]])
        >>> moved, log_det = flow.push(points)
        >>> back, same = flow.pull(moved)
        >>> bool((back - points).abs().max() < 1e-6), bool((same - log_det).abs().max() < 1e-6)
        (True, True)
    """

    directions: Tensor
    shifts: Tensor
    offsets: Tensor

    @classmethod
    def of(cls, parameters: Tensor) -> "PlanarFlow":
        """That of any real a, v and b, side by side, (..., L, 2 J + 1); with v = 0 it is the identity."""
        dim = (parameters.shape[-1] - 1) // 2
        a, v, b = parameters.split((dim, dim, 1), dim=-1)
        a = a * (STEEPEST / (STEEPEST**2 + a.square().sum(-1, keepdim=True)).sqrt())
        along = (a * v).sum(-1, keepdim=True)
        allowed = DENSEST * (functional.softplus(along / DENSEST + IDENTITY) - 1)
        size = a.square().sum(-1, keepdim=True).clamp(min=torch.finfo(a.dtype).tiny)
        return cls(a, v + (allowed - along) * a / size, b[..., 0])

    def push(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """The flow at t of shape (..., J), and log |det| there, shape (...,)."""
        log_det = None
        for a, v, b in self._layers():
            bent = torch.tanh(_dot(t, a) + b)
            t = t + bent[..., None] * v
            grown = torch.log1p((a * v).sum(-1) * (1 - bent.square()))
            log_det = grown if log_det is None else log_det + grown
        return t, t.new_zeros(t.shape[:-1]) if log_det is None else log_det

    def pull(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """The point that :meth:`push` moves to t, shape (..., J), and log |det| of the flow at that point.

        A layer is inverted along a alone: s = a^T t solves s + a^T v tanh(s + b) = a^T t', which rises in s.
        Differentiable in t and in the layers.
        """
        log_det = None
        for a, v, b in reversed(self._layers()):
            along = (a * v).sum(-1)
            s = _solved(_dot(t, a), along, b)
            bent = torch.tanh(s + b)
            t = t - bent[..., None] * v
            grown = torch.log1p(along * (1 - bent.square()))
            log_det = grown if log_det is None else log_det + grown
        return t, t.new_zeros(t.shape[:-1]) if log_det is None else log_det

    def jacobian(self, t: Tensor) -> Tensor:
        """d push(t) / dt at t of shape (..., J): the product of I + (1 - h^2) v a^T, shape (..., J, J)."""
        dim = t.shape[-1]
        slope = torch.eye(dim).to(t).expand(*t.shape[:-1], dim, dim)
        for a, v, b in self._layers():
            bent = torch.tanh(_dot(t, a) + b)
            t = t + bent[..., None] * v
            along = (a[..., None, :] @ slope) * (1 - bent.square())[..., None, None]
            slope = slope + v[..., :, None] * along
        return slope

    def _layers(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        return list(
            zip(self.directions.unbind(-2), self.shifts.unbind(-2), self.offsets.unbind(-1), strict=True)
        )


class Moments(NamedTuple):
    """Of t = f(eps), eps ~ N(0, I), for flows of shape (batch, L, J).

    Arguments:
        shifts: v, shape (batch, L, J).
        bent: E[h], h_l being the tanh of layer l, shape (batch, L).
        with_noise: E[h_l eps], shape (batch, L, J).
        among: Cov(h), shape (batch, L, L).
    """

    shifts: Tensor
    bent: Tensor
    with_noise: Tensor
    among: Tensor

    @property
    def mean(self) -> Tensor:
        """E[t] = sum_l E[h_l] v_l, shape (batch, J)."""
        return (self.bent[..., None] * self.shifts).sum(-2)

    @property
    def variance(self) -> Tensor:
        """The diagonal of the covariance, shape (batch, J)."""
        v = self.shifts
        return 1 + (v * (2 * self.with_noise + self.among @ v)).sum(-2)

    @property
    def covariance(self) -> Tensor:
        """I + sum_l (E[h_l eps] v_l^T + v_l E[h_l eps]^T) + sum_lk Cov(h_l, h_k) v_l v_k^T: (batch, J, J)."""
        v, crossed = self.shifts, self.shifts.mT @ self.with_noise
        return torch.eye(v.shape[-1]).to(v) + crossed + crossed.mT + v.mT @ self.among @ v


def moments_of(flow: PlanarFlow) -> Moments:
    """Mean and covariance of the flow of N(0, I), by a rule with fixed points.

    t = eps + sum_l v_l h_l, and h depends on eps by the L numbers a_l^T eps alone: the integrals are over
    min(J, L) dimensions, whatever J. To 1e-4 of a deviation for J <= 2, else to about 5e-3;
    the tests hold it to samples.

    Arguments:
        flow: Of shape (batch, L, J).
    """
    a, v, b = flow
    num_layers, dim = a.shape[-2:]
    if dim <= num_layers:
        basis = torch.eye(dim).to(a).expand(*a.shape[:-2], dim, dim)
        root = a
    else:
        root, basis = _orthogonal(a)
    points, weights = (part.to(a) for part in normal_points(root.shape[-1]))
    noise = root @ points.T  # (batch, L, N)
    turned = a @ v.mT  # a_l^T v_k
    bent: list[Tensor] = []
    for layer in range(num_layers):
        s = noise[..., layer, :] + b[..., layer, None]
        for before, h in enumerate(bent):
            s = s + turned[..., layer, before, None] * h
        bent.append(torch.tanh(s))
    h = torch.stack(bent, -2)
    mean = h @ weights
    away = h - mean[..., None]
    weighted = away * weights
    return Moments(v, mean, (weighted @ points) @ basis, weighted @ away.mT)


def _orthogonal(a: Tensor) -> tuple[Tensor, Tensor]:
    """A = C Q by Gram and Schmidt: C lower triangular (..., L, L), the rows of Q orthonormal (..., L, J)."""
    rows: list[Tensor] = []
    root = a.new_zeros(*a.shape[:-1], a.shape[-2])
    for layer, row in enumerate(a.unbind(-2)):
        for before, unit in enumerate(rows):
            share = (row * unit).sum(-1)
            root[..., layer, before] = share
            row = row - share[..., None] * unit
        size = row.norm(dim=-1)
        root[..., layer, layer] = size
        rows.append(row / size.clamp(min=torch.finfo(a.dtype).tiny)[..., None])
    return root, torch.stack(rows, -2)


_STEPS: Final = {1: 0.25, 2: 0.5}
_REACH: Final = 6.0
_PAIRS: Final = 512


@lru_cache(maxsize=4)
def normal_points(dim: int) -> tuple[Tensor, Tensor]:
    """E[f(eps)] over N(0, I) as sum_n weight_n f(eps_n), 1 to 4 dimensions: (N, dim) and (N,), float64.

    On a line and in a plane points of equal distances. Else 512 quasi-random ones, u_n = frac(1/2 + n alpha)
    with the powers of the root of x^5 = x + 1 (Roberts 2018, "The unreasonable effectiveness of quasirandom
    sequences"), made normal in pairs (Box and Muller 1958), with their mirror images. Mean 0 and covariance I
    are exact.
    """
    if dim in _STEPS:
        count = int(_REACH / _STEPS[dim])
        axis = _STEPS[dim] * torch.arange(-count, count + 1, dtype=torch.float64)
        points = torch.cartesian_prod(*(axis,) * dim).reshape(-1, dim)
        points = points[points.square().sum(1) <= _REACH**2]
        weights = torch.softmax(-0.5 * points.square().sum(1), 0)
        return points / (weights @ points[:, 0].square()).sqrt(), weights
    root = 1.0
    for _ in range(60):
        root = (1 + root) ** 0.2
    powers = torch.tensor([root**-power for power in (1, 2, 3, 4)], dtype=torch.float64)
    uniform = (0.5 + torch.arange(1, _PAIRS + 1, dtype=torch.float64)[:, None] * powers).frac()
    radius = (-2 * uniform[:, :2].log()).sqrt()
    angle = 2 * math.pi * uniform[:, 2:]
    half = torch.cat([radius * angle.cos(), radius * angle.sin()], 1)[:, :dim]
    factor = torch.linalg.cholesky(half.T @ half / _PAIRS)
    half = torch.linalg.solve_triangular(factor, half.T, upper=False).T
    points = torch.cat([half, -half])
    return points, torch.full((len(points),), 1 / len(points), dtype=torch.float64)


def frame_of(dim: int, num_layers: int) -> Tensor:
    """Where the layers of an encoder's flow are when it gives 0: a, v = 0 and b, shape (L, 2 J + 1).

    Without directions of their own they would have no slope: with v = 0 neither a nor b matters, and with
    a = 0 no v bends. In the plane they are 45 degrees apart, and in 8 dimensions orthogonal:
    a_lj = cos(pi l (2 p + 1) / 4 - pi r / 2) / (J / 2)^(1/2) with j = 2 p + r; b goes from -1 to 1.

    Example:
        >>> [round(one, 4) for one in frame_of(2, 4)[:, 0].abs().tolist()]
        [1.0, 0.7071, 0.0, 0.7071]
    """
    rows = []
    for layer in range(num_layers):
        turns = [layer * (2 * (j // 2) + 1) / 4 - j % 2 / 2 for j in range(dim)]
        a = [1.0 if dim == 1 else math.cos(math.pi * turn) / math.sqrt(dim / 2) for turn in turns]
        rows.append([*a, *[0.0] * dim, 2 * layer / (num_layers - 1) - 1])
    return torch.tensor(rows)


def _solved(goal: Tensor, along: Tensor, offset: Tensor) -> Tensor:
    """s of s + along tanh(s + offset) = goal, along > -1: steps of Newton's method, or halvings.

    It halves where a step would leave what is known to hold s, or is not half as long as the one before: from
    one flat end to the other and back Newton's method alone may go for ever (Press et al. 2007, "Numerical
    Recipes", section 9.4). The last step carries the derivatives, by the implicit function theorem.
    """
    with torch.no_grad():
        every = _Equations(*torch.broadcast_tensors(goal, along, offset))
        s, is_there = every.steps(every.goal, _FEW_STEPS)
        if not bool(is_there.all()):  # few points need many steps: they alone take them
            left = ~is_there
            some = _Equations(*(part[left] for part in every))
            s = s.masked_scatter(left, some.steps(s[left], _MOST_STEPS)[0])
    bent = torch.tanh(s + offset)
    slope = (1 + along * (1 - bent.square())).detach()
    return s - (s + along * bent - goal) / slope


class _Equations(NamedTuple):
    """s + along tanh(s + offset) = goal, all of one shape."""

    goal: Tensor
    along: Tensor
    offset: Tensor

    def steps(self, s: Tensor, most: int) -> tuple[Tensor, Tensor]:
        """At most so many steps from s; and which are there."""
        goal, along, offset = self
        low, high = goal - along.abs(), goal + along.abs()
        enough, taken = 4 * torch.finfo(goal.dtype).eps, torch.full_like(goal, math.inf)
        is_there = torch.zeros_like(goal, dtype=torch.bool)
        for _ in range(most):
            bent = torch.tanh(s + offset)
            away = s + along * bent - goal
            low, high = torch.where(away < 0, s, low), torch.where(away > 0, s, high)
            step = away / (1 + along * (1 - bent.square()))
            is_there = step.abs() <= enough * (1 + s.abs() + along.abs())
            if bool(is_there.all()):
                break
            newton = s - step
            is_newton = is_there | ((2 * step.abs() <= taken) & (newton > low) & (newton < high))
            found = torch.where(is_newton, newton, (low + high) / 2)
            taken, s = (found - s).abs(), found
        return s, is_there


def _dot(t: Tensor, a: Tensor) -> Tensor:
    """Products over the last dimension; a sum over two values each would take ten times as long."""
    return torch.einsum("...j,...j->...", t, a)
