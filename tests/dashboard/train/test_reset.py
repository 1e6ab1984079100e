"""Reset on the Train page: the run begins again, and the controls say what it has."""

from dashboard.runs.runner import LocalRunner
from tests.page_scripts import TINY, checked, dial_of, open_page, runner, trained, turn_dial

__all__ = ["runner"]  # a fixture


def test_moved_controls_go_back_to_what_the_run_has(runner: LocalRunner) -> None:
    at = open_page("train", run=trained(runner, TINY))
    turn_dial(at, "beta", 4.0)
    turn_dial(at, "learning_rate", 0.1)
    assert (dial_of(at, "beta")["value"], dial_of(at, "learning_rate")["value"]) == (4.0, 0.1)
    checked(at.button(key="train_reset").click().run())
    assert dial_of(at, "beta")["value"] == TINY.train.beta
    assert dial_of(at, "learning_rate")["value"] == TINY.train.learning_rate
