"""Planar flows (Rezende and Mohamed 2015, arXiv 1505.05770): invertible maps of R^J with known densities.

Layer after layer

    t -> t + v tanh(a^T t + b),    log |det| = log(1 + a^T v (1 - tanh^2(a^T t + b))),

invertible because v is moved along a until a^T v > -1.
"""

import math
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

_IDENTITY: Final = math.log(math.e - 1)
"""softplus of it is 1: a layer with v = 0 is the identity."""
_STEEPEST: Final = 1.5
_DENSEST: Final = 0.9
_MOST_STEPS: Final = 100
"""Of Newton's method and halvings together; 10 are usual."""


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
        a = a * (_STEEPEST / (_STEEPEST**2 + a.square().sum(-1, keepdim=True)).sqrt())
        along = (a * v).sum(-1, keepdim=True)
        allowed = _DENSEST * (functional.softplus(along / _DENSEST + _IDENTITY) - 1)
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

    def _layers(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        return list(
            zip(self.directions.unbind(-2), self.shifts.unbind(-2), self.offsets.unbind(-1), strict=True)
        )


def _solved(goal: Tensor, along: Tensor, offset: Tensor) -> Tensor:
    """s of s + along tanh(s + offset) = goal, along > -1: steps of Newton's method, or halvings.

    It halves where a step would leave what is known to hold s, or is not half as long as the one before: from
    one flat end to the other and back Newton's method alone may go for ever (Press et al. 2007, "Numerical
    Recipes", section 9.4). The last step carries the derivatives, by the implicit function theorem.
    """
    with torch.no_grad():
        low, high = goal - along.abs(), goal + along.abs()
        s, enough = goal, 4 * torch.finfo(goal.dtype).eps
        taken = torch.full_like(goal, math.inf)
        for _ in range(_MOST_STEPS):
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
    bent = torch.tanh(s + offset)
    slope = (1 + along * (1 - bent.square())).detach()
    return s - (s + along * bent - goal) / slope


def _dot(t: Tensor, a: Tensor) -> Tensor:
    """Products over the last dimension; a sum over two values each would take ten times as long."""
    return torch.einsum("...j,...j->...", t, a)
