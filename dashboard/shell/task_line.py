"""The line of a long computation: a button that starts it, its progress with a way out, why it failed."""

from collections.abc import Callable
from typing import Final

import streamlit as st

from dashboard.formats import plain
from dashboard.runs.tasks import Progress, tasks
from dashboard.shell import browser

TICK_S: Final = 0.5


def task_line(
    name: str, *, key: str, label: str, doing: str, help_text: str, start: Callable[[], None]
) -> None:
    """Draws the line; when the task begins or ends, the whole page is drawn again, once.

    Arguments:
        name: Of the task.
        key: Of the widgets: ``key_start``, ``key_cancel``.
        label: Of the button that starts it.
        doing: What is said while it is at work.
        help_text: What it computes and how long that takes.
        start: Starts it; called by the button.
    """
    busy = tasks().progress(name) is not None

    def line() -> None:
        progress = tasks().progress(name)
        if (progress is not None) != busy:
            st.rerun()
        if progress is not None:
            _working(progress, name, key, doing)
            return
        error = tasks().error(name)
        if error is not None:
            st.error(plain(error))
        st.button(label, key=f"{key}_start", on_click=start, help=help_text, icon=":material/calculate:")

    st.fragment(line, run_every=TICK_S if busy else None)()


def _working(progress: Progress, name: str, key: str, doing: str) -> None:
    waits = f"Waiting for a core of this server: number {progress.queue_position} in the queue …"
    share = f"{doing} {progress.done:.0%}" if progress.done else f"{doing} starting …"
    owner = browser.token()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, progress.done), text=waits if progress.queue_position else share)
        if tasks().is_wanted_by(name, owner):
            st.button(
                "Cancel",
                key=f"{key}_cancel",
                on_click=lambda: tasks().cancel(name, owner=owner),
                help="Ends the work, unless somebody else waits for the same result.",
            )
