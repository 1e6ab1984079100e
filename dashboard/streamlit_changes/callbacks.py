"""What is pressed is done, whole, and one press after the other.

For a newer run of the script Streamlit starts another thread, and ends the older one where it next touches
the session or the page. Both may be in a callback then: a second press saw the session as it had been before
the first, so that two presses of Start began two trainings, one of which nobody saw. Callbacks of a session
go on to their end here, and the next wait for that.

An older run that had not come to its callbacks took with it what was pressed: a button pressed right before
another did nothing, and a dialogue that was closed opened again. The newer run does it first here. And of
two presses of one button that wait for the same run, Streamlit keeps the last; both are done here.

What of Streamlit is not public is how a run gives way and what it was asked for, as of Streamlit 1.67.
"""

import functools
import threading
from collections.abc import Callable
from typing import Any, Final

from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.scriptrunner import script_runner
from streamlit.runtime.scriptrunner_utils import script_requests
from streamlit.runtime.scriptrunner_utils.script_requests import (
    RerunData,
    ScriptRequest,
    ScriptRequests,
    ScriptRequestType,
)
from streamlit.runtime.state import SessionState
from streamlit.runtime.state.safe_session_state import SafeSessionState

_NAME: Final = "on_script_will_rerun"
_IS_RUNNING: Final = "_execing"
"""Only then a script runner gives way."""
_REPLAYED: Final = "replay_trigger_states"
"""Presses that the script is to see, whose callbacks have run."""
_SHARED: Final = "shared_by_runs"
"""Under which key a session has it."""
_making: Final = threading.Lock()


def keep_whole() -> None:
    """Has every callback run, to its end, one after the other; a second call changes nothing."""
    run_callbacks = getattr(SafeSessionState, _NAME)
    if not hasattr(run_callbacks, "__wrapped__"):
        setattr(SafeSessionState, _NAME, _whole(run_callbacks))
    make: Any = script_runner.ScriptRunner.__init__
    if not hasattr(make, "__wrapped__"):
        setattr(script_runner, ScriptRequests.__name__, Requests)
        setattr(script_runner.ScriptRunner, make.__name__, _inheriting(make))


class Requests(ScriptRequests):
    """What a script runner is asked for, with each press by itself until its callbacks begin."""

    def __init__(self) -> None:
        super().__init__()
        self._lock: Any = threading.RLock()  # no press may come between a request and what is taken with it
        self._waiting: list[WidgetStates] = []
        self._taken: list[WidgetStates] = []
        self._is_left = False

    def _request_rerun_locked(self, new_data: RerunData) -> bool:
        is_accepted = super()._request_rerun_locked(new_data)
        if is_accepted and new_data.widget_states is not None and has_press(new_data.widget_states):
            self._waiting.append(new_data.widget_states)
        return is_accepted

    def on_scriptrunner_yield(self) -> ScriptRequest | None:
        """The request for which the present run gives way, if there is one."""
        with self._lock:
            request = super().on_scriptrunner_yield()
            self._take(request)
            return request

    def on_scriptrunner_ready(self) -> ScriptRequest:
        """The request that comes next."""
        with self._lock:
            request = super().on_scriptrunner_ready()
            self._take(request)
            return request

    def _take(self, request: ScriptRequest | None) -> None:
        if request is not None and request.type is ScriptRequestType.RERUN:
            self._taken += self._waiting
            self._waiting = []

    def leave(self) -> list[WidgetStates]:
        """What has not been done, in the order of the presses, for a newer runner to do."""
        with self._lock:
            presses = self._taken + self._waiting
            self._taken, self._waiting, self._is_left = [], [], True
            return presses

    def inherit(self, presses: list[WidgetStates]) -> None:
        """Puts what an older runner left before all else."""
        with self._lock:
            self._taken = presses + self._taken

    def begin(self) -> list[WidgetStates] | None:
        """The presses that the present run is to do, in their order; none where a newer runner does them."""
        with self._lock:
            presses, self._taken = self._taken, []
            return None if self._is_left else presses


def has_press(states: WidgetStates) -> bool:
    """Whether these values of widgets say that something was pressed, or happened in an element."""
    return any(map(script_requests._has_active_trigger_value, states.widgets))


class _Shared:
    """What the runs of a session share: the turn to run callbacks, and what the newest was asked for."""

    def __init__(self) -> None:
        self.turn = threading.RLock()
        self.newest: Requests | None = None


def _shared(state: SessionState) -> _Shared:
    # Made once: what is put into a session while a run begins there may be lost.
    with _making:
        if _SHARED not in state:
            state[_SHARED] = _Shared()
        return state[_SHARED]


def _inheriting(make: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(make)
    def inheriting(runner: Any, *arguments: Any, **options: Any) -> None:
        make(runner, *arguments, **options)
        shared = _shared(runner._session_state._state)
        if shared.newest is not None:
            runner._requests.inherit(shared.newest.leave())
        shared.newest = runner._requests

    return inheriting


def _whole(run_callbacks: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(run_callbacks)
    def whole(session: SafeSessionState, fresh: WidgetStates | None, **options: Any) -> None:
        give_way: Any = session._yield_callback
        runner = give_way.__self__
        with _shared(session._state).turn:
            presses = _presses_of(runner)
            if presses is None:
                give_way()
            setattr(runner, _IS_RUNNING, False)
            try:
                if presses and presses != [fresh]:
                    for states in presses:
                        run_callbacks(session, states)
                    fresh, options = _done(presses, fresh, options)
                run_callbacks(session, fresh, **options)
            finally:
                setattr(runner, _IS_RUNNING, True)

    return whole


def _presses_of(runner: Any) -> list[WidgetStates] | None:
    # The first runner of a server was there before this.
    return runner._requests.begin() if isinstance(runner._requests, Requests) else []


def _done(
    presses: list[WidgetStates], fresh: WidgetStates | None, options: dict[str, Any]
) -> tuple[WidgetStates, dict[str, Any]]:
    """The values of widgets without what was pressed, which the script is still to see."""
    seen = options.get(_REPLAYED)
    for states in presses:
        seen = script_requests._coalesce_replay_trigger_states(seen, states)
    rest = WidgetStates()
    if fresh is not None:
        rest.widgets.extend(s for s in fresh.widgets if not script_requests._has_active_trigger_value(s))
    return rest, options | {_REPLAYED: seen}
