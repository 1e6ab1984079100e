"""What a press does is done whole, and one press after the other.

For a newer run of the script Streamlit starts another thread, and ends the older one where it next touches
the session or the page. Both may be in a callback then: a second press saw the session as it had been before
the first, so that two presses of Start began two trainings, one of which nobody saw. Callbacks of a session
go on to their end here, and the next wait for that. What of Streamlit is not public is how a run gives way,
as of Streamlit 1.67.
"""

import functools
import threading
from collections.abc import Callable
from typing import Any, Final

from streamlit.runtime.state.safe_session_state import SafeSessionState

_NAME: Final = "on_script_will_rerun"
_IS_RUNNING: Final = "_execing"
"""Only then a script runner gives way."""
_TURN: Final = "turn_of_callbacks"
_making_turns: Final = threading.Lock()


def keep_whole() -> None:
    """Has callbacks run to their end, one after the other; a second call changes nothing."""
    run_callbacks = getattr(SafeSessionState, _NAME)
    if not hasattr(run_callbacks, "__wrapped__"):
        setattr(SafeSessionState, _NAME, _whole(run_callbacks))


def _whole(run_callbacks: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(run_callbacks)
    def whole(session: SafeSessionState, *arguments: Any, **options: Any) -> None:
        give_way: Any = session._yield_callback
        with _turn_of(session):
            give_way()  # before the first of them
            runner = give_way.__self__
            setattr(runner, _IS_RUNNING, False)
            try:
                run_callbacks(session, *arguments, **options)
            finally:
                setattr(runner, _IS_RUNNING, True)

    return whole


def _turn_of(session: SafeSessionState) -> Any:
    """The lock of a session; each run has a wrapper of it, with a lock of its own."""
    state = session._state
    with _making_turns:
        if _TURN not in state:
            state[_TURN] = threading.RLock()
        return state[_TURN]
