"""Every press is done, to its end and one after the other, also where a newer run of the script is due."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import ScriptRunner, StopException, script_runner
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests
from streamlit.runtime.state import SessionState
from streamlit.runtime.state.safe_session_state import SafeSessionState

from benchmarks.serving import start_server, stop_process
from benchmarks.websocket_client import Session, open_session
from dashboard.streamlit_changes import callbacks


class Newer(Exception):
    """A newer run of the script is due."""


class Runner:
    """Gives way to a newer run as a script runner does."""

    def __init__(self) -> None:
        self._execing = True
        self._requests = ScriptRequests()
        self.is_due = False

    def give_way(self) -> None:
        if self._execing and self.is_due:
            raise Newer


@pytest.fixture
def unpatched(monkeypatch: pytest.MonkeyPatch) -> None:
    known = SafeSessionState.on_script_will_rerun
    monkeypatch.setattr(SafeSessionState, "on_script_will_rerun", getattr(known, "__wrapped__", known))
    known = ScriptRunner.__init__
    monkeypatch.setattr(ScriptRunner, "__init__", getattr(known, "__wrapped__", known))
    monkeypatch.setattr(script_runner, "ScriptRequests", ScriptRequests)


def session_in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> SafeSessionState:
    """A session with a callback that writes two words, while a newer run becomes due."""
    runner = Runner()
    session = SafeSessionState(SessionState(), runner.give_way)

    def press(*_: object, **__: object) -> None:
        runner.is_due = True
        session["first"] = 1
        session["second"] = 2

    monkeypatch.setattr(SessionState, "on_script_will_rerun", press)
    return session


@pytest.mark.usefixtures("unpatched")
def test_streamlit_itself_cuts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "_execing" in ScriptRunner._maybe_handle_execution_control_request.__code__.co_names
    with pytest.raises(Newer):
        session_in_a_hurry(monkeypatch).on_script_will_rerun(None)


@pytest.mark.usefixtures("unpatched")
def test_it_runs_to_its_end_and_then_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    callbacks.keep_whole()
    callbacks.keep_whole()
    session = session_in_a_hurry(monkeypatch)
    session.on_script_will_rerun(None)
    assert session._state["first"] + session._state["second"] == 3
    with pytest.raises(Newer):
        session["first"]


@pytest.mark.usefixtures("unpatched")
def test_callbacks_of_two_runs_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is begun while another is in its callback: it finds what that one wrote."""
    callbacks.keep_whole()
    state, entered, found = SessionState(), threading.Event(), []

    def press(*_: object, **__: object) -> None:
        entered.set()
        found.append("made" in state)
        if found == [False]:
            second.start()
            second.join(0.2)  # it would be through by then
        state["made"] = True

    def run() -> None:
        SafeSessionState(state, Runner().give_way).on_script_will_rerun(None)

    monkeypatch.setattr(SessionState, "on_script_will_rerun", press)
    second = threading.Thread(target=run)
    run()
    second.join(10)
    assert found == [False, True]


class Pressed:
    """A session whose runs are begun one by one, and what their callbacks were called for.

    Attributes:
        done: What was pressed, a word for each run of callbacks.
        seen: What the script finds pressed then.
        state: The values of the session.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.seen: list[str] = []
        self.state = SessionState()
        monkeypatch.setattr(SessionState, "on_script_will_rerun", self._call)

    def _call(self, fresh: WidgetStates, *, replay_trigger_states: Any, **__: object) -> None:
        names = [state.id for state in fresh.widgets if state.WhichOneof("value") == "trigger_value"]
        self.done += ["".join(names)] if names else []
        replayed = [state.id for state in replay_trigger_states.widgets] if replay_trigger_states else []
        self.seen = [*names, *replayed]

    def runner(self, request: RerunData) -> ScriptRunner:
        """A runner as the session makes it for a request."""
        unused: Any = None
        return ScriptRunner(
            session_id="session",
            main_script_path="app.py",
            session_state=self.state,
            uploaded_file_mgr=unused,
            script_cache=unused,
            initial_rerun_data=request,
            user_info={},
            fragment_storage=MemoryFragmentStorage(),
            pages_manager=PagesManager("app.py"),
            event_loop=unused,
        )


def press(*names: str, fragment: str | None = None) -> RerunData:
    """A request with the value of a slider and some buttons that were pressed."""
    widgets = [WidgetState(id="slider", int_value=1)]
    widgets += [WidgetState(id=name, trigger_value=True) for name in names]
    return RerunData(widget_states=WidgetStates(widgets=widgets), fragment_id=fragment)


def take(runner: ScriptRunner) -> RerunData:
    """The runner's thread takes its next request."""
    return runner._requests.on_scriptrunner_ready().rerun_data


def call(runner: ScriptRunner, request: RerunData) -> None:
    """The runner's thread comes to the callbacks."""
    runner._script_thread = threading.current_thread()
    with runner._set_execing_flag():
        runner._session_state.on_script_will_rerun(request.widget_states)


@pytest.fixture
def pressed(monkeypatch: pytest.MonkeyPatch, unpatched: None) -> Pressed:
    callbacks.keep_whole()
    return Pressed(monkeypatch)


def test_a_newer_run_first_does_what_an_older_one_did_not_come_to(pressed: Pressed) -> None:
    older = pressed.runner(press("a"))
    request = take(older)
    older.request_stop()
    newer = pressed.runner(press("b"))
    call(newer, take(newer))
    with pytest.raises(StopException):
        call(older, request)
    assert pressed.done == ["a", "b"]
    assert pressed.seen == ["a", "b"]


def test_streamlit_itself_leaves_it_out(monkeypatch: pytest.MonkeyPatch, unpatched: None) -> None:
    pressed = Pressed(monkeypatch)
    older = pressed.runner(press("a"))
    request = take(older)
    older.request_stop()
    newer = pressed.runner(press("b"))
    call(newer, take(newer))
    with pytest.raises(StopException):
        call(older, request)
    assert pressed.done == ["b"]


def test_so_it_does_after_a_runner_that_never_began(pressed: Pressed) -> None:
    pressed.runner(press("a")).request_stop()
    pressed.runner(press("b")).request_stop()
    newest = pressed.runner(press())
    call(newest, take(newest))
    assert pressed.done == ["a", "b"]


def test_a_session_that_takes_stock_meanwhile_knows_the_newest_runner(pressed: Pressed) -> None:
    state = pressed.state
    pressed.runner(press()).request_stop()
    state._compact_state()
    newer = pressed.runner(press("b"))
    state._new_session_state.clear()  # as an older run does at the end of that
    newer.request_stop()
    newest = pressed.runner(press("c"))
    call(newest, take(newest))
    assert pressed.done == ["b", "c"]


def test_and_what_waited_for_the_older_run_to_end(pressed: Pressed) -> None:
    older = pressed.runner(press("a"))
    call(older, take(older))
    older.request_rerun(press("f", fragment="fragment"))
    older.request_stop()
    newer = pressed.runner(press("b"))
    call(newer, take(newer))
    assert pressed.done == ["a", "f", "b"]


def test_what_is_done_is_not_done_again(pressed: Pressed) -> None:
    older = pressed.runner(press("a"))
    call(older, take(older))
    older.request_stop()
    newer = pressed.runner(press())
    call(newer, take(newer))
    assert pressed.done == ["a"]
    assert pressed.seen == []


def test_presses_of_one_button_that_wait_for_one_run_are_all_done(pressed: Pressed) -> None:
    runner = pressed.runner(press())
    call(runner, take(runner))
    for name in "ffg":
        runner.request_rerun(press(name, fragment="fragment"))
    call(runner, take(runner))
    assert pressed.done == ["f", "f", "g"]
    assert sorted(pressed.seen) == ["f", "g"]


APP = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
import streamlit as st
from dashboard.streamlit_changes import every

every.make()

def note(name):
    with Path("done").open("a") as file:
        file.write(name)

@st.fragment
def part():
    st.button("f", key="f", on_click=note, args=("f",))

st.button("a", key="a", on_click=note, args=("a",))
st.button("b", key="b", on_click=note, args=("b",))
part()
if st.session_state.get("a"):
    while True:  # until a newer run is due
        st.empty()
        time.sleep(0.01)
"""


def test_presses_during_a_run_of_the_script_are_done_by_the_next(tmp_path: Path) -> None:
    """Over the websocket, by Streamlit's own threads."""
    (tmp_path / "app.py").write_text(APP.format(root=str(Path(__file__).parents[3])))
    done = tmp_path / "done"

    async def presses(url: str) -> None:
        async with open_session(url, page="") as session:
            await session.rerun()  # the first run of a server is Streamlit's own
            await send(session, "a")
            while not done.exists():
                await asyncio.sleep(0.01)
            for name in "ffb":
                await send(session, name)
            while not done.read_text().endswith("b"):
                await asyncio.sleep(0.01)

    server = start_server(tmp_path / "app.py", cwd=tmp_path, home=tmp_path)
    try:
        asyncio.run(asyncio.wait_for(presses(server.url), 60))
    finally:
        stop_process(server.process)
    assert done.read_text() == "affb"


async def send(session: Session, name: str) -> None:
    """Presses a button, and waits for nothing."""
    key = session._id(name)
    state = ClientState(
        page_script_hash=session._page_hash,
        fragment_id=session._fragments[key],
        widget_states=WidgetStates(widgets=[WidgetState(id=key, trigger_value=True)]),
    )
    await session._connection.send(BackMsg(rerun_script=state).SerializeToString())
