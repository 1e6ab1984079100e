"""Forks: runs that go on from a kept state of another one."""

from dataclasses import replace
from typing import Any, Final

from vae_core.config import check_beta, check_learning_rate, check_seed
from vae_core.runs.runfile import Run

DRAW_ANEW: Final = "draw_anew"
"""The plain value of a run file that says with which seed its draws go on."""


def forked(
    run: Run, *, beta: float | None = None, learning_rate: float | None = None, seed: int | None = None
) -> Run:
    """A run that goes on from the state of another one; with nothing changed, the same way bit for bit.

    Weights, optimiser, history, data and held-out images stay. Another seed changes what is drawn from here
    on, and nothing else: the noise eps, and the order in which the rest of this epoch's examples and those of
    later epochs come.

    Arguments:
        run: As it was kept.
        beta: In force from the next update on, in place of a schedule; None: as it was.
        learning_rate: The same.
        seed: Of all that is drawn from here on; None: the draws of the run.

    Raises:
        BadInput: A value is out of range.
    """
    changed: dict[str, Any] = {}
    if beta is not None:
        changed["live_beta"] = check_beta(beta)
    if learning_rate is not None:
        changed["learning_rate"] = check_learning_rate(learning_rate)
    if seed is not None:
        changed[DRAW_ANEW] = check_seed(seed)
    return replace(run, status="paused", state_scalars={**run.state_scalars, **changed}, digest="")
