"""A run that takes turns with others: what its line says, and that pages follow it as one that trains."""

from dataclasses import replace

import pytest

from dashboard.runs import scheduler as schedulers
from dashboard.runs.job import JobView
from dashboard.runs.runner import LocalRunner
from dashboard.shell import browser
from dashboard.train import live, steering
from tests.page_scripts import TINY, checked, open_page, runner, trained
from tests.polling import until
from vae_core.config import ModelConfig, RunConfig, TrainConfig

__all__ = ["runner"]  # a fixture
ME, OTHER = "a" * 32, "b" * 32
ENDLESS = RunConfig(
    model=ModelConfig(data_dim=64, hidden_dims=(8,)), train=TrainConfig(num_epochs=None, batch_size=500)
)


@pytest.fixture
def waiting(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> JobView:
    """A run that has begun and waits for its next turn."""
    monkeypatch.setattr(browser, "token", lambda: ME)
    view = runner.view(trained(runner, TINY))
    assert view is not None
    assert view.step > 0
    return replace(view, status="queued", message="", queue_position=2, owner=None)


def test_line_of_a_run_that_waits_says_where_it_stands_and_why(waiting: JobView) -> None:
    said = live.status_text(waiting)
    assert f"**Waiting** at step {waiting.step:,} · epoch" in said
    assert said.endswith("1 before it in the queue. Trainings take turns of 5 s.")
    lent = replace(waiting, queue_position=1, message="Its core is lent")
    assert live.status_text(lent).endswith("next in the queue. Its core is lent")
    before = live.status_text(replace(waiting, step=0, queue_position=1))
    assert "**Waiting**: next in the queue. It starts by itself: trainings take turns of 5 s" in before


@pytest.mark.parametrize(
    ("wanted_by", "words"),
    [
        ("", "η 0.001"),
        ("others", "Others wait: trainings take turns of 5 s."),
        ("owner", "they take turns of 5 s."),
    ],
)
def test_line_of_a_run_that_trains_says_that_others_wait(
    wanted_by: str, words: str, waiting: JobView
) -> None:
    view = replace(waiting, status="running", wanted_by=wanted_by)  # type: ignore[arg-type]
    assert live.status_text(replace(view, learning_rate=1e-3)).endswith(words)


def test_run_that_waits_for_its_turn_is_under_way(waiting: JobView) -> None:
    assert (waiting.is_under_way, steering._can_step(waiting)) == (True, True)
    not_begun = replace(waiting, step=0)
    assert (not_begun.is_under_way, steering._can_step(not_begun)) == (False, False)
    assert replace(waiting, status="running", step=0).is_under_way
    assert not replace(waiting, status="paused").is_under_way


def test_page_of_its_weights_is_not_drawn_anew_at_each_turn(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedulers, "TURN_S", 0.5)
    mine = runner.submit(ENDLESS, owner=ME)
    until(lambda: (view := runner.view(mine)) is not None and view.step > 0, "it trains")
    others = [runner.submit(ENDLESS, owner=f"{number:032x}") for number in range(runner.scheduler.cores)]
    statuses, stands = set[str](), set[str | None]()

    def has_taken_turns() -> bool:
        view = runner.view(mine)
        assert view is not None
        statuses.add(view.status)
        stands.add(runner.status(mine))
        return statuses == {"running", "queued"}

    until(has_taken_turns, "a turn that ends")
    assert stands == {"running"}
    until(lambda: (view := runner.view(mine)) is not None and view.status == "queued", "it waits")
    at = checked(open_page("latent_space", run=mine).run())
    assert any(f"{mine[:4]}, training" in markdown.value for markdown in at.markdown)
    assert any(button.label == "Newest weights" for button in at.button)
    for run_id, owner in [(mine, ME), *((one, f"{number:032x}") for number, one in enumerate(others))]:
        runner.send(run_id, "stop", owner=owner)
