"""What a fragment says goes to the browser at once when its run ends, or later; a page's as it comes."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from dashboard.streamlit_changes import batches
from tests.page_scripts import open_page


@pytest.fixture
def unpatched(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_enqueue_forward_msg", "flush_browser_queue"):
        known = getattr(AppSession, name)
        monkeypatch.setattr(AppSession, name, getattr(known, "__wrapped__", known))


class Session(AppSession):
    """A session with what queueing needs; it counts how often the server is asked to send."""

    def __init__(self) -> None:
        self._browser_queue = ForwardMsgQueue()
        self._event_loop = asyncio.get_running_loop()
        self.asked = 0
        self._message_enqueued_callback = self._ask

    def __del__(self) -> None:
        """There is nothing of a real one to end."""

    def _ask(self) -> None:
        self.asked += 1


def begin(*fragments: str) -> ForwardMsg:
    message = ForwardMsg()
    message.new_session.name = "page"
    message.metadata.run.fragment_ids.extend(fragments)
    return message


def text(said: str) -> ForwardMsg:
    message = ForwardMsg()
    message.delta.new_element.markdown.body = said
    message.metadata.delta_path.extend([0, len(said)])
    return message


def end() -> ForwardMsg:
    return ForwardMsg(script_finished=ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


def kinds(messages: list[ForwardMsg]) -> list[str]:
    return [str(message.WhichOneof("type")) for message in messages]


async def _of_a_fragment() -> None:
    session = Session()
    for message in (begin("one"), text("a"), text("ab")):
        session._enqueue_forward_msg(message)
        assert session.flush_browser_queue() == [], "another session has the server send"
    assert session.asked == 0
    session._enqueue_forward_msg(end())
    assert session.asked == 1
    assert kinds(session.flush_browser_queue()) == ["new_session", "delta", "delta", "script_finished"]
    await asyncio.sleep(2 * batches.LONGEST_S)
    assert session.asked == 1, "nothing waits any more"


async def _that_takes_long() -> None:
    session = Session()
    session._enqueue_forward_msg(begin("one"))
    session._enqueue_forward_msg(text("a"))
    await asyncio.sleep(2 * batches.LONGEST_S)
    assert session.asked == 1
    assert kinds(session.flush_browser_queue()) == ["new_session", "delta"]
    session._enqueue_forward_msg(text("ab"))
    assert session.flush_browser_queue() == []
    assert due(session) <= now() + batches.LATER_S, "what comes later waits only to come together"
    await asyncio.sleep(2 * batches.LATER_S)
    assert session.asked == 2
    assert kinds(session.flush_browser_queue()) == ["delta"]
    began = now()
    session._enqueue_forward_msg(begin("one"))
    assert due(session) >= began + batches.LONGEST_S, "the next run waits again"


def now() -> float:
    return asyncio.get_running_loop().time()


def due(session: Session) -> float:
    """When what waits is sent at the latest."""
    timer = session.__dict__[batches._WAITING].until
    return float(timer.when())


async def _of_a_page() -> None:
    session = Session()
    session._enqueue_forward_msg(begin())
    session._enqueue_forward_msg(text("a"))
    assert session.asked == 2
    assert kinds(session.flush_browser_queue()) == ["new_session", "delta"]


async def _of_a_page_that_takes_over() -> None:
    session = Session()
    session._enqueue_forward_msg(begin("one"))
    session._enqueue_forward_msg(begin())
    assert session.asked == 1
    assert kinds(session.flush_browser_queue()) == ["new_session", "new_session"]


async def _of_another_kind() -> None:
    session = Session()
    session._enqueue_forward_msg(begin("one"))
    session._enqueue_forward_msg(text("a"))
    moved = ForwardMsg()
    moved.page_info_changed.query_string = "run=1"
    session._enqueue_forward_msg(moved)
    session._enqueue_forward_msg(text("ab"))
    assert kinds(session.flush_browser_queue()) == ["new_session", "delta", "page_info_changed", "delta"]


async def _of_a_run_after_another() -> None:
    session = Session()
    session._enqueue_forward_msg(begin("one"))
    session._enqueue_forward_msg(text("a"))
    session._enqueue_forward_msg(end())
    session._enqueue_forward_msg(begin("one"))
    assert kinds(session.flush_browser_queue()) == ["new_session", "delta", "script_finished", "new_session"]
    session._enqueue_forward_msg(text("a"))
    assert session.flush_browser_queue() == []


SAID = [
    _of_a_fragment,
    _that_takes_long,
    _of_a_page,
    _of_a_page_that_takes_over,
    _of_another_kind,
    _of_a_run_after_another,
]


@pytest.mark.usefixtures("unpatched")
@pytest.mark.parametrize("said", SAID)
def test_messages(said: Callable[[], Coroutine[None, None, None]]) -> None:
    batches.keep_together()
    batches.keep_together()
    asyncio.run(said())


@pytest.mark.usefixtures("unpatched")
def test_streamlit_itself_asks_for_each() -> None:
    async def said() -> None:
        session = Session()
        for message in (begin("one"), text("a"), end()):
            session._enqueue_forward_msg(message)
        assert session.asked == 3

    asyncio.run(said())


@pytest.mark.usefixtures("unpatched")
def test_every_page_has_it() -> None:
    open_page("start")
    assert hasattr(AppSession._enqueue_forward_msg, "__wrapped__")
    assert hasattr(AppSession.flush_browser_queue, "__wrapped__")
