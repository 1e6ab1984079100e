"""The dials of the Train page: what the browser says is checked, and acts on what is shown."""

from dataclasses import replace

import pytest

from dashboard.components.dial.element import LATEST, Moved, moved
from dashboard.formats import plain
from dashboard.runs import scheduler as schedulers
from dashboard.runs.runner import LocalRunner
from dashboard.shell.links import write_link
from dashboard.shell.settings import values_of
from tests.page_scripts import (
    PATIENT,
    TINY,
    checked,
    dial_of,
    open_page,
    runner,
    saved,
    text_with,
    trained,
    turn_dial,
)
from tests.polling import until

__all__ = ["runner"]  # a fixture


@pytest.mark.parametrize(
    "said",
    [
        None,
        4.0,
        "4",
        [],
        {},
        {"value": 4.0},
        {"value": "4", "sequence": 1},
        {"value": True, "sequence": 1},
        {"value": float("nan"), "sequence": 1},
        {"value": float("inf"), "sequence": 1},
        {"value": 10**400, "sequence": 1},
        {"value": -1e-9, "sequence": 1},
        {"value": 20.5, "sequence": 1},
        {"value": 4.0, "sequence": -1},
        {"value": 4.0, "sequence": LATEST},
        {"value": 4.0, "sequence": float("nan")},
    ],
)
def test_whatever_a_browser_says_of_a_dial_is_checked(said: object) -> None:
    assert moved({"moved": said}, (0.0, 20.0)) is None
    assert moved(said, (0.0, 20.0)) is None


def test_what_a_hand_did_is_read() -> None:
    said = {"moved": {"value": 4, "sequence": 7.0}}
    assert moved(said, (0.0, 20.0)) == Moved(4.0, 7)


def test_value_for_a_run_that_ended_is_kept_and_acts_when_it_goes_on(runner: LocalRunner) -> None:
    run_id = trained(runner, TINY)
    at = open_page("train", run=run_id)
    assert dial_of(at, "beta")["note"] == ""
    turn_dial(at, "beta", 4.0)
    turn_dial(at, "beta", 0.00025)
    told = dial_of(checked(at.run()), "beta")
    assert (told["value"], "goes on" in told["note"], told["frozen"]) == (0.00025, True, "")
    checked(at.button(key="train_pause").click().run())
    until(lambda: (view := runner.view(run_id)) and view.status == "running" and view.beta == 0.00025, "β")
    assert dial_of(checked(at.run()), "beta")["note"] == ""
    checked(at.button(key="train_stop").click().run())


def test_older_message_does_not_overtake_a_newer_one() -> None:
    at = open_page("train")
    turn_dial(at, "beta", 4.0)
    first = dial_of(at, "beta")["sequence"]
    turn_dial(at, "beta", 0.5)
    assert dial_of(at, "beta")["sequence"] > first
    assert dial_of(at, "beta")["value"] == 0.5


def diverged(runner: LocalRunner) -> str:
    train = replace(TINY.train, optimizer="sgd", learning_rate=1000.0, batch_size=64, num_epochs=300)
    run_id = trained(runner, replace(TINY, train=train))
    view = runner.view(run_id)
    assert view is not None
    assert view.status == "diverged"
    return run_id


def test_diverged_run_goes_on_with_half_the_learning_rate(runner: LocalRunner) -> None:
    run_id = diverged(runner)
    at = open_page("train", run=run_id)
    assert at.button(key="train_pause").label == "Resume, η halved"
    checked(at.button(key="train_pause").click().run())
    assert dial_of(at, "learning_rate")["value"] == 500.0
    until(lambda: (now := runner.view(run_id)) and now.learning_rate == 500.0, "half the rate")
    at = checked(at.run())
    if not at.button(key="train_stop").disabled:  # at such a rate it may have diverged again by itself
        checked(at.button(key="train_stop").click().run())


def test_button_says_so_where_another_learning_rate_was_set_since(runner: LocalRunner) -> None:
    run_id = diverged(runner)
    at = open_page("train", run=run_id)
    turn_dial(at, "learning_rate", 0.01)
    assert at.button(key="train_pause").label == "Resume"
    assert text_with(at, "Diverged at step").endswith(
        "**Resume** goes on from there with the η that you set."
    )
    turn_dial(at, "learning_rate", 1000.0)
    assert at.button(key="train_pause").label == "Resume, η halved", "the one that it diverged with"
    turn_dial(at, "learning_rate", 0.01)
    checked(at.button(key="train_pause").click().run())
    until(lambda: (now := runner.view(run_id)) and now.learning_rate == 0.01, "the rate that was set")
    checked(at.button(key="train_stop").click().run())


def test_run_that_stopped_early_says_where_it_stands_and_goes_on_from_there(runner: LocalRunner) -> None:
    run_id = trained(runner, PATIENT)
    ended = saved(run_id).run
    at = open_page("train", run=run_id)
    said = text_with(at, "Stopped early")
    where = f"It trained to step {ended.ended_at}; its weights are those of step {ended.step}, the best"
    assert plain(where) in said
    assert "go on from these weights, now without an end" in said
    checked(at.button(key="train_step").click().run())
    until(
        lambda: (now := runner.view(run_id)) and now.step == ended.step + 1, "one update from its best step"
    )
    checked(at.run())
    checked(at.button(key="train_stop").click().run())


def test_start_that_is_refused_leaves_the_run_in_view_alone(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = replace(TINY, train=replace(TINY.train, num_epochs=None))
    at = open_page("train", **write_link(values_of(endless), "train"))
    checked(at.button(key="train_start").click().run())
    run_id = at.session_state["run"]
    until(lambda: (now := runner.view(run_id)) and now.status == "running" and now.step, "it trains")
    with monkeypatch.context() as full:
        full.setattr(schedulers, "MAX_WAITING", 0)
        checked(at.button(key="train_start").click().run())
    assert ["waiting already" in said.value for said in at.error] == [True]
    assert at.session_state["run"] == run_id
    view = runner.view(run_id)
    assert view is not None
    assert view.status == "running"
    checked(at.button(key="train_stop").click().run())
