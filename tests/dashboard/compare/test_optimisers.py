"""The view of the optimisers as a script: what it says is what the numbers are, and it stays usable."""

import re
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.compare.race import SMALL, SMALL_DATA, Raced, over_seeds, verdict
from dashboard.formats import signed
from dashboard.runs import tasks
from dashboard.runs.runner import LocalRunner
from tests.page_scripts import (
    KINDS,
    charts,
    checked,
    home_tasks,
    open_page,
    runner,
    table,
    tables_with_nameless_columns,
    trained,
    turn_to,
)
from tests.polling import until
from vae_core.__main__ import TASKS
from vae_core.config import RunConfig
from vae_core.labs.optimisers import Race, outcome, patience_stop, race_data, run_race

__all__ = ["home_tasks", "runner"]  # fixtures


SMALL_RUN: Final = replace(SMALL, train=replace(SMALL.train, num_epochs=2))


def opened(**query: str) -> AppTest:
    return open_page("compare", compare_view="optimisers", **query)


def choose(at: AppTest, key: str, option: str) -> AppTest:
    control = next(control for control in at.get("button_group") if control.key == key)
    return checked(control.set_value(option).run())  # type: ignore[attr-defined]


def text_with(at: AppTest, part: str) -> str:
    return next(text.value for text in (*at.markdown, *at.caption) if part in text.value)


def row(at: AppTest, label: str) -> list[str]:
    """Cells of the row of the table that is called ``label``."""
    return table(at, "measured")[label]


def slider(at: AppTest, key: str) -> Any:
    return next(s for s in (*at.slider, *at.select_slider) if s.key == key)


def test_opens_with_a_race_whose_numbers_are_those_of_the_core() -> None:
    at = opened()
    settings = [("sgd", 0.0, 0.02), ("sgd", 0.9, 0.005), ("adam", 0.9, 0.005)]
    runs = [
        replace(
            SMALL,
            train=replace(
                SMALL.train, optimizer=o, momentum=m, learning_rate=r, batch_size=32, num_epochs=40
            ),
        )
        for o, m, r in settings
    ]
    found = run_race(race_data(SMALL, SMALL_DATA), runs, on_progress=lambda _: None)
    stops = [patience_stop(line, 3) for line in found.validation]
    ends = [outcome(*line) for line in zip(found.validation, found.held_out, stops, strict=True)]
    assert row(at, "best epoch, by validation") == [str(end.best_epoch) for end in ends]
    assert row(at, "held-out ELBO at the best epoch") == [signed(end.best) for end in ends]
    assert row(at, "· keeps epoch") == [str(end.kept_epoch) for end in ends]
    assert row(at, "· its held-out ELBO") == [signed(end.kept) for end in ends]
    assert row(at, "stops at epoch (of 40)") == ["–" if end.stop is None else str(end.stop) for end in ends]
    # The reader's own differences come out: Adam's, of all digits, would be 0.55, and its lead 0.30.
    rows = (row(at, name) for name in ("held-out ELBO at the best epoch", "· its held-out ELBO"))
    best, kept = ([float(cell.replace("−", "-")) for cell in cells] for cells in rows)
    assert row(at, "· **missed**") == [f"{b - k:.2f}" for b, k in zip(best, kept, strict=True)]
    first, second, _ = sorted(best, reverse=True)
    assert f"{first - second:.2f} nats above" in text_with(at, "reaches the highest")
    assert "Training 256 · validation 144 · held-out 360 examples" in text_with(at, "Missed:")
    assert len(set(row(at, "held-out ELBO at the start"))) == 1
    verdict = text_with(at, "reaches the highest")
    winner = max(ends, key=lambda end: end.best)
    assert f"{winner.best:.2f}".replace("-", "−") in verdict
    assert "race" in charts(at)
    assert tables_with_nameless_columns(at) == []


def test_patience_moves_the_stops_and_trains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened()
    best = row(at, "held-out ELBO at the best epoch")
    monkeypatch.setattr("vae_core.labs.optimisers.run_race", lambda *_, **__: pytest.fail("trained again"))
    checked(slider(at, "race_patience").set_value(1).run())
    early = row(at, "stops at epoch (of 40)")
    checked(slider(at, "race_patience").set_value(45).run())
    assert row(at, "stops at epoch (of 40)") == ["–"] * 3
    assert "At least the 40 epochs" in text_with(at, "cannot stop any")
    assert "ends none of them" in text_with(at, "reaches the highest")
    choose(at, "race_stop", "change")
    assert all(int(cell) < 40 for cell in (*early, *row(at, "stops at epoch (of 40)")) if cell != "–")
    choose(at, "race_against", "seconds")
    assert row(at, "held-out ELBO at the best epoch") == best


def test_a_rate_that_diverges_is_named_with_its_step() -> None:
    at = opened()
    checked(slider(at, "race_rate1").set_value(1.0).run())
    said = re.search(r"\*\*SGD \+ momentum diverged at step (\d+)\*\*", text_with(at, "reaches the highest"))
    assert said is not None
    assert int(said[1]) > 1
    assert not at.error
    for number in (0, 2):
        slider(at, f"race_rate{number}").set_value(1.0)
    checked(at.run())
    assert row(at, "diverged at step")[1] == said[1]
    assert text_with(at, "Of a training that diverged the numbers are of the epochs before")
    assert len(row(at, "seconds, all epochs")) == 3
    assert not at.error


def raced_to(*ends: float, diverged: tuple[int, ...]) -> Raced:
    """Three trainings of two epochs; what diverges does so in its second one."""
    held_out = np.array(
        [[-50.0, end, np.nan if step else end - 1] for end, step in zip(ends, diverged, strict=True)]
    )
    seconds = np.where(np.isnan(held_out), np.nan, [0.0, 1.0, 2.0])
    race = Race(np.array([0, 8, 16]), held_out, held_out, held_out[:, 1:], seconds, np.array(diverged))
    return Raced(race, [SMALL_RUN] * 3, 64)


def test_what_diverged_is_not_compared() -> None:
    """SGD's last finite value lies between those of the others: it was named as the second best."""
    found = verdict(raced_to(-31.0, -32.0, -30.0, diverged=(12, 0, 0)), [None, None, 2])
    assert "**SGD diverged at step 12**: lower its learning rate." in found
    assert "**Adam** reaches the highest held-out ELBO: **−30.00** nats" in found
    assert "2.00 nats above SGD + momentum." in found
    assert "ends 1 of the 2 that did not diverge" in found
    # Ahead of all until it diverged: it does not lead either.
    found = verdict(raced_to(-31.0, -32.0, -20.0, diverged=(0, 0, 12)), [None, None, 1])
    assert "**Adam diverged at step 12**, after epoch 1, where the criterion would have stopped it" in found
    assert "**SGD** reaches the highest held-out ELBO: **−31.00** nats" in found
    assert "1.00 nats above SGD + momentum. The stopping criterion ends none that did not diverge" in found
    found = verdict(raced_to(-31.0, -32.0, -20.0, diverged=(9, 0, 12)), [None] * 3)
    assert "**SGD + momentum** reaches a held-out ELBO of **−32.00** nats" in found
    assert "nothing is left to compare it with" in found
    assert "above" not in found
    assert "reaches" not in verdict(raced_to(-31.0, -32.0, -20.0, diverged=(9, 9, 12)), [None] * 3)


def test_an_optimiser_that_diverged_with_a_seed_is_not_compared_over_seeds() -> None:
    races = [raced_to(-31.0 + seed / 10, -32.0, -20.0, diverged=(0, 0, 0)) for seed in range(4)]
    found = over_seeds([*races, raced_to(-31.0, -32.0, -20.0, diverged=(0, 0, 12))])
    assert "**SGD** is 1.12 ±\xa00.06 clearly above SGD + momentum." in found
    assert "Diverged, and so not compared: Adam with 1 of 5 seeds." in found
    assert "Adam −" not in found
    found = over_seeds([raced_to(-31.0, -32.0, -20.0, diverged=(0, 3, 12))] * 5)
    assert "SGD −31.00 ±" in found
    assert "Diverged, and so not compared: SGD + momentum with 5, Adam with 5 of 5 seeds." in found
    assert "above" not in found


def test_other_seeds_race_on_the_same_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks that the button starts, one of them computed here."""
    begun: list[tasks.Arrays] = []
    monkeypatch.setattr(tasks.Tasks, "start", lambda *_, inputs, **__: begun.append(inputs))
    opened().button(key="race_seeds_start").click().run()
    runs = [[RunConfig.from_json(str(text)) for text in inputs["runs"]] for inputs in begun]
    assert [[run.seed for run in three] for three in runs] == [[seed] * 3 for seed in range(1, 5)]
    found = TASKS["race"](begun[0], lambda _: None, [])
    expected = run_race(race_data(SMALL, SMALL_DATA), runs[0], on_progress=lambda _: None)
    assert found["held_out"].tolist() == expected.held_out.tolist()


def test_one_seed_has_no_verdict_and_five_have() -> None:
    """Curves that differ by the seed, Adam's 2 nats above the others: clear over a spread of 0.2, not 4."""
    assert "takes 5 seeds" in text_with(opened(), "which optimiser is better")
    raced = Raced(
        run_race(race_data(SMALL, 64), [SMALL_RUN] * 3, on_progress=lambda _: None), [SMALL_RUN] * 3, 64
    )
    for spread, said in ((0.2, "clearly above SGD"), (4.0, "not clearly above SGD")):
        races = []
        for seed in range(5):
            shifts = spread * np.array([[np.sin(seed)], [np.cos(seed)], [np.sin(2 * seed)]])
            curves = raced.race.held_out + shifts + np.array([[0.0], [0.0], [2.0]])
            races.append(raced._replace(race=raced.race._replace(held_out=curves)))
        found = over_seeds(races)
        assert f" {said}" in found
        assert ("not clearly above" in found) == (spread > 1)
    assert "takes 5 seeds" in over_seeds([raced] * 4)


def test_all_examples_in_a_batch_is_one_update_an_epoch() -> None:
    at = choose(opened(), "race_batch", "all")
    assert "1 updates an epoch, 40 for each optimiser. One update an epoch" in text_with(
        at, "updates an epoch"
    )


def assert_is_the_cores(result: tasks.Arrays | None) -> None:
    """What the background process wrote is what its settings give here, bit for bit."""
    assert result is not None
    runs = [RunConfig.from_json(str(text)) for text in result["runs"]]
    assert [run.train.optimizer for run in runs] == ["sgd", "sgd", "adam"]
    found = run_race(race_data(runs[0], int(result["num_data"])), runs, on_progress=lambda _: None)
    for name in ("steps", "validation", "held_out", "train", "diverged"):
        assert result[name].tolist() == getattr(found, name).tolist(), name


def test_longer_race_is_a_task_and_the_last_one_stays(runner: LocalRunner, home_tasks: tasks.Tasks) -> None:
    at = choose(opened(run=trained(runner, KINDS["points"])), "race_data", "run")
    at.number_input(key="race_epochs_run").set_value(2).run()
    assert "Two moons" in text_with(at, "hidden layers 8")
    assert "race" not in charts(at)
    at.button(key="race_start").click().run()
    (name,) = home_tasks._tasks
    until(lambda: home_tasks.progress(name) is None, "the race")
    assert home_tasks.error(name) is None
    assert_is_the_cores(home_tasks.result(name))
    at = checked(at.run())
    best = row(at, "held-out ELBO at the best epoch")
    assert len(best) == 3
    checked(slider(at, "race_rate2").set_value(0.02).run())
    assert text_with(at, "The controls have changed since this result")
    assert row(at, "held-out ELBO at the best epoch") == best
    assert at.button(key="race_start")
    checked(slider(at, "race_rate2").set_value(0.005).run())
    turn_to(at, "latent_space")
    assert row(turn_to(at, "compare"), "held-out ELBO at the best epoch") == best


def test_race_is_cancelled(home_tasks: tasks.Tasks) -> None:
    at = choose(opened(), "race_batch", "one")
    at.button(key="race_start").click().run()
    (name,) = home_tasks._tasks
    until(lambda: (progress := home_tasks.progress(name)) is not None and progress.done > 0, "progress")
    at = checked(at.run())
    at.button(key="race_cancel").click().run()
    assert home_tasks.progress(name) is None
    assert (home_tasks.result(name), home_tasks.error(name)) == (None, None)
    assert checked(at.run()).button(key="race_start")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_may_race(runner: LocalRunner, kind: str) -> None:
    at = choose(opened(run=trained(runner, KINDS[kind])), "race_data", "run")
    assert at.button(key="race_start")
    assert not at.error
    runs = [
        replace(KINDS[kind], train=replace(KINDS[kind].train, learning_rate=rate)) for rate in (1e-3, 2e-3)
    ]
    found = run_race(race_data(runs[0], 0), runs, on_progress=lambda _: None)
    assert np.isfinite(found.held_out).all()


def test_surface_ends_are_decoded_and_compared() -> None:
    at = opened(optimiser_view="surface")
    said = text_with(at, "The top is")
    assert "SGD + momentum ends within one nat" in said
    assert "descent" in charts(at)
    slider(at, "surface_z1").set_value(0.0)
    slider(at, "surface_z2").set_value(0.0)
    at = checked(at.run())
    assert "All three end within one nat of the top" in text_with(at, "nat of the top")
    slider(at, "surface_example").set_value(359)
    for number in range(3):
        slider(at, f"surface_rate{number}").set_value(1.0)
    assert not checked(at.run()).error
