"""The run in view: one line on how it stands, and the live board, redrawn while the run is active."""

from collections.abc import Callable
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.board.element import training_board
from dashboard.components.board.payload import addressed
from dashboard.components.flow.element import training_flow
from dashboard.formats import plain
from dashboard.labels import OF_CURVES, has_many_held_out
from dashboard.runs.job import JobView
from dashboard.runs.runner import runner
from dashboard.runs.scheduler import TURN_S
from dashboard.shell import browser, condition, elsewhere, state
from dashboard.train import cached, colour, ghosts, look, look_back, steering

TICK_S: Final = 0.5
WATCH_TICK_S: Final = 1.0
"""For a run of another session, or one that is queued: thirty who watch cost the server half as much."""
FIRST_POINT_S: Final = 0.4
"""How long Start may hold the page back so that the first picture has points already."""
_BOARD: Final = "board"
EXAMPLE: Final = (
    "**Example model (trained on digits)** · Press **Start** to train your own: its curves take this place."
)
NOT_YET: Final = "Nothing of this run to draw yet: the board below is that of the example model."
NOT_YET_KEPT: Final = "Nothing of this run to draw yet: these are the curves that you kept."
HALVED: Final = (
    "**Resume, η halved** goes on from there; if you set η in the sidebar first, that value is used."
)
FOR_OTHERS: Final = "**Take a copy** to go on from here."
AFTERWORD: Final = {
    "finished": "**Resume**, **Step** and **Epoch** go on from these weights, now without an end.",
    "stopped": "**Resume**, **Step** and **Epoch** go on from here; **Start** begins a new run.",
    "stopped_early": "**Resume**, **Step** and **Epoch** go on from these weights, now without an end.",
    "interrupted": "**Resume**, **Step** and **Epoch** go on from the last save.",
    "crashed": "",
    "diverged": "**Resume** goes on from there with the η that you set.",
    "failed": "Change that setting in the sidebar and press **Start**.",
}


_TURNS: Final = f"turns of {TURN_S:.0f} s"
_WAITING: Final = {
    "others": f"Others wait: trainings take {_TURNS}.",
    "owner": f"Another run of yours waits: they take {_TURNS}.",
}


def watch(view: JobView, steer: Callable[[JobView], None]) -> None:
    """Progress and board of a run, redrawn by themselves while the run is active.

    Arguments:
        view: The run.
        steer: Draws what acts on it; it shows what holds in the run, so it is redrawn with the board.
    """
    if view.status == "running" and view.step == 0:
        _await_first_point(view.run_id)
    drawn_as = _drawn_as(view)
    every = tick_s(view, browser.token())
    st.fragment(_live, run_every=every)(view.run_id, drawn_as, steer)
    if every is None:
        elsewhere.watch_runs([view.run_id])


def tick_s(view: JobView, token: str) -> float | None:
    """Seconds between two looks at a run; None where nothing changes by itself."""
    if not view.is_active:
        return None
    return TICK_S if view.is_owned_by(token) and view.status != "queued" else WATCH_TICK_S


def show_example() -> None:
    """The board of the example model: what a training looks like, before there is one."""
    with _run_line():
        st.markdown(EXAMPLE)
    _draw_example()


OF_CONDITIONAL: Final = (
    "A conditional run: the curves are of the ELBO of log p(x|y), and each example is encoded and decoded "
    "with its own y; the decoded grid has one y for all z. **Latent space** shows the model given each y."
)
GRID_HELP: Final = "The y of the decoded grid, as this browser shows it; the training has no part in it."
_GRID_Y: Final = "grid_y"


def _drawn_as(view: JobView) -> tuple[object, ...]:
    """What buttons, ticking and link depend on: with another one the whole page is drawn again, once."""
    return view.status, state.kept_runs(), steering.halves_rate(view)


def _live(run_id: str, drawn_as: tuple[object, ...], steer: Callable[[JobView], None]) -> None:
    view = runner().view(run_id)
    if view is None or state.current_run() != run_id or _drawn_as(view) != drawn_as:
        st.rerun()
    steer(view)
    _status_line(view)
    version = runner().store.snapshot_version(run_id)
    y = _grid_y(view)
    payload = None if version is None else cached.board(run_id, version, y)
    if version is None or payload is None:
        _draw_without_picture(view)
        return
    owner = "you" if view.is_owned_by(browser.token()) else "other"
    at = look.current(view)
    past = None if at is None else cached.board_at(run_id, version, at.step, at.written, y)
    if at is not None and past is not None:
        _draw_board(past, beta=None, owner=owner, in_view=view, looked=at.step)
        _choose_grid_y(view)
        return
    _draw_board(payload, beta=view.beta if view.is_active else None, owner=owner, in_view=view)
    flow = cached.flow(run_id, version)
    if flow is not None:
        training_flow(flow, key="flow")
    _choose_grid_y(view)
    if has_many_held_out(view.config.dataset):
        st.caption(OF_CURVES)


def _grid_y(view: JobView) -> float | None:
    """The y that this browser chose for the grid of a conditional run; None: that of the snapshot."""
    chosen = state.control(_GRID_Y)
    choice = None if chosen is None else cached.choice_of_y(view)
    found = None if choice is None else choice.near(chosen)
    return None if choice is None or found == choice.near(None) else found


def _choose_grid_y(view: JobView) -> None:
    """Of a conditional run what its board shows, and the y of the grid, each browser for itself."""
    if view.config.condition == "none":
        return
    choice = cached.choice_of_y(view)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if choice is not None:
            now = choice.near(state.control(_GRID_Y))
            condition.draw(*choice, _GRID_Y, now, label="Decoded grid given y", help_text=GRID_HELP)
        st.caption(OF_CONDITIONAL)


def _draw_without_picture(view: JobView) -> None:
    """Beside a run that has no picture yet: the curves that were kept, or else the example model."""
    has_kept = bool(ghosts.kept(view))
    if view.status != "running":  # while it runs its first picture is on the way
        st.caption(NOT_YET_KEPT if has_kept else NOT_YET)
    if has_kept:
        _draw_board(cached.example_board(), beta=None, owner="", in_view=view, kept_alone=True)
    else:
        _draw_example()


def _draw_example() -> None:
    _draw_board(cached.example_board(), beta=None, owner="", in_view=None)


def _draw_board(
    payload: bytes,
    *,
    beta: float | None,
    owner: str,
    in_view: JobView | None,
    looked: int | None = None,
    kept_alone: bool = False,
) -> None:
    kept, present = ghosts.kept(in_view), state.is_presenting()
    parent = None if in_view is None else cached.parent_of(in_view.run_id)
    fork = None if parent is None else parent[1]
    message = addressed(
        payload,
        beta=beta,
        owner=owner,
        present=present,
        ghosts=kept,
        looked=looked,
        fork=fork,
        colour=b"null" if kept_alone else colour.told(in_view),
        kept_alone=kept_alone,
    )
    training_board(message, key=_BOARD, on_drop=_drop)


def _drop() -> None:
    """Drops the curve that the board names; it comes from the browser and may be anything."""
    run_id = getattr(state.control(_BOARD), "drop", None)
    if isinstance(run_id, str):
        state.drop_run(run_id)


def _await_first_point(run_id: str) -> None:
    for _ in range(4):
        view = runner().view(run_id)
        if view is None or view.step > 0 or view.status != "running":
            return
        runner().wait(run_id, FIRST_POINT_S / 4)


def _run_line() -> DeltaGenerator:
    return st.container(key="run_line", gap=None)


def _status_line(view: JobView) -> None:
    # A bar without an end would promise one.
    with _run_line():
        st.markdown(status_text(view))
        if view.num_steps and view.is_active:
            st.progress(min(1.0, view.step / view.num_steps))
        # A lecturer who presents has β, play and step; who came to an earlier step has the way back, too.
        if not state.is_presenting() or look.current(view) is not None:
            look_back.draw(view)


def status_text(view: JobView) -> str:
    """One line on how the run stands: words first, numbers after."""
    whose = "" if view.is_owned_by(browser.token()) else ", started by someone else"
    return f"{plain(view.name)}{whose} · {_standing(view)}"


def _standing(view: JobView) -> str:
    live = f"β {view.beta:.12g} · η {view.learning_rate:.12g}"
    of = "" if view.num_epochs is None else f" of {view.num_epochs:,}"
    done = f"step {view.step:,} · epoch {view.epoch:,}{of}"
    if view.status == "queued":
        before = view.queue_position - 1
        place = f"{before} before it" if before > 0 else "next"
        if view.step > 0:
            why = plain(view.message) or f"Trainings take {_TURNS}."
            return f"**Waiting** at {done} · {live} · {place} in the queue. {why}"
        why = plain(view.message) or (
            f"It starts by itself: trainings take {_TURNS} where others wait. Meanwhile **Latent space** and "
            "**ELBO** show the example model."
        )
        return f"**Waiting**: {place} in the queue. {why}"
    if view.status == "paused":
        note = f" {plain(view.message)}" if view.message else ""
        mine = view.is_owned_by(browser.token())
        what = "**Resume** goes on, **Step** makes one update." if mine else FOR_OTHERS
        return f"**Paused** at {done} · {live}.{note} {what}"
    if view.status == "running":
        note = f" · {plain(view.message)}" if view.message else ""
        if view.wanted_by:
            note += f" · {_WAITING[view.wanted_by]}"
        return f"**Training** · {done} · {view.steps_per_second:,.0f} steps/s{_eta(view)} · {live}{note}"
    mine = view.is_owned_by(browser.token())
    afterword = HALVED if steering.halves_rate(view) else AFTERWORD.get(view.status, "")
    return f"**{plain(view.message_for(browser.token()))}** {afterword if mine else FOR_OTHERS}"


def _eta(view: JobView) -> str:
    if view.num_steps is None:
        return ""
    if view.eta_s is None:
        return " · time left: measuring"
    minutes, seconds = divmod(round(view.eta_s), 60)
    return f" · {minutes} min {seconds:02d} s left" if minutes else f" · {seconds} s left"
