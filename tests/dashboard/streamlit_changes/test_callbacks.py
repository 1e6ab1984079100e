"""A callback is not cut short by a newer run of the script, whose own callbacks wait for it."""

import threading

import pytest
from streamlit.runtime.scriptrunner import ScriptRunner
from streamlit.runtime.state import SessionState
from streamlit.runtime.state.safe_session_state import SafeSessionState

from dashboard.streamlit_changes import callbacks


class Newer(Exception):
    """A newer run of the script is due."""


class Runner:
    """Gives way to a newer run as a script runner does."""

    def __init__(self) -> None:
        self._execing = True
        self.is_due = False

    def give_way(self) -> None:
        if self._execing and self.is_due:
            raise Newer


@pytest.fixture
def unpatched(monkeypatch: pytest.MonkeyPatch) -> None:
    known = SafeSessionState.on_script_will_rerun
    monkeypatch.setattr(SafeSessionState, "on_script_will_rerun", getattr(known, "__wrapped__", known))


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
def test_a_run_that_is_due_before_it_begins_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    callbacks.keep_whole()
    session = session_in_a_hurry(monkeypatch)
    session.on_script_will_rerun(None)
    with pytest.raises(Newer):
        session.on_script_will_rerun(None)


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
