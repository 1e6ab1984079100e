"""What the Train page does: its buttons, the line that says how the run stands, the live board."""

from collections.abc import Callable
from typing import Any, Final

import streamlit as st

from dashboard.components.board.element import training_board
from dashboard.components.flow.element import training_flow
from dashboard.runs.job import JobView
from dashboard.runs.runner import runner
from dashboard.shell import controls, state
from dashboard.shell.choice import stressed
from dashboard.train import cached as cache_flow
from vae_core.config import RunConfig
from vae_core.errors import BadInput

TICK_S: Final = 0.5
WATCH_TICK_S: Final = 1.0
"""Of who watches a run of somebody else, or waits in the queue: thirty of them cost half as much."""
FIRST_POINT_S: Final = 0.4
"""How long Start may hold the page back so that the first picture has points already."""

AFTERWORD: Final = {
    "finished": "Walk through it on **Latent space**, or change a setting and press **Start**.",
    "stopped": "**Resume** goes on from here; **Start** begins a new run.",
    "stopped_early": "The last weights are kept: look at them on **Latent space** and **ELBO**.",
    "interrupted": "**Resume** goes on from the last save.",
    "crashed": "",
    "diverged": "Choose a smaller learning rate on the left and press **Start**.",
    "failed": "Change that setting on the left and press **Start**.",
}


def current_view() -> JobView | None:
    """The run in view as it stands; an id without a run is said once and forgotten."""
    run_id = state.current_run()
    if run_id is None:
        return None
    view = runner().view(run_id)
    if view is None:
        state.forget_run()
        state.say_next("The run that this link names no longer exists. Press **Start** for a new one.")
    return view


def buttons(view: JobView | None) -> None:
    """Start, pause or resume, one step, one epoch, stop, reset."""
    active = view is not None and view.is_active
    running = active and view is not None and view.status in ("running", "queued")
    can_resume = view is not None and view.is_resumable
    can_step = view is None or view.status in ("running", "paused")
    with st.container(horizontal=True, gap="xsmall"):
        start, kind = stressed("Start")
        _button(start, "train_start", _start, icon="play_arrow", type=kind)
        if can_resume:
            _button("Resume", "train_pause", lambda: _send("resume"), icon="resume")
        else:
            _button("Pause", "train_pause", lambda: _send("pause"), icon="pause", disabled=not running)
        _button("Step", "train_step", lambda: _step("step"), icon="skip_next", disabled=not can_step)
        _button("Epoch", "train_epoch", lambda: _step("epoch"), icon="fast_forward", disabled=not can_step)
        _button("Stop", "train_stop", lambda: _send("stop"), icon="stop", disabled=not active)
        _button("Reset", "train_reset", _reset, icon="restart_alt", disabled=view is None)


def beta_changed() -> None:
    """Gives β to the running training, if there is one."""
    _send("set", beta=controls.value("beta"))


def learning_rate_changed() -> None:
    """Gives the learning rate to the running training, if there is one."""
    _send("set", learning_rate=controls.value("learning_rate"))


def speed_changed() -> None:
    """Gives the speed limit to the running training, if there is one."""
    _send("set", speed=controls.live_speed())


def watch(view: JobView) -> None:
    """Progress and board of a run, redrawn by themselves while the run is active."""
    if view.status == "running" and view.step == 0:
        _await_first_point(view.run_id)
    own = state.started_here(view.run_id) and view.status != "queued"
    every = (TICK_S if own else WATCH_TICK_S) if view.is_active else None
    st.fragment(_live, run_every=every)(view.run_id, _drawn_as(view))


def _live(run_id: str, drawn_as: str) -> None:
    view = runner().view(run_id)
    if view is None or _drawn_as(view) != drawn_as:
        # Buttons and ticking depend on the state of the run: the whole page is drawn again, once.
        st.rerun()
    _status_line(view)
    version = runner().store.snapshot_version(run_id)
    payload = None if version is None else cache_flow.board(run_id, version)
    if version is None or payload is None:
        return
    training_board(payload, key="board")
    flow = cache_flow.flow(run_id, version)
    if flow is not None:
        training_flow(flow, key="flow")


def _drawn_as(view: JobView) -> str:
    return view.status


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
    if view.status == "queued":
        return (
            f"**Waiting**: number {view.queue_position} in the queue. It starts by itself when a core is "
            "free; meanwhile **Latent space** and **ELBO** show what a trained model looks like."
        )
    live = f"β {view.beta:g} · η {view.learning_rate:g}"
    done = f"step {view.step:,} · epoch {view.epoch:,} of {view.num_epochs:,}"
    if view.status == "paused":
        return f"**Paused** at {done} · {live}. **Resume** goes on, **Step** makes one update."
    if view.status == "running":
        note = f" · {view.message}" if view.message else ""
        return f"**Training** · {done} · {view.steps_per_second:,.0f} steps/s · {_eta(view)} · {live}{note}"
    return f"**{view.message}** {AFTERWORD.get(view.status, '')}"


def _eta(view: JobView) -> str:
    if view.eta_s is None:
        return "time left: measuring"
    minutes, seconds = divmod(round(view.eta_s), 60)
    return f"{minutes} min {seconds:02d} s left" if minutes else f"{seconds} s left"


def _button(label: str, key: str, on_click: Callable[[], None], *, icon: str, **options: Any) -> None:
    st.button(label, key=key, on_click=on_click, icon=f":material/{icon}:", help=_BUTTON_HELP[key], **options)


_BUTTON_HELP: Final = {
    "train_start": "Starts a new run with the settings on the left; your run that is still going is stopped.",
    "train_pause": "Holds the training between two steps; Resume goes on from there.",
    "train_step": "Makes one update (one mini-batch), then waits.",
    "train_epoch": "Trains to the end of this pass over the data, then waits.",
    "train_stop": "Ends the run; what it has learnt is kept.",
    "train_reset": "The same run again from its first step: the same settings, the same initial weights.",
}


def _start() -> None:
    _submit(hold=False)


def _submit(*, hold: bool) -> str | None:
    try:
        config = controls.read_config(hold=hold)
        run_id = _replace_run(config)
    except BadInput as err:
        state.say_next(str(err))
        return None
    if controls.live_speed() is not None:
        runner().send(run_id, "set", speed=controls.live_speed())
    return run_id


def _replace_run(config: RunConfig) -> str:
    before = state.current_run()
    if before is not None and state.started_here(before):
        runner().send(before, "stop")
    run_id = runner().submit(config)
    state.show_run(run_id)
    return run_id


def _step(unit: str) -> None:
    run_id = state.current_run() or _submit(hold=True)
    if run_id is not None:
        runner().send(run_id, "step", unit=unit)


def _reset() -> None:
    view = current_view()
    if view is None:
        return
    try:
        _replace_run(view.config.held())
    except BadInput as err:
        state.say_next(str(err))
        return
    # What was moved while the run went on stands again where the run begins.
    train = view.config.train
    state.set_control("beta", train.beta)
    if train.learning_rate in state.LEARNING_RATES:
        state.set_control("learning_rate", train.learning_rate)


def _send(command: str, **values: object) -> None:
    run_id = state.current_run()
    if run_id is not None:
        runner().send(run_id, command, **values)
        runner().wait(run_id, 0.3)
