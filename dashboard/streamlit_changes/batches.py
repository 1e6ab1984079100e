"""What a part of a page says when it is drawn anew goes to the browser at once, not in pieces as they come.

Streamlit sends what there is every five milliseconds, and for each piece the browser draws each element of
the page anew: two to eight times a move of a slider, six to ten milliseconds each. The messages of a
fragment wait here until its run has ended, or for ``LONGEST_S``; of a run that takes longer the rest comes
almost as it is said. Runs of a whole page are as they were. What of Streamlit is not public is how a session
queues its messages, as of 1.67.
"""

import asyncio
import functools
from collections.abc import Callable
from typing import Any, Final

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession

LONGEST_S: Final = 0.06
"""Long enough for most runs of a fragment, too short to be seen."""
LATER_S: Final = 0.01
"""The same of a run that has taken longer: its picture must not wait for what follows."""
_ENQUEUE: Final = "_enqueue_forward_msg"
_FLUSH: Final = "flush_browser_queue"
_WAITING: Final = "messages_waiting"
_MAY_WAIT: Final = {"new_session", "session_status_changed", "delta"}
"""Of other messages some have to be there before the next run begins, as what a change of pages says."""


class Waiting:
    """Whether the messages of a session wait, and until when."""

    def __init__(self) -> None:
        self.is_fragment = False
        self.is_late = False
        self.is_due = False
        self.until: asyncio.TimerHandle | None = None

    def takes(self, message: ForwardMsg, send: Callable[[], None]) -> bool:
        """Whether a message waits; if not, those before it go with it.

        Arguments:
            message: The next message.
            send: Called when they have waited long enough.
        """
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.is_fragment = bool(message.metadata.run.fragment_ids)
            self.is_late = False
        elif kind not in _MAY_WAIT:
            self.is_fragment = False
        if not self.is_fragment or self.is_due:
            self._let_go()
            return False
        if self.until is None:
            wait = LATER_S if self.is_late else LONGEST_S
            self.until = asyncio.get_running_loop().call_later(wait, self._long_enough, send)
        return True

    def are_sent(self) -> bool:
        """Whether the server may take the messages now; it then does."""
        if self.until is not None:
            return False
        self.is_due = False
        return True

    def _let_go(self) -> None:
        if self.until is not None:
            self.until.cancel()
            self.until = None
        # What comes before the server takes them goes along: if it waited, a newer run might drop them all.
        self.is_due = True

    def _long_enough(self, send: Callable[[], None]) -> None:
        self.is_late = True
        self._let_go()
        send()


def keep_together() -> None:
    """Has sessions send what a fragment says together; a second call changes nothing."""
    enqueue, flush = getattr(AppSession, _ENQUEUE), getattr(AppSession, _FLUSH)
    if not hasattr(enqueue, "__wrapped__"):
        setattr(AppSession, _ENQUEUE, _waiting(enqueue))
        setattr(AppSession, _FLUSH, _all_or_nothing(flush))


def _waiting(enqueue: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(enqueue)
    def waiting(session: Any, message: ForwardMsg) -> None:
        send = session._message_enqueued_callback
        if send is not None and _is_on_its_loop(session) and _of(session).takes(message, send):
            session._browser_queue.enqueue(message)
        else:
            enqueue(session, message)

    return waiting


def _all_or_nothing(flush: Callable[..., list[ForwardMsg]]) -> Callable[..., list[ForwardMsg]]:
    @functools.wraps(flush)
    def all_or_nothing(session: Any) -> list[ForwardMsg]:
        # Another session has something to send: then all are asked.
        return flush(session) if _of(session).are_sent() else []

    return all_or_nothing


def _of(session: Any) -> Waiting:
    return session.__dict__.setdefault(_WAITING, Waiting())


def _is_on_its_loop(session: Any) -> bool:
    try:
        return asyncio.get_running_loop() is session._event_loop
    except RuntimeError:  # in another thread
        return False
