"""What steers a run on the Train page: its buttons, its keys, and the dials that act while it trains.

Only the browser that started a run steers it. For everyone else the buttons and dials are disabled and say
so; the runner refuses what is sent all the same.
"""

import math
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.keys.element import keys as listen_to_keys
from dashboard.formats import plain
from dashboard.runs.job import Changes, JobView
from dashboard.runs.runner import runner
from dashboard.shell import browser, controls, state
from dashboard.train import look
from vae_core.config import RunConfig
from vae_core.errors import BadInput

_BUTTON_HELP: Final = {
    "train_start": "Starts a new run with the settings in the sidebar; your run is stopped if it is still "
    "training. Its curves stay beside the new ones if you pressed **Keep** before. Keys: Ctrl+Enter.",
    "train_pause": "Holds the training between two steps, or lets it go on from there. "
    "Keys: Space, and Ctrl+Enter to go on.",
    "train_step": "Makes one update (one mini-batch), then waits. Key: →.",
    "train_epoch": "Trains to the end of this pass over the data, then waits.",
    "train_stop": "Ends the run; what it has learned is kept, and **Resume** goes on from there.",
    "train_reset": "The same run again from its first step: the same settings, the same initial weights.",
    "train_keep": "Keep this curve: it stays on the charts beside those of your next runs, named by what "
    "differs. Press again to remove it.",
    "train_copy": "A run of your own, paused, that goes on from this state: weights, optimiser and history.",
    "train_fork": "A run of your own that goes on from the step on the board, with the β and η of the dials. "
    "The curves of this run stay beside it. It goes on at once; where this run is paused, it waits, too. "
    "Your run is stopped if it is still training.",
    "train_before": "Shows the run that this one replaced, as it was. This one is stopped, and can "
    "be shown again in the same way.",
    "present_button": "For a projector: large type, β, Pause, Step and Share alone. Escape ends it.",
}
NOT_YOURS: Final = "This run belongs to another browser: take a copy to go on from it."
_FROZEN: Final = "Someone else's run: take a copy to change it."
FORK_SEED_HELP: Final = (
    "Empty: the fork has the random numbers of this run, so that with the same β and η it is this run "
    "again, bit for bit. A seed changes what is random from that step on: the noise ε, and the order of "
    "the examples in the rest of the epoch and in later ones. The weights at that step, the data and the "
    "held-out examples stay."
)
_FORK_SEED: Final = "fork_seed"
_BEFORE: Final = "run_before"
_ASKED: Final = "asked_of_runs"
_PATIENCE_S: Final = 10.0
"""How long a value that was sent is shown although the run has not said that it holds."""
_MADE: Final = "run_made"
DOUBLE_PRESS_S: Final = 0.6
"""So soon after a press made a run and its buttons were drawn, another of the same button is the second of a
double press."""


class _Asked(NamedTuple):
    """A value that was sent to a run, or waits until it goes on."""

    run_id: str
    value: float
    when: float


class _Made(NamedTuple):
    """The run that the last press here made, its action, and when it was, or its buttons were first drawn."""

    run_id: str
    by: Callable[[], None]
    when: float
    is_drawn: bool


def run_in_view() -> JobView | None:
    """The run in view as it stands; an id without a run is said once and forgotten."""
    run_id = state.current_run()
    if run_id is None:
        return None
    view = runner().view(run_id)
    if view is None:
        state.forget_run()
        state.say_next(f"{plain(runner().store.why_closed(run_id))} Press **Start** for a new one.")
    return view


def buttons(view: JobView | None) -> None:
    """Start, pause or resume, step, epoch, stop, reset, keep, copy; what only the owner may is disabled."""
    mine = view is None or view.is_owned_by(browser.token())
    why = None if mine else NOT_YOURS
    active = view is not None and view.is_active
    can_step = view is None or _can_step(view)
    with st.container(horizontal=True, gap="xsmall"):
        _button("Start", "train_start", _once(view, _start), icon="play_arrow", type="primary")
        _pause_button(view, why)
        step, epoch = (lambda: _step("step")), (lambda: _step("epoch"))
        _button("Step", "train_step", step, icon="skip_next", disabled=not can_step, why_not=why)
        _button("Epoch", "train_epoch", epoch, icon="fast_forward", disabled=not can_step, why_not=why)
        _button("Stop", "train_stop", lambda: _send("stop"), icon="stop", disabled=not active, why_not=why)
        _button(
            "Reset",
            "train_reset",
            _once(view, _reset),
            icon="restart_alt",
            disabled=view is None,
            why_not=why,
        )
        if not mine:
            _button("Take a copy", "train_copy", _once(view, _take_copy), icon="content_copy")
        _keep_button(view)
        if view is not None and state.control(_BEFORE) is not None:
            _button("Run before", "train_before", _show_before, icon="undo")
        _present_button("Present", "present_to_all")


def presenter_buttons(view: JobView | None) -> None:
    """What a projector shows of the buttons that steer: start or pause, one step, and the way out."""
    why = None if view is None or view.is_owned_by(browser.token()) else NOT_YOURS
    # Its key is what the style of the page goes by.
    with st.container(horizontal=True, gap="xsmall", key="presenter"):
        if view is None:
            _button("Start", "train_start", _once(view, _start), icon="play_arrow", type="primary")
        else:
            _pause_button(view, why)
        can_step = view is None or _can_step(view)
        _button(
            "Step",
            "train_step",
            lambda: _step("step"),
            icon="skip_next",
            disabled=not can_step,
            why_not=why,
        )
        _present_button("Leave", "close_fullscreen")


def keys(view: JobView | None) -> None:
    """What the page listens to: Ctrl+Enter, Space, →; for a projector Escape, too."""
    resumes = view is not None and view.is_resumable and view.is_owned_by(browser.token())
    runs = view is not None and view.status in ("running", "queued") and view.is_owned_by(browser.token())
    pressed = {" ": "train_pause", "ArrowRight": "train_step"}
    if not runs:
        pressed["Ctrl+Enter"] = "train_pause" if resumes else "train_start"
    if state.is_presenting():
        pressed["Escape"] = "present"
    listen_to_keys(pressed, key="train_keys")


def dials(view: JobView | None, *, beta: DeltaGenerator, learning_rate: DeltaGenerator | None) -> None:
    """β and the learning rate, in their places on the page; call it in a fragment.

    Arguments:
        view: The run that they act on; None: the next one.
        beta: Where β stands.
        learning_rate: Where the learning rate stands; None: nowhere.
    """
    at = look.current(view)
    if view is not None and at is not None:
        look.open_from_link(view, at)
    elif view is not None:
        _follow(view)
    frozen = "" if at is not None else _frozen(view)
    with beta:
        controls.beta_dial(lambda: _ask("beta"), frozen=frozen, note=_note("beta", view))
    if learning_rate is not None:
        with learning_rate:
            note = _note("learning_rate", view)
            controls.learning_rate_dial(lambda: _ask("learning_rate"), frozen=frozen, note=note)


def fork_buttons(view: JobView) -> None:
    """Fork here, and the seed of its draws; call it in a fragment."""
    _button("Fork here", "train_fork", _once(view, _fork), icon="call_split")
    seed = state.control(_FORK_SEED)
    label = "Seed" if seed is None else f"Seed {seed}"
    if state.is_presenting():
        return
    with st.container(key="fork_draws", width="content"), st.popover(label, icon=":material/casino:"):
        st.number_input(
            "Seed of the fork",
            min_value=0,
            max_value=2**31 - 1,
            value=None,
            step=1,
            format="%d",
            placeholder="as in this run",
            key=_FORK_SEED,
            persist_state="session",
        )
        st.caption(FORK_SEED_HELP)


def speed(view: JobView | None) -> None:
    """The speed limit; it acts on the run at once, where it is this browser's."""
    controls.speed(_speed_changed, frozen=_frozen(view))


def _frozen(view: JobView | None) -> str:
    """Why what acts on the run cannot be moved; empty where it can."""
    return "" if view is None or view.is_owned_by(browser.token()) else _FROZEN


def _speed_changed() -> None:
    if _owned_run() is not None:
        _send("set", speed=controls.live_speed())


def halves_rate(view: JobView) -> bool:
    """Whether the run goes on with half its η: it has diverged, and no other η was set here since then."""
    asked = _asked("learning_rate", view.run_id)
    return view.status == "diverged" and (asked is None or asked.value == view.learning_rate)


def _can_step(view: JobView) -> bool:
    # One that waits for its turn makes its step at once.
    return view.is_resumable or view.is_under_way


def _pause_button(view: JobView | None, why: str | None) -> None:
    if view is None or not view.is_resumable:
        running = view is not None and view.status in ("running", "queued")
        pause = lambda: _send("pause")  # noqa: E731
        _button("Pause", "train_pause", pause, icon="pause", disabled=not running, why_not=why)
    else:
        label = "Resume, η halved" if halves_rate(view) else "Resume"
        _button(label, "train_pause", _resume, icon="resume", why_not=why)


def _present_button(label: str, icon: str) -> None:
    # ``present`` is the link's: a widget may not have its key in the session.
    with st.container(key="present", width="content"):
        _button(label, "present_button", _present, icon=icon)


def _keep_button(view: JobView | None) -> None:
    kept = view is not None and view.run_id in state.kept_runs()
    label, icon = ("Kept", "bookmark_added") if kept else ("Keep", "bookmark_add")
    # Also before the first step: the buttons are not drawn again when it comes.
    _button(label, "train_keep", _keep, icon=icon, disabled=view is None)


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


def _once(view: JobView | None, act: Callable[[], None]) -> Callable[[], None]:
    """What a press does that puts a new run in the place of the one in view: of two presses it is the first.

    A second press that is handled before the buttons are drawn anew is meant for the run that was in view.
    One that is handled later, while the browser still shows the old page, is known by its haste. Either
    would fork the fork. Another button is never meant by a double press.
    """
    meant = None if view is None else view.run_id
    made = state.control(_MADE)
    if isinstance(made, _Made) and made.run_id == meant and not made.is_drawn:
        state.set_control(_MADE, made._replace(when=time.monotonic(), is_drawn=True))

    def press() -> None:
        made = state.control(_MADE)
        age = time.monotonic() - made.when if isinstance(made, _Made) and made.by is act else math.inf
        if state.current_run() != meant or age < DOUBLE_PRESS_S:
            return
        act()
        now = state.current_run()
        if now is not None and now != meant:
            state.set_control(_MADE, _Made(now, act, time.monotonic(), is_drawn=False))

    return press


def _present() -> None:
    state.present(not state.is_presenting())


def _keep() -> None:
    run_id = state.current_run()
    if run_id in state.kept_runs():
        state.drop_run(run_id)
    elif run_id is not None:
        state.keep_run(run_id)


def _start() -> None:
    _submit(hold=False)


def _submit(*, hold: bool) -> str | None:
    try:
        config = controls.read_config(hold=hold)
        run_id = _replace_run(config)
    except BadInput as err:
        state.say_next(plain(str(err)))
        return None
    if controls.live_speed() is not None:
        runner().send(run_id, "set", owner=browser.token(), speed=controls.live_speed())
    return run_id


def _replace_run(
    config: RunConfig,
    *,
    copy_of: str | None = None,
    at_step: int | None = None,
    changes: Changes | None = None,
) -> str:
    """Puts a new run in the place of the one in view, which is stopped if it is this browser's.

    Raises:
        BadInput: The new one is refused; then the one in view goes on.
    """
    before = _owned_run()
    left = None if before is None else before.run_id
    token = browser.token()
    run_id = runner().submit(
        config, owner=token, copy_of=copy_of, at_step=at_step, changes=changes, instead_of=left
    )
    state.show_run(run_id)
    state.set_control(_BEFORE, _to_come_back(before))
    return run_id


def _to_come_back(left: JobView | None) -> str | None:
    """The id of a run that was left, where one would want it back."""
    if left is None or left.step == 0 or left.run_id in state.kept_runs():
        return None
    return left.run_id


def _fork() -> None:
    view = run_in_view()
    if view is None:
        return
    at = look.current(view)
    began = at or view
    moved = {name: controls.value(name) for name in look.LIVE}
    moved = {name: value for name, value in moved.items() if value != getattr(began, name)}
    seed = state.control(_FORK_SEED)
    changes = Changes(**moved, seed=seed if isinstance(seed, int) else None)
    token = browser.token()
    try:
        step = None if at is None else at.step
        run_id = _replace_run(view.config, copy_of=view.run_id, at_step=step, changes=changes)
        state.keep_run(view.run_id)
        state.set_control(_FORK_SEED, None)
        if controls.live_speed() is not None:
            runner().send(run_id, "set", owner=token, speed=controls.live_speed())
        if view.status != "paused":
            runner().send(run_id, "resume", owner=token)
    except BadInput as err:
        state.say_next(plain(str(err)))


def _show_before() -> None:
    before, left = state.control(_BEFORE), _owned_run()
    if not isinstance(before, str):
        return
    if left is not None and left.is_active:
        runner().send(left.run_id, "stop", owner=browser.token())
    state.show_run(before)
    state.set_control(_BEFORE, _to_come_back(left))
    view = run_in_view()
    if view is not None:
        controls.show_config(view.config)


def _step(unit: str) -> None:
    run_id = state.current_run() or _submit(hold=True)
    if run_id is None:
        return
    view = runner().view(run_id)
    if view is not None:
        _look_at_now(view)
        _set_what_dials_show(view)
    _send("step", unit=unit)


def _resume() -> None:
    view = run_in_view()
    if view is not None:
        _look_at_now(view)
        _set_what_dials_show(view)
        _send("resume")


def _look_at_now(view: JobView) -> None:
    """Shows the run where it stands: what the dials say of a fork does not apply to it."""
    if look.current(view) is not None:
        look.move_to(view, None)


def _set_what_dials_show(view: JobView) -> None:
    """A run that had ended goes on with what its dials show, one that had diverged with half its η."""
    if view.is_active:
        return
    if halves_rate(view):
        state.set_control("learning_rate", view.learning_rate / 2)
        _note_asked("learning_rate", view.run_id)
    values = {"learning_rate": controls.value("learning_rate"), "speed": controls.live_speed()}
    if view.config.train.beta_schedule == "constant" or _asked("beta", view.run_id) is not None:
        values["beta"] = controls.value("beta")
    _send("set", **values)


def _reset() -> None:
    view = run_in_view()
    if view is None:
        return
    try:
        _replace_run(view.config.held())
    except BadInput as err:
        state.say_next(plain(str(err)))
        return
    # The dials that were moved during the run go back to what the run begins with.
    state.set_control("beta", view.config.train.beta)
    state.set_control("learning_rate", view.config.train.learning_rate)


def _take_copy() -> None:
    view = run_in_view()
    if view is None:
        return
    try:
        _replace_run(view.config, copy_of=view.run_id)
    except BadInput as err:
        state.say_next(plain(str(err)))


def _ask(name: str) -> None:
    """Gives the value of a dial to this browser's run that is in view; one that has ended gets it later."""
    view = _owned_run()
    if view is None or look.current(view) is not None:
        return
    _note_asked(name, view.run_id)
    if view.is_active:
        # No waiting for an answer: the hand may be moving still, and the next redraw says what holds.
        runner().send(view.run_id, "set", owner=browser.token(), **{name: controls.value(name)})


def _note_asked(name: str, run_id: str) -> None:
    asked = _Asked(run_id, controls.value(name), time.monotonic())
    state.set_control(_ASKED, {**_all_asked(), name: asked})


def _asked(name: str, run_id: str) -> _Asked | None:
    asked = _all_asked().get(name)
    return asked if asked is not None and asked.run_id == run_id else None


def _all_asked() -> dict[str, _Asked]:
    found = state.control(_ASKED)
    return found if isinstance(found, dict) else {}


def _follow(view: JobView) -> None:
    """Has the dials show what holds in the run, which another tab may have changed.

    What was asked here and is on its way is not taken back meanwhile. Of a run that has ended, a value that
    a link gives stays: it is one for when it goes on, and for the next Start.
    """
    train = view.config.train
    for name, began, holds in (
        ("beta", train.beta, view.beta),
        ("learning_rate", train.learning_rate, view.learning_rate),
    ):
        if name == "beta" and train.beta_schedule != "constant":
            continue  # it moves by itself
        goes = view.status in ("running", "paused")
        asked = _asked(name, view.run_id)
        if asked is not None and asked.value != holds:
            if not goes:
                _note_asked(name, view.run_id)
            if not goes or time.monotonic() - asked.when < _PATIENCE_S:
                continue
        shown = controls.value(name)
        if shown != holds and (goes or (asked is None and shown == began)):
            state.set_control(name, holds)


def _note(name: str, view: JobView | None) -> str:
    """What to say where a dial shows another value than the run in view has."""
    at = look.current(view)
    holds = None if view is None else getattr(at or view, name)
    if view is None or holds == controls.value(name):
        return ""
    if at is not None:
        return f"For a fork from step {at.step:,} (Fork here); this run itself keeps its own."
    scheduled = name == "beta" and view.config.train.beta_schedule != "constant"
    if scheduled and _asked(name, view.run_id) is None:
        return f"The schedule holds β at {holds:.3g} now; moving the dial takes over."
    return "" if view.is_active else "Kept for when the run goes on (Resume), and for the next Start."


def _owned_run() -> JobView | None:
    view = None if (run_id := state.current_run()) is None else runner().view(run_id)
    return view if view is not None and view.is_owned_by(browser.token()) else None


def _send(command: str, **values: object) -> None:
    run_id = state.current_run()
    if run_id is None:
        return
    view = runner().view(run_id)
    try:
        runner().send(run_id, command, owner=browser.token(), **values)
    except BadInput as err:
        state.say_next(plain(str(err)))
        return
    runner().wait(run_id, 0.3, beyond=None if view is None else view.news)
