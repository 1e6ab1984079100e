"""What steers a run on the Train page: its buttons, and the controls that act while it trains."""

from collections.abc import Callable
from typing import Any, Final

import streamlit as st

from dashboard.runs.runner import JobView, runner
from dashboard.shell import browser, controls, state
from dashboard.shell.choice import stressed
from dashboard.shell.links import LEARNING_RATES
from vae_core.config import RunConfig
from vae_core.errors import BadInput

_BUTTON_HELP: Final = {
    "train_start": "Starts a new run with the settings in the sidebar; your run is stopped if it still goes.",
    "train_pause": "Holds the training between two steps; Resume goes on from there.",
    "train_step": "Makes one update (one mini-batch), then waits.",
    "train_epoch": "Trains to the end of this pass over the data, then waits.",
    "train_stop": "Ends the run; what it has learned is kept.",
    "train_reset": "The same run again from its first step: the same settings, the same initial weights.",
    "train_copy": "A run of your own, paused, that goes on from this state: weights, optimiser and history.",
}
NOT_YOURS: Final = "This run belongs to another browser: take a copy to go on from it."


def run_in_view() -> JobView | None:
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
    """Start, pause or resume, one step, one epoch, stop, reset, copy; what only the owner may is disabled."""
    mine = view is None or view.is_owned_by(browser.token())
    why = None if mine else NOT_YOURS
    active = view is not None and view.is_active
    running = active and view is not None and view.status in ("running", "queued")
    can_resume = view is not None and view.is_resumable
    can_step = view is None or view.status in ("running", "paused")
    with st.container(horizontal=True, gap="xsmall"):
        start, kind = stressed("Start")
        _button(start, "train_start", _start, icon="play_arrow", type=kind)
        if can_resume:
            _button("Resume", "train_pause", lambda: _send("resume"), icon="resume", why_not=why)
        else:
            _button(
                "Pause",
                "train_pause",
                lambda: _send("pause"),
                icon="pause",
                disabled=not running,
                why_not=why,
            )
        step, epoch = (lambda: _step("step")), (lambda: _step("epoch"))
        _button("Step", "train_step", step, icon="skip_next", disabled=not can_step, why_not=why)
        _button("Epoch", "train_epoch", epoch, icon="fast_forward", disabled=not can_step, why_not=why)
        _button("Stop", "train_stop", lambda: _send("stop"), icon="stop", disabled=not active, why_not=why)
        _button("Reset", "train_reset", _reset, icon="restart_alt", disabled=view is None, why_not=why)
        if not mine:
            _button("Take a copy", "train_copy", _take_copy, icon="content_copy")


def beta_changed() -> None:
    """Gives β to the running training, if there is one of this browser."""
    _send_if_owned("set", beta=controls.value("beta"))


def learning_rate_changed() -> None:
    """Gives the learning rate to the running training, if there is one of this browser."""
    _send_if_owned("set", learning_rate=controls.value("learning_rate"))


def speed_changed() -> None:
    """Gives the speed limit to the running training, if there is one of this browser."""
    _send_if_owned("set", speed=controls.live_speed())


def _button(
    label: str,
    key: str,
    on_click: Callable[[], None],
    *,
    icon: str,
    disabled: bool = False,
    why_not: str | None = None,
    **options: Any,
) -> None:
    st.button(
        label,
        key=key,
        on_click=on_click,
        icon=f":material/{icon}:",
        help=why_not or _BUTTON_HELP[key],
        disabled=disabled or why_not is not None,
        **options,
    )


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
        runner().send(run_id, "set", owner=browser.token(), speed=controls.live_speed())
    return run_id


def _replace_run(config: RunConfig, *, copy_of: str | None = None) -> str:
    before = None if (run_id := state.current_run()) is None else runner().view(run_id)
    if before is not None and before.is_active and before.is_owned_by(browser.token()):
        runner().send(before.run_id, "stop", owner=browser.token())
    run_id = runner().submit(config, owner=browser.token(), copy_of=copy_of)
    state.show_run(run_id)
    return run_id


def _step(unit: str) -> None:
    run_id = state.current_run() or _submit(hold=True)
    if run_id is not None:
        _send("step", unit=unit)


def _reset() -> None:
    view = run_in_view()
    if view is None:
        return
    try:
        _replace_run(view.config.held())
    except BadInput as err:
        state.say_next(str(err))
        return
    # The controls that were moved during the run go back to what the run begins with.
    train = view.config.train
    state.set_control("beta", train.beta)
    if train.learning_rate in LEARNING_RATES:
        state.set_control("learning_rate", train.learning_rate)


def _take_copy() -> None:
    view = run_in_view()
    if view is None:
        return
    try:
        _replace_run(view.config, copy_of=view.run_id)
    except BadInput as err:
        state.say_next(str(err))


def _send_if_owned(command: str, **values: object) -> None:
    view = None if (run_id := state.current_run()) is None else runner().view(run_id)
    if view is not None and view.is_owned_by(browser.token()):
        _send(command, **values)


def _send(command: str, **values: object) -> None:
    run_id = state.current_run()
    if run_id is None:
        return
    try:
        runner().send(run_id, command, owner=browser.token(), **values)
    except BadInput as err:
        state.say_next(str(err))
        return
    runner().wait(run_id, 0.3)
