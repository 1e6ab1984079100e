"""A sweep of β: what is typed, what is started, how it stands, and that it goes on after a restart."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.compare.sweep import MAX_SWEEP, parse_betas, seconds_left, share_done, sweep_configs
from dashboard.runs import runner as jobs
from dashboard.runs.job import JobView
from dashboard.runs.runner import LocalRunner
from dashboard.shell import browser
from tests.page_scripts import TINY, charts, checked, open_page, query, runner, table
from tests.polling import until
from vae_core.config import RunConfig, TrainConfig
from vae_core.errors import BadInput

__all__ = ["runner"]  # a fixture

TOKEN: Final = "0" * 32
FAST: Final = {"hidden": "8", "batch_size": "256", "sweep_epochs": "2"}
"""Settings in a link: a run of them takes a moment."""


@pytest.fixture(autouse=True)
def one_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "token", lambda: TOKEN)


def button(at: AppTest, key: str) -> Any:
    return next(one for one in at.button if one.key == key)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.1, 0.5, 1", (0.1, 0.5, 1.0)),
        ("4;2 1", (4.0, 2.0, 1.0)),
        ("1, 1.0, 1e0", (1.0,)),
        ("0", (0.0,)),
    ],
)
def test_betas_from_text(text: str, said: tuple[float, ...]) -> None:
    assert parse_betas(text) == said


@pytest.mark.parametrize(
    "text", ["", "one", "1, -1", "nan", "inf", "1e9", ", ".join(map(str, range(MAX_SWEEP + 1)))]
)
def test_betas_that_are_none(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_betas(text)
    assert refused.value.code == "beta"


def test_runs_of_a_sweep_differ_in_beta_alone() -> None:
    train = TrainConfig(beta_schedule="linear", patience=3, num_epochs=None)
    base = replace(TINY, train=train, hold=True)
    one, other = sweep_configs(base, (0.5, 2.0), 7)
    assert replace(one, train=replace(one.train, beta=2.0)) == other
    assert (one.train.num_epochs, one.train.patience, one.train.beta_schedule, one.hold) == (
        7,
        None,
        "constant",
        False,
    )


def view(status: str, step: int, *, num_steps: int = 100, rate: float = 0.0) -> JobView:
    return JobView(
        run_id="0" * 16,
        config=TINY,
        status=status,
        message="",
        step=step,
        num_steps=num_steps,
        epoch=0,
        num_epochs=1,
        patience=None,
        beta=1.0,
        learning_rate=1e-3,
        speed=None,
        steps_per_second=rate,
        version=0,
        queue_position=0,
    )


def test_time_left_is_that_of_all_runs_at_the_rate_of_those_that_train() -> None:
    """150 steps are to be made, one run makes 25 a second: 6 s. A queued run does not know its length yet."""
    views = [view("finished", 100), view("running", 50, rate=25.0), view("queued", 0, num_steps=0)]
    assert seconds_left(views) == 6.0
    assert share_done(views) == 0.5
    assert seconds_left(views[2:]) is None
    assert share_done(views[2:]) == 0.0


def test_a_sweep_goes_through_the_queue_and_ends_as_a_comparison(runner: LocalRunner) -> None:
    at = open_page("compare", sweep_betas="0.5, 2", **FAST)
    assert "Train 2 runs" in button(at, "sweep_start").label
    checked(button(at, "sweep_start").click().run())
    ids = query(at)["compare_runs"].split(",")
    assert len(ids) == 2
    abouts = [runner.store.about(run_id) for run_id in ids]
    assert abouts[0].sweep is not None
    assert abouts[0].sweep == abouts[1].sweep

    def has_ended() -> bool:
        checked(at.run())
        return all((one := runner.view(run_id)) is not None and one.status == "finished" for run_id in ids)

    until(has_ended, "the sweep")
    checked(at.run())
    assert [label.replace("\\", "") for label in table(at, "run")] == ["β 0.5", "β 2"]
    assert "runs_rates" in charts(at)
    other = open_page("compare")
    assert [pills.key for pills in other.get("button_group") if pills.key == "sweep_earlier"]
    assert "No runs are chosen" in other.info[0].value, "there are runs: nobody is told to train some first"
    checked(button(other, "compare_newest").click().run())
    assert query(other)["compare_runs"].split(",") == ids, "the older one is what the other is compared with"
    assert not other.info


def test_a_sweep_goes_on_after_a_restart_and_is_cancelled_only_by_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = LocalRunner(tmp_path, max_running=1)
    configs = sweep_configs(replace(TINY, train=replace(TINY.train, batch_size=16)), (0.5, 2.0), 100_000)
    ids = [first.submit(config, owner=TOKEN, tags=("sweep 0000",)) for config in configs]

    def stand(runner: LocalRunner) -> list[JobView]:
        return [view for run_id in ids if (view := runner.view(run_id)) is not None]

    until(lambda: stand(first)[0].step > 0, "the first run trains")
    first.close()
    second = LocalRunner(tmp_path, max_running=1)
    monkeypatch.setattr(jobs, "_runner", second)
    before = stand(second)
    try:
        assert [view.status for view in before] == ["interrupted", "interrupted"]
        at = open_page("compare", compare_runs=",".join(ids))
        checked(button(at, "sweep_resume").click().run())
        until(
            lambda: all(now.step > then.step for now, then in zip(stand(second), before, strict=True)),
            "both go on, in one process",
        )
        captions = [one.value.replace("\\", "") for one in checked(at.run()).caption]
        said = next(text for text in captions if "follow by themselves" in text)
        assert said == "Still training: β 0.5, β 2. The numbers follow by themselves."
        with monkeypatch.context() as patch:
            patch.setattr(browser, "token", lambda: "1" * 32)
            stranger = open_page("compare", compare_runs=",".join(ids))
            assert "Sweep: 0 of 2 runs ended" in stranger.get("progress")[0].proto.text  # type: ignore[attr-defined]
            assert not [one for one in stranger.button if one.key == "sweep_cancel"]
        checked(at.run())
        checked(button(at, "sweep_cancel").click().run())
        until(lambda: {view.status for view in stand(second)} == {"stopped"}, "the sweep is cancelled")
    finally:
        second.close()


def test_a_full_queue_says_how_many_began(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def submit(configs: Sequence[RunConfig], **options: Any) -> list[str]:
        if begun:
            raise BadInput("queue", "20 computations of yours are waiting already", "let them begin first")
        begun.extend(runner.store.create(config, owner=None) for config in configs)
        return begun

    monkeypatch.setattr(runner, "in_groups", lambda configs: [configs[:1], configs[1:]])
    monkeypatch.setattr(runner, "submit_together", submit)
    at = open_page("compare", sweep_betas="1, 2, 3", **FAST)
    checked(button(at, "sweep_start").click().run())
    assert "1 of 3 runs were started: 20 computations of yours" in at.warning[0].value
    assert query(at)["compare_runs"] == begun[0]
