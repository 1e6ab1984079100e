"""Time on Train: a slider over the kept steps of a run, and the fork that begins at the one that is shown."""

from typing import Final

import streamlit as st

from dashboard.components.look_back.element import look_back, looked
from dashboard.runs.job import JobView
from dashboard.runs.runner import runner
from dashboard.shell import state
from dashboard.train import look, steering

_ELEMENT: Final = "look_back"
_NEWEST: Final = "look_back_sequence"
NOTHING_KEPT: Final[dict[str, str]] = {
    why: f":material/history: No earlier steps of this run are kept: {said}"
    for why, said in (
        (
            "never",
            "it came as a file, or was trained before runs kept any. Steps from here on are kept where they "
            "can be.",
        ),
        ("too_large", "its network is too large for them."),
        ("no_room", "the disk was full. Where there is room now, steps from here on are kept."),
    )
}
"""By :meth:`dashboard.runs.store.RunStore.why_nothing_kept`."""


def draw(view: JobView) -> None:
    """One line; call it in a fragment. Nothing before the first update."""
    if view.step == 0 and look.current(view) is None:
        return
    steps = look.kept_steps(view)
    if not [step for step in steps if step < view.step]:
        if not view.is_active:
            st.caption(NOTHING_KEPT[runner().store.why_nothing_kept(view.run_id)])
        return
    at = look.current(view)
    said = state.control(_NEWEST)
    newest = said if isinstance(said, int) else 0
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="look_back_line"):
        look_back(
            view.run_id,
            key=_ELEMENT,
            steps=steps,
            at=None if at is None else at.step,
            now=view.step,
            on_look=lambda: _take(view.run_id, newest),
            sequence=newest,
            large=state.is_presenting(),
        )
        steering.fork_buttons(view)
    state.draw_address(_ELEMENT)


def _take(run_id: str, newest: int) -> None:
    found = looked(state.control(_ELEMENT))
    view = runner().view(run_id)
    # Where two messages cross, the later one of the hand counts.
    if found is None or view is None or found.sequence <= newest:
        return
    state.set_control(_NEWEST, found.sequence)
    look.move_to(view, found.step)
