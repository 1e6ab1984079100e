"""The line of a long computation: a button that starts it, its progress with a way out, why it failed."""

from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st

from dashboard.formats import plain
from dashboard.runs.tasks import Progress, tasks
from dashboard.shell import browser
from dashboard.shell.elsewhere import REST_TICK_S

TICK_S: Final = 0.5
_FORESEEN: Final = 0.03
"""The share of a task from which on its end is foreseen."""


def task_line(
    name: str, *, key: str, label: str, doing: str, help_text: str, start: Callable[[], None]
) -> None:
    """Draws the line; when the task begins or ends, the whole page is drawn again, once.

    Others may start the same one on their page: a line that rests looks for that, too.

    Arguments:
        name: Of the task.
        key: Of the widgets: ``key_start``, ``key_cancel``.
        label: Of the button that starts it.
        doing: What is said while it is at work.
        help_text: What it computes and how long that takes.
        start: Starts it, with what the controls say when the button is pressed.
    """
    _line((name,), key=key, label=label, doing=doing, help_text=help_text, start=start, part="")


def seeds_line(
    names: Sequence[str], *, key: str, label: str, doing: str, help_text: str, start: Callable[[str], None]
) -> None:
    """The same for several seeds, a task each: those that are done are kept when the others are cancelled.

    Arguments:
        names: Of the tasks, those that are done included.
        key: Of the widgets: ``key_start``, ``key_cancel``.
        label: Of the button while none is done.
        doing: What is said while one is at work.
        help_text: What they compute and how long that takes.
        start: Starts the task of this name; the button calls it for each that is missing.
    """
    num_missing = sum(not tasks().is_done(name) for name in names)
    if num_missing < len(names):
        label = f"Train the other {num_missing} of {len(names)} seeds"

    def start_missing() -> None:
        for name in names:
            if not tasks().is_done(name):
                start(name)

    _line(names, key=key, label=label, doing=doing, help_text=help_text, start=start_missing, part="seeds")


def _line(
    names: Sequence[str],
    *,
    key: str,
    label: str,
    doing: str,
    help_text: str,
    start: Callable[[], None],
    part: str,
) -> None:
    before = _stand(names)

    def line() -> None:
        if _stand(names) != before:
            st.rerun()
        if before[0]:
            _working(names, key, doing, part)
            return
        error = next((error for name in names if (error := tasks().error(name)) is not None), None)
        if error is not None:
            st.error(plain(error))
        # No callback: that would start what the button was drawn with, where a control has just been moved.
        if st.button(label, key=f"{key}_start", help=help_text, icon=":material/calculate:"):
            start()
            st.rerun()

    st.fragment(line, run_every=TICK_S if before[0] else REST_TICK_S)()


def _stand(names: Sequence[str]) -> tuple[bool, int]:
    """Whether any is at work, and how many are done."""
    is_busy = any(tasks().progress(name) is not None for name in names)
    return is_busy, sum(tasks().is_done(name) for name in names)


def _working(names: Sequence[str], key: str, doing: str, part: str) -> None:
    at_work = {name: found for name in names if (found := tasks().progress(name)) is not None}
    num_done = sum(tasks().is_done(name) for name in names if name not in at_work)
    share = (num_done + sum(found.done for found in at_work.values())) / (num_done + len(at_work) or 1)
    owner = browser.token()
    mine = [name for name in at_work if tasks().is_wanted_by(name, owner)]

    def cancel() -> None:
        for name in mine:
            tasks().cancel(name, owner=owner)

    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, share), text=_said(list(at_work.values()), num_done, share, doing, part))
        if mine:
            st.button(
                "Cancel",
                key=f"{key}_cancel",
                on_click=cancel,
                help="Ends the work, unless somebody else waits for the same result."
                + (f" What is done of the {part} is kept." if part else ""),
            )


def _said(at_work: Sequence[Progress], num_done: int, share: float, doing: str, part: str) -> str:
    positions = [found.queue_position for found in at_work]
    if at_work and all(positions):
        return f"Waiting for a core of this server: number {min(positions)} in the queue …"
    said = f"{doing} {share:.0%}" if share else f"{doing} starting …"
    if part:
        said += f" · {num_done} of {num_done + len(at_work)} {part} done"
    seconds = seconds_left(at_work)
    return said if seconds is None else f"{said} · about {duration(seconds)} left"


def seconds_left(at_work: Sequence[Progress]) -> float | None:
    """Seconds to the end of all tasks that are not done, as many at a time as now; None: not known yet.

    Example:
        >>> seconds_left([Progress(0.5, 0, 0.05), Progress(0.0, 1)])
        30.0
    """
    rates = [found.rate for found in at_work if found.done >= _FORESEEN and found.rate > 0]
    num_working = sum(not found.queue_position for found in at_work)
    if not rates or not num_working:
        return None
    left = sum(1 - found.done for found in at_work)
    return left * len(rates) / sum(rates) / num_working


def duration(seconds: float) -> str:
    """Some time in words: ``40 s``, ``3 min``."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
