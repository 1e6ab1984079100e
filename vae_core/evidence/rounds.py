"""The best q of a family for each of many examples: ascent in rounds, each confirmed by other points."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, ClassVar, Final, NamedTuple, Protocol, Self, TypeVar

import torch
from torch import Tensor

from vae_core.evidence.ascent import ascend
from vae_core.evidence.normal_rule import NormalRule

_MAX_ROUNDS: Final = 5
_ROUND: Final = 40
"""Evaluations of a round: the next one is in units of what this one has found."""


class _Posterior(Protocol):
    """q of n examples, a data class whose fields have a row for each."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def take(self, rows: Tensor, /) -> Self: ...


_Kind = TypeVar("_Kind", bound=_Posterior)


class Measured(NamedTuple):
    """The bound of each example's q by the measuring rule, and its error; nats, shape (n,)."""

    elbo: Tensor
    error: Tensor


def ascend_in_rounds(
    start: _Kind,
    value: Measured,
    *,
    begin: Callable[[_Kind], Tensor],
    moved: Callable[[_Kind, Tensor], _Kind],
    bound: Callable[[_Kind, Tensor, NormalRule], Tensor],
    measured: Callable[[_Kind, Tensor], Measured],
    rules: tuple[NormalRule, NormalRule],
    least_gain: float,
    on_step: Callable[[_Kind], None] = lambda q: None,
) -> tuple[_Kind, Measured]:
    """Maximises each example's bound from a q of its own; by the measuring rule none falls below its start.

    A rich q finds out where the few points lie by which it is sought, and folds between them: by these points
    its bound rises above log p(x), while that by others falls. So each round is measured by other points, and
    counts only where these confirm it; where they confirm less than half of it, the search goes on from the
    best q so far with many points. A round takes the examples whose bound the last one has raised.

    Arguments:
        start: q of n examples.
        value: Its bound as ``measured`` gives it.
        begin: Parameters of shape (m, P) at which ``moved`` leaves q as it is.
        moved: q at other parameters.
        bound: Of a q, the numbers of its examples, shape (m,), and a rule: shape (m,), nats, differentiable.
        measured: The same by the measuring rule, with its error.
        rules: With few points, and with many.
        least_gain: Nats; a round that gained less was the last one.
        on_step: Told q after each evaluation.
    """
    q, best, rows = start, value, torch.arange(len(value.elbo), device=value.elbo.device)
    is_folding = torch.zeros_like(rows, dtype=torch.bool)
    for _ in range(_MAX_ROUNDS):
        raised: list[Tensor] = []
        for rule in rules:
            some = rows[is_folding[rows] == (rule is rules[1])]
            if not len(some):
                continue
            here = q.take(some)
            found, promised = _searched(q, here, some, begin, moved, bound, rule, on_step)
            new = measured(found, some)
            gained = (new.elbo - new.error) - (best.elbo - best.error)[some]
            rises = gained > 0
            q = _replaced(q, some[rises], found.take(rises))
            best = Measured(
                *(old.index_copy(0, some[rises], part[rises]) for old, part in zip(best, new, strict=True))
            )
            is_folding[some[(promised > least_gain) & (gained < 0.5 * promised)]] = True
            raised.append(some[gained > least_gain])
        rows = torch.cat(raised).unique()
        if not len(rows):
            break
    return q, best


def _searched(
    q: _Kind,
    here: _Kind,
    some: Tensor,
    begin: Callable[[_Kind], Tensor],
    moved: Callable[[_Kind, Tensor], _Kind],
    bound: Callable[[_Kind, Tensor, NormalRule], Tensor],
    rule: NormalRule,
    on_step: Callable[[_Kind], None],
) -> tuple[_Kind, Tensor]:
    """What one round finds by a rule, and what that gains by this rule."""

    def objective(parameters: Tensor, of: Tensor) -> Tensor:
        return bound(moved(here.take(of), parameters), some[of], rule)

    with torch.no_grad():
        before = bound(here, some, rule)
    parameters, after = ascend(
        objective,
        begin(here),
        max_steps=_ROUND,
        on_step=lambda parameters: on_step(_replaced(q, some, moved(here, parameters))),
    )
    return moved(here, parameters), after - before


def _replaced(all_: _Kind, rows: Tensor, some: _Kind) -> _Kind:
    """That of all examples, with others in the place of some of them."""
    parts = {
        field.name: getattr(all_, field.name).index_copy(0, rows, getattr(some, field.name))
        for field in fields(all_)
    }
    return replace(all_, **parts)
