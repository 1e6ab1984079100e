"""What a visit may begin with: runs that were interrupted, and a server that keeps nothing."""

from typing import Final

import streamlit as st

from dashboard.formats import plain
from dashboard.runs.job import JobView
from dashboard.runs.runner import runner
from dashboard.runs.store import is_temporary
from dashboard.shell import browser, state
from vae_core.errors import BadInput

_LATER: Final = "interrupted_later"
_MAX_NAMED: Final = 3


def draw() -> None:
    """One line for each, where there is anything to say; on Train."""
    if is_temporary():
        st.warning(
            "This server cannot write its folder of runs: they are kept in a temporary folder, and are gone "
            "when it is restarted. Whoever runs the server: set VAE_DASHBOARD_HOME to another folder."
        )
    # The run in view has a Resume of its own.
    offer_interrupted(without=state.current_run())


def offer_interrupted(*, without: str | None = None) -> None:
    """Offers to resume this browser's runs that were interrupted, until it says "not now".

    Arguments:
        without: A run that is not offered.
    """
    runs = [view for view in runner().interrupted(browser.token()) if view.run_id != without]
    if runs and state.control(_LATER) is None:
        _offer(runs)


def _offer(runs: list[JobView]) -> None:
    names = ", ".join(f"{plain(view.name)} at step {view.step:,}" for view in runs[:_MAX_NAMED])
    names += f" and {len(runs) - _MAX_NAMED} more" if len(runs) > _MAX_NAMED else ""
    what = "A run of yours was" if len(runs) == 1 else f"{len(runs)} runs of yours were"
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="interrupted"):
        st.markdown(f"**{what} interrupted**: {names}.", width="content")
        label = "Resume it" if len(runs) == 1 else "Resume all"
        st.button(
            label,
            key="train_resume_all",
            on_click=lambda: _resume(runs),
            icon=":material/resume:",
            help="They go on from their last save as cores are free; the first of them is shown.",
        )
        st.button(
            "Not now",
            key="train_resume_later",
            on_click=lambda: state.set_control(_LATER, True),
            type="tertiary",
            help="Leaves them as they are; this line comes back at your next visit.",
        )


def _resume(runs: list[JobView]) -> None:
    try:
        runner().resume_together([view.run_id for view in runs], owner=browser.token())
    except BadInput as err:
        state.say_next(plain(str(err)))
    if state.current_run() is None:
        state.show_run(runs[0].run_id)
