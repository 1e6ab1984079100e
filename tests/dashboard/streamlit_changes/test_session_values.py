"""A widget looks its own value up, and finds what it would among all values of the session."""

import threading
from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.state import SessionState
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.safe_session_state import SafeSessionState

from dashboard.streamlit_changes import session_values
from tests.page_scripts import open_page

WIDGET = "$$ID-0123-menu"


@pytest.fixture
def unpatched(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Any = SafeSessionState.__dict__["filtered_state"]
    original = property(kept.collect) if isinstance(kept, session_values.OneByOne) else kept
    monkeypatch.setattr(SafeSessionState, "filtered_state", original)


def session() -> SafeSessionState:
    """A session with values of a page, and with a menu that a browser has answered."""
    state = SessionState()
    state["beta"], state["nothing"] = 4.0, None
    metadata = WidgetMetadata(
        id=WIDGET,
        deserializer=lambda value: value,
        serializer=lambda value: value,
        value_type="string_value",
        presenter=lambda value, _: f"presented {value}",
    )
    state._set_widget_metadata(metadata)
    state._set_key_widget_mapping(WIDGET, "menu")
    answered = WidgetStates()
    answered.widgets.add(id=WIDGET, string_value="digits")
    state.set_widgets_from_proto(answered)
    return SafeSessionState(state, lambda: None)


@pytest.mark.usefixtures("unpatched")
def test_it_has_what_streamlit_collects() -> None:
    collected = session().filtered_state
    assert isinstance(collected, dict)
    session_values.look_up_one()
    session_values.look_up_one()
    found = session().filtered_state
    assert isinstance(found, session_values.Values)
    assert dict(found) == collected == {"beta": 4.0, "nothing": None, "menu": "presented digits"}
    assert len(found) == len(collected)
    assert str(found) == str(collected)
    assert ("nothing" in found, "unknown" in found, found.get("unknown")) == (True, False, None)


@pytest.mark.usefixtures("unpatched")
def test_what_is_looked_up_waits_for_who_changes_the_session() -> None:
    session_values.look_up_one()
    one, found = session(), []
    with one._lock:
        reader = threading.Thread(target=lambda: found.append(one.filtered_state["beta"]))
        reader.start()
        reader.join(0.05)
        assert not found
    reader.join(10)
    assert found == [4.0]


@pytest.mark.usefixtures("unpatched")
def test_no_widget_of_a_page_collects_all_values(monkeypatch: pytest.MonkeyPatch) -> None:
    collecting: list[str] = []
    collect = SessionState.__dict__["filtered_state"].fget
    counted = property(lambda state: collecting.append("all") or collect(state))
    monkeypatch.setattr(SessionState, "filtered_state", counted)
    page = open_page("train")
    assert page.selectbox
    assert page.number_input
    assert not collecting
