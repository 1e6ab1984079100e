"""The run in view: one line on how it stands, and the live board, redrawn while the run is active."""

from collections.abc import Callable
from typing import Final

import streamlit as st

from dashboard.components.board.element import training_board
from dashboard.components.flow.element import training_flow
from dashboard.runs.job import JobView
from dashboard.runs.runner import runner
from dashboard.runs.scheduler import UNWATCHED_S
from dashboard.shell import browser
from dashboard.train import cached

TICK_S: Final = 0.5
WATCH_TICK_S: Final = 1.0
"""For a run of another session, or one that is queued: thirty who watch cost the server half as much."""
FIRST_POINT_S: Final = 0.4
"""How long Start may hold the page back so that the first picture has points already."""
AFTERWORD: Final = {
    "finished": "**Resume** goes on from here, now without an end; or see it on **Latent space**.",
    "stopped": "**Resume** goes on from here; **Start** begins a new run.",
    "stopped_early": "The last weights are kept: **Resume** goes on from them, now without an end.",
    "interrupted": "**Resume** goes on from the last save.",
    "crashed": "",
    "diverged": "Halve η in the sidebar and press **Resume**: it goes on from there.",
    "failed": "Change that setting in the sidebar and press **Start**.",
}


def watch(view: JobView, steer: Callable[[JobView], None]) -> None:
    """Progress and board of a run, redrawn by themselves while the run is active.

    Arguments:
        view: The run.
        steer: Draws what acts on it; it shows what holds in the run, so it is redrawn with the board.
    """
    if view.status == "running" and view.step == 0:
        _await_first_point(view.run_id)
    own = view.is_owned_by(browser.token()) and view.status != "queued"
    every = (TICK_S if own else WATCH_TICK_S) if view.is_active else None
    st.fragment(_live, run_every=every)(view.run_id, view.status, steer)


def _live(run_id: str, status: str, steer: Callable[[JobView], None]) -> None:
    view = runner().view(run_id)
    if view is None or view.status != status:
        # Buttons and ticking depend on the state of the run: the whole page is drawn again, once.
        st.rerun()
    steer(view)
    _status_line(view)
    version = runner().store.snapshot_version(run_id)
    payload = None if version is None else cached.board(run_id, version)
    if version is None or payload is None:
        return
    training_board(payload, key="board")
    flow = cached.flow(run_id, version)
    if flow is not None:
        training_flow(flow, key="flow")


def _await_first_point(run_id: str) -> None:
    for _ in range(4):
        view = runner().view(run_id)
        if view is None or view.step > 0 or view.status != "running":
            return
        runner().wait(run_id, FIRST_POINT_S / 4)


def _status_line(view: JobView) -> None:
    share = view.step / view.num_steps if view.num_steps else 0.0
    st.progress(min(1.0, share), text=status_text(view))


def status_text(view: JobView) -> str:
    """One line on how the run stands: words first, numbers after."""
    whose = "" if view.is_owned_by(browser.token()) else ", started by someone else"
    return f"{view.name}{whose} · {_standing(view)}"


def _standing(view: JobView) -> str:
    if view.status == "queued":
        why = view.message or (
            "It starts by itself when a core is free; meanwhile **Latent space** and **ELBO** show the "
            "example model."
        )
        return f"**Waiting**: number {view.queue_position} in the queue. {why}"
    live = f"β {view.beta:.12g} · η {view.learning_rate:.12g}"
    of = "" if view.num_epochs is None else f" of {view.num_epochs:,}"
    done = f"step {view.step:,} · epoch {view.epoch:,}{of}"
    if view.status == "paused":
        return f"**Paused** at {done} · {live}. **Resume** goes on, **Step** makes one update."
    if view.status == "running":
        note = f" · {view.message}" if view.message else ""
        if view.others_wait:
            note += f" · Others wait: a run that nobody looks at for {UNWATCHED_S:.0f} s makes room for them."
        return f"**Training** · {done} · {view.steps_per_second:,.0f} steps/s{_eta(view)} · {live}{note}"
    return f"**{view.message_for(browser.token())}** {AFTERWORD.get(view.status, '')}"


def _eta(view: JobView) -> str:
    if view.num_steps is None:
        return ""
    if view.eta_s is None:
        return " · time left: measuring"
    minutes, seconds = divmod(round(view.eta_s), 60)
    return f" · {minutes} min {seconds:02d} s left" if minutes else f" · {seconds} s left"
