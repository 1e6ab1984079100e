"""Two browsers on the Train page: one owns the run, the other watches, is told so, and takes a copy."""

from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.components.browser_token import element
from dashboard.components.mounting import name_of
from dashboard.runs import runner as jobs
from dashboard.runs.runner import LocalRunner
from dashboard.shell import browser, header, notices
from dashboard.train import live
from tests.page_scripts import TINY, checked, open_page, runner, trained
from tests.polling import until

__all__ = ["runner"]  # a fixture
ME = "a" * 32
STEERING = ("train_pause", "train_step", "train_epoch", "train_stop", "train_reset")


def token_of(at: AppTest) -> str:
    return at.session_state["browser"]


def run_of(at: AppTest) -> str:
    return at.session_state["run"]


def owned_run(runner: LocalRunner, owner: str) -> str:
    """A run of a browser that was trained to its end."""
    run_id = trained(runner, TINY)
    runner.send(run_id, "pause", owner=owner)
    return run_id


def visit(name: str, *, token: str, **query: str) -> AppTest:
    """A session of the browser with this token, as a cookie would make it."""
    at = open_page(name, **query)
    at.session_state["browser"] = token
    return checked(at.run())


def test_each_session_without_a_cookie_is_a_browser_of_its_own() -> None:
    first, second = open_page("train"), open_page("train")
    assert token_of(first) != token_of(second)
    assert token_of(checked(first.run())) == token_of(first)
    sent = [
        one.proto.bytes
        for one in first.get("bidi_component")
        if name_of(one.proto.component_name) == element.NAME
    ]  # type: ignore[attr-defined]
    assert [token_of(first).encode() in message for message in sent] == [True]


@pytest.mark.parametrize("said", ["", "A" * 32, "a" * 31, "a" * 33, "a" * 31 + "\n", "٣" * 32, None, 7])
def test_malformed_cookie_is_none(said: Any) -> None:
    assert browser._checked(said) is None
    assert browser._checked(ME) == ME


def test_others_watch_and_take_a_copy(runner: LocalRunner) -> None:
    run_id = owned_run(runner, ME)
    other = open_page("train", run=run_id)
    assert [other.button(key=key).disabled for key in STEERING] == [True] * 5
    assert {other.button(key=key).help for key in STEERING} == {
        "This run belongs to another browser: take a copy to go on from it."
    }
    assert other.select_slider(key="speed").disabled
    assert "Someone else's run: take a copy to change it." in str(other.select_slider(key="speed").help)
    line = next(text for text in status_lines(other) if ", started by someone else" in text)
    assert "**Take a copy** to go on from here." in line
    assert "**Resume**" not in line
    checked(other.button(key="train_copy").click().run())
    copy = run_of(other)
    assert copy != run_id, [error.value for error in other.error]
    view = runner.view(copy)
    assert view is not None
    assert (view.status, view.is_owned_by(token_of(other)), view.config) == ("paused", True, TINY)
    assert not other.button(key="train_pause").disabled
    checked(other.button(key="train_step").click().run())
    until(lambda: runner.view(copy).step == view.step + 1, "a step of the copy")  # type: ignore[union-attr]
    checked(other.button(key="train_reset").click().run())
    anew = run_of(other)
    until(lambda: runner.store.snapshot(anew), "the first picture")
    assert runner.view(anew).step == 0  # type: ignore[union-attr]
    original = runner.view(run_id)
    assert original is not None
    assert (original.status, original.is_owned_by(ME)) == ("finished", True)


def status_lines(at: AppTest) -> list[str]:
    return [text.value for text in at.markdown] + [one.proto.text for one in at.get("progress")]  # type: ignore[attr-defined]


def test_its_owner_steers_in_every_session_of_that_browser(runner: LocalRunner) -> None:
    run_id = owned_run(runner, ME)
    mine = visit("train", token=ME, run=run_id)
    assert not any(mine.button(key=key).disabled for key in ("train_pause", "train_step", "train_reset"))
    assert not any("someone else" in text for text in status_lines(mine))


def test_pages_say_whose_run_they_show(runner: LocalRunner) -> None:
    run_id = owned_run(runner, ME)
    view = runner.view(run_id)
    assert view is not None
    other = open_page("elbo", run=run_id)
    assert any(f"{view.name}, finished, started by someone else" in text.value for text in other.markdown)
    mine = visit("elbo", token=ME, run=run_id)
    assert any(f"**{view.name}, finished** ·" in text.value for text in mine.markdown)
    assert header.EXAMPLE not in [text.value for text in mine.markdown]


def test_interrupted_runs_of_a_browser_are_offered_to_it_alone(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = owned_run(runner, ME), owned_run(runner, ME)
    for run_id in (first, second):
        job = runner._jobs[run_id]
        job.set("interrupted", "Interrupted: the server stopped.")
    assert "interrupted" not in " ".join(status_lines(open_page("train")))
    mine = visit("train", token=ME)
    assert any("2 runs of yours were interrupted" in text for text in status_lines(mine))
    checked(mine.button(key="train_resume_later").click().run())
    assert not [button for button in mine.button if button.key == "train_resume_all"]
    again = visit("train", token=ME)
    sent: list[str] = []
    monkeypatch.setattr(
        jobs.LocalRunner, "send", lambda self, run, command, **values: sent.append(run + command)
    )
    checked(again.button(key="train_resume_all").click().run())
    assert sorted(sent) == sorted([first + "resume", second + "resume"])


def test_home_that_cannot_be_written_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "is_temporary", lambda: True)
    assert "cannot write its folder of runs" in open_page("train").warning[0].value


def test_a_run_at_rest_is_not_drawn_again_by_itself(runner: LocalRunner) -> None:
    run_id = trained(runner, TINY)
    runner.send(run_id, "pause", owner=ME)
    view = runner.view(run_id)
    assert view is not None
    assert (view.status, view.is_owned_by(ME)) == ("finished", True)
    assert (live.tick_s(view, ME), live.tick_s(view, "b" * 32)) == (None, None), "its status is looked at"
    going_on = replace(view, status="running")
    assert (live.tick_s(going_on, ME), live.tick_s(going_on, "b" * 32)) == (live.TICK_S, live.WATCH_TICK_S)
    assert live.tick_s(replace(view, status="queued"), ME) == live.WATCH_TICK_S
