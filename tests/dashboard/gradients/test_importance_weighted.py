"""The view of the importance-weighted bound: trainings, and signal to noise, each measured by a task."""

from dataclasses import replace

import numpy as np
import pytest

from dashboard.gradients import importance_weighted
from dashboard.runs import tasks
from dashboard.runs.runner import LocalRunner
from dashboard.runs.tasks import task_key
from tests.page_scripts import KINDS, charts, checked, home_tasks, numbers, open_page, runner, table, trained
from tests.polling import until
from vae_core.config import EncoderHead

__all__ = ["home_tasks", "runner"]  # fixtures

VIEW = {"gradients_view": "importance_weighted"}


def test_trainings_are_a_task_and_its_numbers_fit_each_other(
    home_tasks: tasks.Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importance_weighted, "NUM_EPOCHS", 1)
    at = open_page("gradients", **VIEW)
    next(b for b in at.button if b.key == "weighting_start").click().run()
    (name,) = home_tasks._tasks
    until(lambda: home_tasks.progress(name) is None, "the trainings")
    at = checked(at.run())
    assert "weighting" in charts(at)
    rows = table(at, "trained with")
    assert list(rows) == ["K = 1", "K = 5", "K = 50"]
    for log_evidence, _, elbo, gap in rows.values():
        first, bound = numbers(log_evidence)[0], numbers(elbo)[0]
        assert numbers(gap)[0] == pytest.approx(first - bound, abs=0.011)
        assert first > bound
    result = home_tasks.result(task_key("weighting", 1, importance_weighted.SEED))
    assert result is not None
    assert result["log_evidence"].shape == (3, 200)


@pytest.mark.parametrize("head", ["log_variance", "flow", "mixture"])
def test_signal_is_measured_for_the_model_in_view(
    head: EncoderHead, home_tasks: tasks.Tasks, runner: LocalRunner
) -> None:
    config = replace(KINDS["J=1"], model=replace(KINDS["J=1"].model, encoder_head=head))
    at = open_page("gradients", run=trained(runner, config), **VIEW)
    assert not at.info
    next(b for b in at.button if b.key == "signal_start").click().run()
    (name,) = home_tasks._tasks
    until(lambda: home_tasks.progress(name) is None, "signal and noise")
    at = checked(at.run())
    assert "signal" in charts(at)
    result = home_tasks.result(name)
    assert result is not None
    assert np.isfinite(result["ratio"]).all()
    assert any("the decoder's **" in text.value for text in at.markdown)
    is_said = any("implicit reparameterisation" in caption.value for caption in at.caption)
    assert is_said == (head == "mixture")


def test_a_deterministic_encoder_has_no_bound_to_weigh(runner: LocalRunner) -> None:
    at = open_page("gradients", run=trained(runner, KINDS["deterministic"]), **VIEW)
    assert any("no bound to weigh" in warning.value for warning in at.warning)
