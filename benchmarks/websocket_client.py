"""A browser tab without a browser: its side of Streamlit's websocket protocol, as of Streamlit 1.67.

Like the page it keeps the values of all widgets and sends them with each request, holds large messages for
two runs and names them to the server, which then answers with their hashes, and knows which fragments want
to be redrawn how often.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Slider_pb2 import Slider
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.asyncio.client import ClientConnection, connect

from dashboard.components.address.element import NAME as ADDRESS
from dashboard.components.mounting import name_of

MAX_MESSAGE_BYTES: Final = 200_000_000
TRIGGER_ID: Final = "$$STREAMLIT_INTERNAL_KEY_{element}__events"
"""Under which id a page says what happened in an element of our own."""
_DONE: Final = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class AppFailed(RuntimeError):
    """The app showed an exception, or its script could not be compiled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one request.

    Arguments:
        num_bytes: Bytes of all its messages.
        num_references: Messages that only name an earlier one.
    """

    num_bytes: int
    num_references: int


class Session:
    """One tab; open it with :func:`open_session`. One request at a time.

    Arguments:
        connection: The websocket.
        page: Path of the page in the URL, ``""`` for the first one.
        query: The URL's query string without its question mark.
    """

    def __init__(self, connection: ClientConnection, *, page: str, query: str) -> None:
        self.query = query
        self.timers: dict[str, float] = {}
        self._connection = connection
        self._page = page
        self._page_hash = ""
        self._widgets: dict[str, WidgetState] = {}
        self._drawn: dict[str, WidgetState] = {}
        self._elements: dict[str, str] = {}
        self._fragments: dict[str, str] = {}
        self._obeyed = 0
        self._held = HeldMessages()

    async def rerun(self, *, fragment: str = "", press: str = "") -> Answer:
        """Has the page, or one fragment of it, drawn again and waits for the end.

        Arguments:
            fragment: Id of the fragment, a key of ``timers``.
            press: Key of a button that was pressed.

        Raises:
            AppFailed: The app showed an exception.
        """
        pressed = [WidgetState(id=self._id(press), trigger_value=True)] if press else []
        return await self._ask(fragment, pressed, is_auto=bool(fragment))

    async def move(self, key: str, value: float | str) -> Answer:
        """Moves a widget, and waits for the end of what is drawn again: its fragment, or the page.

        Arguments:
            key: Key of a slider, a number box, or a choice of one of several.
            value: Where to: a number, or an option as the page writes it.

        Raises:
            AppFailed: The app showed an exception.
        """
        name = self._id(key)
        state = WidgetState()
        state.CopyFrom(self._drawn[name])
        kind = state.WhichOneof("value")
        if kind == "double_array_value":
            state.double_array_value.data[:] = [float(value)]
        elif kind == "string_array_value":
            state.string_array_value.data[:] = [str(value)]
        elif kind == "double_value":
            state.double_value = float(value)
        else:
            state.string_value = str(value)
        self._widgets[name] = state
        return await self._ask(self._fragments[name], [], is_auto=False)

    async def trigger(self, key: str, event: str, value: object) -> Answer:
        """Says that something happened in an element of our own, and waits for the end of what it causes.

        Arguments:
            key: Key of the element.
            event: What happened.
            value: What goes with it, as JSON.

        Raises:
            AppFailed: The app showed an exception.
        """
        element = next(name for name in self._elements if name.endswith(f"-{key}"))
        said = json.dumps([{"event": event, "value": value}])
        state = WidgetState(id=TRIGGER_ID.format(element=element), json_trigger_value=said)
        return await self._ask(self._elements[element], [state], is_auto=False)

    async def _ask(self, fragment: str, triggers: list[WidgetState], *, is_auto: bool) -> Answer:
        state = ClientState(
            query_string=self.query,
            page_script_hash=self._page_hash,
            page_name="" if self._page_hash else self._page,
            fragment_id=fragment,
            is_auto_rerun=is_auto,
            widget_states=WidgetStates(widgets=[*self._widgets.values(), *triggers]),
            cached_message_hashes=self._held.hashes,
        )
        await self._connection.send(BackMsg(rerun_script=state).SerializeToString())
        return await self._read_answer()

    def _id(self, key: str) -> str:
        return next(name for name in self._drawn if name.endswith(f"-{key}"))

    async def _read_answer(self) -> Answer:
        num_bytes = num_references = 0
        fragments: list[str] = []
        async for frame in self._connection:
            message = ForwardMsg.FromString(frame if isinstance(frame, bytes) else frame.encode())
            num_bytes += len(frame)
            num_references += message.WhichOneof("type") == "ref_hash"
            message = self._held.resolve(message)
            self._take(message)
            if message.WhichOneof("type") == "new_session":
                fragments = list(message.metadata.run.fragment_ids)
            if message.WhichOneof("type") == "script_finished" and message.script_finished in _DONE:
                self._held.end_run(fragments)
                return Answer(num_bytes=num_bytes, num_references=num_references)
        raise AppFailed("the server closed the connection")

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._begin(message)
        elif kind == "navigation":
            self._page_hash = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            self.timers[message.auto_rerun.fragment_id] = message.auto_rerun.interval
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self.timers.pop(fragment, None)
        elif kind == "script_finished" and message.script_finished == _DONE[0]:
            self._widgets = {name: self._widgets[name] for name in self._drawn if name in self._widgets}
        elif kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            raise AppFailed("the script could not be compiled")
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._draw(message.delta.new_element, message.delta.fragment_id)

    def _begin(self, message: ForwardMsg) -> None:
        self._held.max_age = message.new_session.config.max_cached_message_age or self._held.max_age
        if not message.metadata.run.fragment_ids:
            self.timers.clear()
            self._drawn = {}
            self._elements = {}
            self._fragments = {}

    def _draw(self, element: Element, fragment: str) -> None:
        if element.WhichOneof("type") == "exception":
            raise AppFailed(f"{element.exception.type}: {element.exception.message}")
        if element.WhichOneof("type") == "bidi_component":
            self._elements[element.bidi_component.id] = fragment
            if name_of(element.bidi_component.component_name) == ADDRESS:
                self._follow(json.loads(element.bidi_component.bytes))
        state, is_news = widget_state(element)
        if state is None:
            return
        self._drawn[state.id] = state
        self._fragments[state.id] = fragment
        if state.WhichOneof("value") is not None and (is_news or state.id not in self._widgets):
            self._widgets[state.id] = state

    def _follow(self, message: dict[str, Any]) -> None:
        # As the element does: what is late, or drawn again, changes the address no more.
        if message["page"] == self._page and message["order"] > self._obeyed:
            self._obeyed = message["order"]
            self.query = message["query"]


class HeldMessages:
    """The large messages that a tab holds, as ``ForwardMsgCache`` of the page does."""

    def __init__(self) -> None:
        self.max_age = 2
        self._runs = 0
        self._held: dict[str, tuple[ForwardMsg, int]] = {}

    @property
    def hashes(self) -> list[str]:
        """What to name to the server."""
        return list(self._held)

    def resolve(self, message: ForwardMsg) -> ForwardMsg:
        """The message itself, or the one that it refers to; holds it when it may be referred to later."""
        if message.WhichOneof("type") == "ref_hash":
            full = ForwardMsg()
            full.CopyFrom(self._held[message.ref_hash][0])
            full.metadata.CopyFrom(message.metadata)
            self._held[message.ref_hash] = (full, self._runs)
            return full
        if message.metadata.cacheable:
            self._held[message.hash] = (message, self._runs)
        return message

    def end_run(self, fragments: list[str]) -> None:
        """Drops what no run used lately; the run of a fragment ages only what that fragment drew."""
        self._runs += 1
        for key, (message, used) in list(self._held.items()):
            ages = not fragments or message.delta.fragment_id in fragments
            if ages and self._runs - used > self.max_age:
                del self._held[key]


@asynccontextmanager
async def open_session(
    url: str, *, page: str, query: str = "", cookies: Mapping[str, str] | None = None
) -> AsyncIterator[Session]:
    """Opens a tab at ``url/page?query`` and waits until it is drawn.

    Arguments:
        url: Address of the server, ``http://HOST:PORT``.
        page: Path of the page.
        query: The query string without its question mark.
        cookies: What the browser brings.

    Raises:
        AppFailed: The app showed an exception.
    """
    address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
    options: Any = {"subprotocols": ["streamlit"], "max_size": MAX_MESSAGE_BYTES, "compression": None}
    if cookies:
        options["additional_headers"] = {"Cookie": "; ".join(map("=".join, cookies.items()))}
    async with connect(address, **options) as socket:
        session = Session(socket, page=page, query=query)
        await session.rerun()
        yield session


def widget_state(element: Element) -> tuple[WidgetState | None, bool]:
    """What a widget's element makes the tab know, and whether the server set the value just now.

    A button has an id and no value; None for an element that is no widget of the kinds used here.
    """
    kind = element.WhichOneof("type")
    if kind not in ("button", "number_input", "text_input", "selectbox", "slider"):
        return None, False
    widget = getattr(element, kind)
    is_news = kind != "button" and widget.set_value
    state = WidgetState(id=widget.id)
    if kind == "number_input" and not is_news and not widget.HasField("default"):
        return state, False
    if kind == "number_input":
        state.double_value = widget.value if is_news else widget.default
    elif kind == "text_input":
        state.string_value = widget.value if is_news else widget.default
    elif kind == "selectbox":
        state.string_value = widget.raw_value if is_news else widget.options[widget.default]
    elif kind == "slider" and widget.type == Slider.SELECT_SLIDER:
        options = widget.raw_value if is_news else [widget.options[int(i)] for i in widget.default]
        state.string_array_value.data.extend(options)
    elif kind == "slider":
        state.double_array_value.data.extend(widget.value if is_news else widget.default)
    return state, is_news
