"""Maximises many small smooth functions side by side: BFGS, batched, in float64."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

Objective = Callable[[Tensor, Tensor], Tensor]
"""Values, shape (m,), at parameters of shape (m, P), of the functions that numbers of shape (m,) name."""

TOLERANCE: Final = 1e-11
"""Of the gain that a Newton step foresees, in units of the objective."""
_ARMIJO: Final = 1e-4
_LONGEST: Final = 2.0
"""Of a step: the parameters are in units in which 1 is much."""
_SHORTEST: Final = 1e-10


def ascend(
    objective: Objective,
    start: Tensor,
    *,
    max_steps: int,
    on_step: Callable[[Tensor], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """Maximises each of n functions of P parameters from a start of its own; no value falls below its start.

    Quasi-Newton ascent: the step is H g with the inverse Hessian H built from the changes of the gradient
    (Broyden, Fletcher, Goldfarb, Shanno 1970), halved until the value rises by a share of what the slope
    promises (Armijo 1966). A function is done once 1/2 g^T H g, what such a step still gains, is below
    ``TOLERANCE``, or no step raises it. One evaluation of all that are left serves one trial of each.

    Arguments:
        objective: The functions, differentiable; what is not finite counts as lower than all.
        start: Shape (n, P), float64.
        max_steps: Evaluations at the most.
        on_step: Told the parameters, shape (n, P), after each evaluation; it keeps none of them.

    Returns:
        Parameters of shape (n, P), and their values, shape (n,).

    Example:
        >>> best, value = ascend(lambda p, rows: -(p - 3).square().sum(1), torch.zeros(1, 2), max_steps=50)
        >>> bool((best - 3).abs().max() < 1e-6)
        True
    """
    found, values = start.clone(), start.new_empty(len(start))
    rows = torch.arange(len(start), device=start.device)
    here, (value, slope) = start.clone(), _evaluate(objective, start, rows)
    values[rows] = value
    inverse = torch.eye(start.shape[1], dtype=start.dtype, device=start.device).repeat(len(start), 1, 1)
    direction, is_first = slope.clone(), torch.ones_like(rows, dtype=torch.bool)
    size = _first_size(direction)
    for _ in range(max_steps):
        trial = here + size[:, None] * direction
        new_value, new_slope = _evaluate(objective, trial, rows)
        promised = (slope * direction).sum(1)
        rises = new_value >= value + _ARMIJO * size * promised
        moved, change = trial - here, slope - new_slope
        curvature = (moved * change).sum(1)
        learns = rises & (curvature > 1e-12 * moved.norm(dim=1) * change.norm(dim=1))
        scale = torch.where(learns & is_first, curvature / change.square().sum(1), 1.0)
        inverse = _updated(inverse * scale[:, None, None], moved, change, curvature, learns)
        is_first &= ~learns
        here = torch.where(rises[:, None], trial, here)
        value, slope = torch.where(rises, new_value, value), torch.where(rises[:, None], new_slope, slope)
        newton = (inverse @ slope[..., None])[..., 0]
        direction = torch.where(rises[:, None], newton, direction)
        size = torch.where(rises, _first_size(direction), size / 2)
        found[rows], values[rows] = here, value
        if on_step is not None:
            on_step(found)
        left = ((slope * direction).sum(1) > 2 * TOLERANCE) & (size * direction.norm(dim=1) > _SHORTEST)
        if not bool(left.any()):
            break
        if not bool(left.all()):
            rows, here, value, slope, direction, size, inverse, is_first = (
                some[left] for some in (rows, here, value, slope, direction, size, inverse, is_first)
            )
    return found, values


def _evaluate(objective: Objective, parameters: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    at = parameters.detach().requires_grad_()
    with torch.enable_grad():
        values = objective(at, rows)
        (slopes,) = torch.autograd.grad(values.sum(), at)
    return values.detach(), slopes


def _first_size(direction: Tensor) -> Tensor:
    return (_LONGEST / direction.norm(dim=1).clamp(min=1e-300)).clamp(max=1.0)


def _updated(inverse: Tensor, moved: Tensor, change: Tensor, curvature: Tensor, learns: Tensor) -> Tensor:
    """(I - r s y^T) H (I - r y s^T) + r s s^T with r = 1 / s^T y, where something was learned."""
    rate = (1 / torch.where(learns, curvature, torch.ones_like(curvature)))[:, None, None]
    along = moved[:, :, None]
    image = inverse @ change[:, :, None]
    cross = rate * image @ along.mT
    both = rate.square() * (change[:, None] @ image) + rate
    return torch.where(learns[:, None, None], inverse - cross - cross.mT + both * along @ along.mT, inverse)
