"""Time on Train: an earlier step on the board, the dials of a fork, and both futures beside each other."""

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from dashboard.components.look_back.element import Looked, looked
from dashboard.runs.job import JobView
from dashboard.runs.runner import LocalRunner
from dashboard.train import steering
from dashboard.train.look_back import NOTHING_KEPT
from tests.page_scripts import (
    TINY,
    checked,
    dial_of,
    look_at,
    message_to,
    open_page,
    query,
    runner,
    trained,
    turn_dial,
)
from tests.polling import until
from vae_core.runs import driver
from vae_core.runs.kept import KeptSteps
from vae_core.runs.runfile import load_run

__all__ = ["runner"]  # a fixture
STEP: Final = {"command": "step", "unit": "step"}
ME: Final = "a" * 32


def visit(run_id: str, *, token: str = ME, **said: str) -> AppTest:
    """Train with a run in view, in the browser with this token."""
    at = open_page("train", run=run_id, **said)
    at.session_state["browser"] = token
    return checked(at.run())


def board(at: AppTest) -> dict[str, Any]:
    return json.loads(message_to(at, "training_board"))


def slider(at: AppTest) -> dict[str, Any]:
    return json.loads(message_to(at, "look_back"))


def view_of(runner: LocalRunner, run_id: str) -> JobView:
    view = runner.view(run_id)
    assert view is not None, run_id
    return view


def test_the_board_shows_the_step_that_is_looked_back_at(runner: LocalRunner) -> None:
    run_id = trained(runner, TINY)
    at = visit(run_id)
    assert slider(at)["steps"] == [0, 1, 2, 3, 4, 6]
    assert (slider(at)["at"], board(at)["looked"], board(at)["step"]) == (None, None, 6)
    newest = board(at)
    look_at(at, 2)
    assert (slider(at)["at"], board(at)["looked"], board(at)["step"]) == (2, 2, 2)
    kept = runner.store.snapshot_at(run_id, 2)
    assert kept is not None
    assert board(at)["kl_per_dim"] == [float(kl) for kl in kept.kl_per_dim]
    assert board(at)["means"] != newest["means"]
    assert board(at)["rows"] == newest["rows"], "the curves are not the whole ones"
    assert query(at)["at_step"] == "2"
    again = visit(run_id, token="b" * 32, at_step="2")
    assert (slider(again)["at"], board(again)["step"]) == (2, 2)
    look_at(at, None)
    assert (board(at)["looked"], board(at)["means"]) == (None, newest["means"])
    assert "at_step" not in query(at)


def test_a_message_of_the_slider_that_comes_late_moves_nothing(runner: LocalRunner) -> None:
    at = visit(trained(runner, TINY))
    look_at(at, 2, sequence=1000)
    for late in (999, 1000, 1):
        look_at(at, 4, sequence=late)
        assert (slider(at)["at"], board(at)["looked"]) == (2, 2), late
    look_at(at, 3, sequence=1001)
    assert board(at)["looked"] == 3


def test_who_presents_sees_the_slider_at_an_earlier_step_only(runner: LocalRunner) -> None:
    run_id = trained(runner, TINY)
    with pytest.raises(ValueError, match="not enough values"):
        slider(visit(run_id, present="1"))
    assert slider(visit(run_id, present="1", at_step="2"))["at"] == 2


@pytest.mark.parametrize(("said", "step"), [("5", 4), ("999999", 6), ("0", 0)])
def test_a_link_shows_the_nearest_step_that_is_kept(runner: LocalRunner, said: str, step: int) -> None:
    at = visit(trained(runner, TINY), at_step=said)
    assert board(at)["looked"] == step


@pytest.mark.parametrize("said", ["", "-1", "x", "1e3", "9" * 40, "٣"])
def test_a_malformed_step_is_now(runner: LocalRunner, said: str) -> None:
    assert board(visit(trained(runner, TINY), at_step=said))["looked"] is None


def test_the_dials_are_those_of_the_fork_and_leave_the_run_alone(runner: LocalRunner) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "PAUSE_LIMIT_S", 0.01)
        commands = (STEP, {"command": "set", "beta": 2.0})
        run_id = trained(runner, replace(TINY, hold=True), *commands)
        assert load_run(runner.store.run_file(run_id)).step == 1  # type: ignore[arg-type]
    runner.send(run_id, "pause", owner=ME)
    at = visit(run_id)
    assert dial_of(at, "beta")["value"] == 2.0
    look_at(at, 0)
    assert dial_of(at, "beta")["value"] == 1.0, "not the β of that step"
    turn_dial(at, "beta", 8.0)
    note = dial_of(at, "beta")["note"]
    assert note == "For a fork from step 0 (Fork here); this run itself keeps its own."
    assert view_of(runner, run_id).beta == 2.0
    look_at(at, None)
    assert dial_of(at, "beta")["value"] == 2.0


def test_a_fork_goes_on_from_the_step_with_what_was_changed(runner: LocalRunner) -> None:
    run_id = trained(runner, TINY)
    runner.send(run_id, "pause", owner=ME)
    at = visit(run_id)
    look_at(at, 3)
    turn_dial(at, "beta", 4.0)
    at.number_input(key="fork_seed").set_value(9)
    checked(at.button(key="train_fork").click().run())
    fork = at.session_state["run"]
    assert fork != run_id, [error.value for error in at.error]
    assert at.session_state["keep"] == (run_id,)
    assert "at_step" not in query(at)
    about = runner.store.about(fork)
    assert (about.parent, about.parent_step) == (run_id, 3)
    assert about.note == "β 4, seed 9 from step 3 on."
    until(lambda: view_of(runner, fork).status == "finished", "the fork ends")
    assert (view_of(runner, fork).step, view_of(runner, fork).beta) == (6, 4.0)
    told = board(checked(at.run()))
    assert told["fork"] == 3
    assert [ghost["label"] for ghost in told["ghosts"]] == ["parent · β 1"]
    assert {"step": 3.0, "beta": 4.0} in told["changes"]
    assert view_of(runner, run_id).status == "finished", "the parent was changed"


def test_a_fork_with_nothing_changed_ends_as_its_parent(runner: LocalRunner) -> None:
    """Of anybody's run, who only watches it: the fork is their own."""
    run_id = trained(runner, TINY)
    runner.send(run_id, "pause", owner=ME)
    at = visit(run_id, token="b" * 32, at_step="2")
    assert dial_of(at, "beta")["frozen"] == "", "a fork of one's own has no β"
    checked(at.button(key="train_fork").click().run())
    fork = at.session_state["run"]
    assert view_of(runner, fork).is_owned_by("b" * 32)
    until(lambda: view_of(runner, fork).status == "finished", "the fork ends")
    for step in (3, 4, 6):
        ends = [load_run(file) for one in (run_id, fork) if (file := runner.store.run_file_at(one, step))]
        for name, value in ends[0].weights.items():
            assert torch.equal(value, ends[1].weights[name]), f"{name} at step {step}"
    kept = [runner.store.snapshot_at(one, 6) for one in (run_id, fork)]
    assert np.array_equal(kept[0].means, kept[1].means)  # type: ignore[union-attr]


def test_of_two_presses_one_fork(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second press meets a button drawn anew, by a server quicker than the hand."""
    run_id = trained(runner, TINY)
    at = visit(run_id, at_step="2")
    monkeypatch.setattr(steering, "DOUBLE_PRESS_S", 600.0)
    checked(at.button(key="train_fork").click().run())
    fork = at.session_state["run"]
    checked(at.button(key="train_fork").click().run())
    assert (fork != run_id, at.session_state["run"], at.session_state["keep"]) == (True, fork, (run_id,))
    monkeypatch.setattr(steering, "DOUBLE_PRESS_S", 0.0)
    checked(at.button(key="train_fork").click().run())
    assert at.session_state["keep"] == (run_id, fork)


def test_another_button_is_no_second_press(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who forks a run right after its start, or starts anew right after a fork, means it."""
    run_id = trained(runner, TINY)
    at = visit(run_id, at_step="2")
    monkeypatch.setattr(steering, "DOUBLE_PRESS_S", 600.0)
    checked(at.button(key="train_fork").click().run())
    fork = at.session_state["run"]
    checked(at.button(key="train_start").click().run())
    started = at.session_state["run"]
    assert len({run_id, fork, started}) == 3
    checked(at.button(key="train_start").click().run())
    assert at.session_state["run"] == started
    runner.send(started, "stop", owner=ME)


def test_a_fork_of_a_paused_run_waits(runner: LocalRunner) -> None:
    run_id = trained(runner, replace(TINY, train=replace(TINY.train, num_epochs=1000)), {"command": "stop"})
    runner.send(run_id, "step", owner=ME, unit="step")
    until(lambda: view_of(runner, run_id).step == 1, "a step")
    until(lambda: view_of(runner, run_id).status == "paused", "it rests")
    at = visit(run_id, at_step="0")
    checked(at.button(key="train_fork").click().run())
    view = view_of(runner, at.session_state["run"])
    assert (view.status, view.step) == ("paused", 0)
    assert view.message == f"Forked from Run {run_id[:4]} at step 0."
    assert view_of(runner, run_id).status in ("stopped", "paused")


def test_what_goes_on_is_looked_at(runner: LocalRunner) -> None:
    run_id = trained(runner, TINY)
    runner.send(run_id, "pause", owner=ME)
    at = visit(run_id, at_step="3")
    turn_dial(at, "beta", 9.0)
    checked(at.button(key="train_step").click().run())
    until(lambda: view_of(runner, run_id).step == 7, "a step")
    assert view_of(runner, run_id).beta == 1.0, "the run took the β of a fork"
    assert board(checked(at.run()))["looked"] is None
    runner.send(run_id, "stop", owner=ME)


def test_a_run_that_keeps_nothing_says_so(runner: LocalRunner) -> None:
    run_id = trained(runner, TINY)
    folder = runner.store.folder(run_id)
    assert folder is not None
    for path in (folder / "kept").iterdir():
        path.unlink()
    at = visit(run_id, at_step="3")
    assert NOTHING_KEPT["no_room"] in [caption.value for caption in at.caption]
    assert board(at)["looked"] is None
    assert not [button for button in at.button if button.key == "train_fork"]
    (folder / "kept").rmdir()
    assert NOTHING_KEPT["never"] in [caption.value for caption in visit(run_id).caption]


def test_a_run_that_came_as_a_file_and_one_on_a_full_disk_say_what_is_so(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were said to be older than kept steps, or too large."""

    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("vae_core.runs.kept.write_snapshot", full)
        run_id = trained(runner, replace(TINY, seed=77))
    assert NOTHING_KEPT["no_room"] in [caption.value for caption in visit(run_id).caption]
    path = runner.store.run_file(run_id)
    assert path is not None
    uploaded = runner.upload(path.read_bytes(), owner=ME)
    assert NOTHING_KEPT["never"] in [caption.value for caption in visit(uploaded).caption]


def test_steps_too_large_to_keep_are_said_to_be(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    kept = KeptSteps(folder, limit=100)
    assert kept.why_none(51) == "never"
    folder.mkdir()
    assert (kept.why_none(51), kept.why_none(50)) == ("too_large", "no_room")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"step": 3, "sequence": 5}, Looked(3, 5)),
        ({"step": None, "sequence": 5}, Looked(None, 5)),
        ({"step": 3}, None),
        ({"sequence": 5}, None),
        ({"step": -1, "sequence": 5}, None),
        ({"step": 1.5, "sequence": 5}, None),
        ({"step": "3", "sequence": 5}, None),
        ({"step": True, "sequence": 5}, None),
        ({"step": 2**60, "sequence": 5}, None),
        ([3], None),
        (None, None),
    ],
)
def test_what_a_browser_says_is_checked(said: object, found: Looked | None) -> None:
    assert looked({"looked": said}) == found
