"""The values of a session as each widget reads them when it is drawn: one is looked up, not all collected.

A menu, a number and a text ask Streamlit for every value of the session, to see whether their own is None. To
collect them takes half a millisecond, since all parameters of the pages are in the session and each element
that says something back defines a class meanwhile: 12 of the 31 ms of a move among Train's settings.
What of Streamlit is not public is the property that collects them, as of Streamlit 1.67.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from streamlit.runtime.state.safe_session_state import SafeSessionState

_NAME: Final = "filtered_state"


def look_up_one() -> None:
    """Has the session give its values one by one; a second call changes nothing."""
    collected = getattr(SafeSessionState, _NAME, None)
    if isinstance(collected, property) and collected.fget is not None and not isinstance(collected, OneByOne):
        setattr(SafeSessionState, _NAME, OneByOne(collected.fget))


class OneByOne(property):
    """The property of a session that gives its values.

    Arguments:
        collect: Collects all of them.
    """

    def __init__(self, collect: Callable[[Any], dict[str, Any]]) -> None:
        super().__init__(lambda session: Values(session, collect))
        self.collect = collect


class Values(Mapping[str, Any]):
    """The values of a session by the keys of the widgets, each looked up when it is asked for.

    Arguments:
        session: The session.
        collect: Collects all of them.
    """

    def __init__(self, session: SafeSessionState, collect: Callable[[Any], dict[str, Any]]) -> None:
        self._session, self._collect = session, collect

    def __getitem__(self, key: str) -> Any:
        # As when all are collected; the session's own lookup is where a run gives way to a newer one.
        with self._session._lock:
            return self._session._state[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._collect(self._session))

    def __len__(self) -> int:
        return len(self._collect(self._session))

    def __str__(self) -> str:
        return str(self._collect(self._session))
