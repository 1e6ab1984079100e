"""Which earlier step of the run in view the board shows, and what held there.

While one is shown, the dials are those of a fork that would begin there; the run itself is left alone.
"""

from typing import Final, NamedTuple

from dashboard.runs.job import JobView
from dashboard.runs.runner import runner
from dashboard.shell import controls, state
from dashboard.train import cached

_AT: Final = "at_step"
_OPENED: Final = "looked_run"
LIVE: Final = ("beta", "learning_rate")


class Look(NamedTuple):
    """A kept step.

    Arguments:
        step: Updates made.
        written: Tells its state from another one of the same step.
        beta, learning_rate: In force there.
    """

    step: int
    written: int
    beta: float
    learning_rate: float


def kept_steps(view: JobView) -> tuple[int, ...]:
    """The kept steps up to where the run stands, ascending."""
    return tuple(step for step in runner().store.kept_steps(view.run_id) if step <= view.step)


def current(view: JobView | None) -> Look | None:
    """The step that is looked back at: the last kept one up to the one that is asked for; None: now."""
    asked = state.control(_AT)
    if view is None or not isinstance(asked, int):
        return None
    steps = kept_steps(view)
    step = max((one for one in steps if one <= asked), default=min(steps, default=None))
    written = None if step is None else runner().store.kept_at(view.run_id, step)
    if step is None or written is None:
        return None
    settings = cached.settings_at(view.run_id, step, written)
    return None if settings is None else Look(step, written, *settings)


def move_to(view: JobView, step: int | None) -> None:
    """Looks at another step, or at now again; a dial that was not moved shows what holds there."""
    before = current(view)
    state.set_control(_AT, step)
    state.set_control(_OPENED, view.run_id)
    after = current(view)
    for name in LIVE:
        untouched = controls.value(name) == getattr(before or view, name)
        if untouched or after is None:
            state.set_control(name, getattr(after or view, name))


def open_from_link(view: JobView, look: Look) -> None:
    """Has the dials show what holds at the step of a link that says nothing else of them, once."""
    if state.control(_OPENED) == view.run_id:
        return
    state.set_control(_OPENED, view.run_id)
    for name in LIVE:
        if controls.value(name) == getattr(view.config.train, name):
            state.set_control(name, getattr(look, name))
