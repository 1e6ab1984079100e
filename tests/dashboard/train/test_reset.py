"""Reset on the Train page: the run begins again, and the controls say what it has."""

from dashboard.runs.runner import LocalRunner
from tests.page_scripts import TINY, checked, open_page, runner, trained

__all__ = ["runner"]  # a fixture


def test_moved_controls_go_back_to_what_the_run_has(runner: LocalRunner) -> None:
    at = open_page("train", run=trained(runner, TINY))
    beta = checked(at.slider(key="beta").set_value(4.0).run()).slider(key="beta")
    assert beta.value == 4.0
    at.select_slider(key="learning_rate").set_value(0.1)
    checked(at.run().button(key="train_reset").click().run())
    assert at.slider(key="beta").value == TINY.train.beta
    assert at.select_slider(key="learning_rate").value == TINY.train.learning_rate
