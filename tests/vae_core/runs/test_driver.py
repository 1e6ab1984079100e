"""The loop inside a worker, without the process: its ends, its limits, and a disk that is full."""

import errno
import io
import itertools
import json
import math
import queue
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch

from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.elbo import evaluate
from vae_core.errors import BadInput
from vae_core.runs import driver, worker
from vae_core.runs.driver import END_OF_INPUT, Command, Driver, Rate, open_training
from vae_core.runs.runfile import load_run
from vae_core.runs.snapshot import HISTORY_COLUMNS, best_step, change_rows, read_snapshot
from vae_core.training.by_hand import Means
from vae_core.training.loop import Training

MODEL: Final = ModelConfig(data_dim=64, hidden_dims=(4,))
Commands = queue.SimpleQueue[Command]


def config_of(**train: Any) -> RunConfig:
    return RunConfig(model=MODEL, train=TrainConfig(**{"num_epochs": 2, "batch_size": 500, **train}))


def prepared(folder: Path, config: RunConfig, *commands: Command) -> tuple[Driver, io.StringIO, Commands]:
    (folder / "config.json").write_text(config.to_json())
    waiting, output = Commands(), io.StringIO()
    for command in commands:
        waiting.put(command)
    return Driver(folder, waiting, output), output, waiting


def column(folder: Path, name: str) -> list[float]:
    return load_run(folder / "run.safetensors").history[:, HISTORY_COLUMNS.index(name)].tolist()


def events(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def end_of(folder: Path, config: RunConfig, *commands: Command) -> dict[str, Any]:
    run, output, _ = prepared(folder, config, *commands)
    run.run()
    assert json.loads((folder / "status.json").read_text("utf-8")) == events(output)[-1]
    return events(output)[-1]


def stopped_after(updates: int, folder: Path, config: RunConfig, *commands: Command) -> dict[str, Any]:
    run, output, waiting = prepared(folder, config, *commands)
    for number, _ in enumerate(run.turns(), 1):
        if number == updates:
            waiting.put({"command": "stop"})
    return events(output)[-1]


def test_a_run_ends_when_its_epochs_are_done(tmp_path: Path) -> None:
    end = end_of(tmp_path, config_of())
    assert (end["event"], end["status"], end["step"], end["epoch"]) == ("end", "finished", 6, 2)
    assert end["message"] == "Finished: all 2 epochs are done."
    assert load_run(tmp_path / "run.safetensors").status == "finished"


def weights_of(folder: Path) -> torch.Tensor:
    weights = load_run(folder / "run.safetensors").weights
    return torch.cat([weights[name].flatten() for name in sorted(weights)])


RESUME: Final[Command] = {"command": "resume"}
STEP: Final[Command] = {"command": "step", "unit": "step"}
EPOCH: Final[Command] = {"command": "step", "unit": "epoch"}
ENDINGS: Final[dict[str, dict[str, Any]]] = {
    "adam": {},
    "sgd": {"optimizer": "sgd", "learning_rate": 1e-3},
    "linear": {"beta_schedule": "linear", "schedule_epochs": 3},
    "cyclical": {"beta_schedule": "cyclical", "schedule_epochs": 3, "num_samples": 2},
    "patient": {"num_epochs": 50, "patience": 1, "learning_rate": 0.1},
}


@pytest.mark.parametrize("case", ENDINGS)
def test_a_run_past_its_end_is_one_that_never_had_an_end(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit, also in a third process; and it stays without an end."""
    monkeypatch.setattr(driver, "PAUSE_LIMIT_S", 0.01)
    ended, endless = tmp_path / "ended", tmp_path / "endless"
    ended.mkdir()
    endless.mkdir()
    settings = ENDINGS[case]
    first = end_of(ended, config_of(**settings))
    assert first["status"] == ("stopped_early" if case == "patient" else "finished")
    assert first["num_epochs"] is not None
    assert first["patience"] == settings.get("patience")
    for epochs in (1, 2):
        end = end_of(ended, config_of(**settings), EPOCH)
        assert (end["status"], end["epoch"]) == ("interrupted", first["epoch"] + epochs)
        assert (end["num_epochs"], end["num_steps"], end["patience"]) == (None, None, None)
    # With patience there is a validation part: one that never runs out has no end.
    patience = 1_000_000 if case == "patient" else None
    without = config_of(**{**settings, "num_epochs": None, "patience": patience})
    whole, _, commands = prepared(endless, replace(without, hold=True))
    for _ in range(first["epoch"] + 2):
        commands.put(EPOCH)
    whole.run()
    assert load_run(endless / "run.safetensors").step == end["step"]
    assert torch.equal(weights_of(ended), weights_of(endless))


def test_a_finished_run_goes_on_when_it_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "LOOK_EVERY_S", 1e9)
    monkeypatch.setattr(driver, "FIRST_LOOK_S", 1e9)
    assert end_of(tmp_path, config_of())["status"] == "finished"
    end = stopped_after(1, tmp_path, config_of(), RESUME)
    assert (end["status"], end["step"], end["epoch"]) == ("stopped", 7, 2)
    assert column(tmp_path, "step") == [0, 6, 7]


@pytest.mark.parametrize("status", ["stopped", "interrupted"])
def test_a_run_that_was_stopped_before_its_end_keeps_its_end(
    status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(config_of(), hold=True)
    if status == "stopped":
        end = stopped_after(1, tmp_path, config, RESUME)
    else:
        with monkeypatch.context() as short:
            short.setattr(driver, "PAUSE_LIMIT_S", 0.01)
            end = end_of(tmp_path, config, STEP)
    assert (end["status"], end["step"], end["num_steps"]) == (status, 1, 6)
    end = end_of(tmp_path, config, RESUME)
    assert (end["status"], end["step"], end["num_steps"]) == ("finished", 6, 6)
    whole = tmp_path / "whole"
    whole.mkdir()
    end_of(whole, config_of())
    assert torch.equal(weights_of(tmp_path), weights_of(whole))


def test_no_epochs_show_the_untrained_model(tmp_path: Path) -> None:
    end = end_of(tmp_path, config_of(num_epochs=0))
    assert (end["status"], end["step"], end["rows"], end["version"]) == ("finished", 0, 1, 2)


def test_patience_ends_a_run_by_name(tmp_path: Path) -> None:
    end = end_of(tmp_path, config_of(num_epochs=100, patience=1, learning_rate=100.0))
    assert end["status"] == "stopped_early"
    assert end["message"] == (
        "Stopped early: the validation ELBO has not risen for 1 epoch. It trained to step 6; its weights are "
        "those of step 3, the best by the validation ELBO."
    )
    assert (end["epoch"], end["step"]) == (1, 3)


PATIENT: Final[dict[str, Any]] = {"num_epochs": 50, "patience": 2, "learning_rate": 0.1}


def test_a_run_that_stops_early_is_saved_as_it_was_at_its_best_step(tmp_path: Path) -> None:
    end = end_of(tmp_path, config_of(**PATIENT))
    run, snapshot = load_run(tmp_path / "run.safetensors"), read_snapshot(tmp_path / "snapshot.safetensors")
    best = best_step(run.validation)
    assert best is not None
    assert (run.step, snapshot.step, end["step"]) == (best, best, best)
    assert run.ended_at is not None
    assert run.ended_at == best + 2 * 3
    assert run.validation[:, 0].tolist() == list(range(3, run.ended_at + 1, 3)), "a row for each epoch"
    assert run.history[-1, 0] == best, "what is reported of the run is of its weights"
    assert run.later[-1, 0] == run.ended_at, "and its curves show what came after"
    assert (run.later[:, 0] > best).all()
    for name in ("history", "later", "validation"):
        assert np.array_equal(getattr(run, name), getattr(snapshot, name), equal_nan=True), name
    assert snapshot.parts == (1293, 144, 360)
    data = load_dataset("digits", validation=True)
    for x, seed, found in (
        (data.x_test, 0, run.history[-1, HISTORY_COLUMNS.index("elbo_held_out")]),
        (data.x_validation, 0, run.validation[:, 1].max()),
    ):
        assert x is not None
        assert evaluate(run.model(), x, generator=torch.Generator().manual_seed(seed)).elbo == found


def test_a_run_without_patience_has_no_validation_part(tmp_path: Path) -> None:
    end_of(tmp_path, config_of())
    run, snapshot = load_run(tmp_path / "run.safetensors"), read_snapshot(tmp_path / "snapshot.safetensors")
    assert (len(run.validation), len(run.later), run.ended_at) == (0, 0, None)
    assert snapshot.parts == (1437, 0, 360)
    assert not [name for name in run.state_tensors if name.startswith("best")]


def test_a_run_that_is_interrupted_before_it_stops_early_ends_as_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit, with the best step in the first process and the stop in the second."""
    monkeypatch.setattr(driver, "PAUSE_LIMIT_S", 0.01)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    config = config_of(**PATIENT)
    end_of(whole, config)
    expected = load_run(whole / "run.safetensors")
    assert expected.ended_at is not None
    driven, _, commands = prepared(parts, replace(config, hold=True))
    for _ in range((expected.ended_at - 1) // 3):
        commands.put(EPOCH)
    driven.run()
    half = load_run(parts / "run.safetensors")
    assert expected.step < half.step < expected.ended_at
    assert half.status == "interrupted"
    assert end_of(parts, config, RESUME)["status"] == "stopped_early"
    found = load_run(parts / "run.safetensors")
    assert torch.equal(weights_of(parts), weights_of(whole))
    assert found.state_scalars == expected.state_scalars
    for name, value in expected.state_tensors.items():
        assert torch.equal(value, found.state_tensors[name]), name
    assert np.array_equal(found.validation, expected.validation)
    assert (found.history[-1, 0], found.later[-1, 0]) == (expected.step, expected.ended_at)


def test_a_run_that_goes_on_from_its_best_step_forgets_what_came_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "PAUSE_LIMIT_S", 0.01)
    config = config_of(**PATIENT)
    end_of(tmp_path, config)
    ended = load_run(tmp_path / "run.safetensors")
    end_of(tmp_path, config)
    assert len(load_run(tmp_path / "run.safetensors").later) == len(ended.later), "nothing was trained yet"
    end = end_of(tmp_path, config, EPOCH)
    run = load_run(tmp_path / "run.safetensors")
    assert (end["step"], run.step, run.ended_at, len(run.later)) == (ended.step + 3, ended.step + 3, None, 0)
    assert run.validation[:, 0].tolist() == list(range(3, run.step + 1, 3))
    again = ended.validation[len(run.validation) - 1]
    assert run.validation[-1].tolist() == again.tolist(), "with nothing changed it goes the same way"


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_run_that_is_stopped_by_hand_keeps_its_last_weights(
    epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "PAUSE_LIMIT_S", 0.01)
    config = replace(config_of(num_epochs=100, patience=5, learning_rate=100.0), hold=True)
    end = end_of(tmp_path, config, *[EPOCH] * epochs, STEP)
    run = load_run(tmp_path / "run.safetensors")
    assert end["status"] == "interrupted"
    assert (run.step, run.ended_at, run.state_scalars["best_step"]) == (3 * epochs + 1, None, 3)
    assert run.history[-1, 0] == run.step


def test_a_clamped_batch_is_mentioned(tmp_path: Path) -> None:
    run, output, _ = prepared(tmp_path, config_of(batch_size=10_000))
    run.run()
    assert events(output)[0]["message"] == "Batch size 1437: all the training examples there are."


def test_waiting_commands_are_obeyed_before_the_first_update(tmp_path: Path) -> None:
    end = end_of(tmp_path, config_of(), {"command": "set", "beta": 2}, {"command": "stop"})
    assert (end["status"], end["step"], end["beta"]) == ("stopped", 0, 2)


def test_a_forgotten_pause_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "PAUSE_LIMIT_S", 0.05)
    end = end_of(tmp_path, config_of(), {"command": "pause"})
    assert end["status"] == "interrupted"
    assert "at step 0, and saved." in end["message"]


def test_the_end_of_a_pause_is_said_before_and_a_command_takes_the_warning_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "PAUSE_LIMIT_S", 120.0)
    config = replace(config_of(), hold=True)
    run, output, commands = prepared(tmp_path, config)
    emit = run._emit

    def answer(event: dict[str, Any]) -> None:
        emit(event)
        if "Resume goes on" in event.get("message", ""):
            commands.put({"command": "set", "beta": 2.0})
            commands.put(END_OF_INPUT)

    monkeypatch.setattr(run, "_emit", answer)
    run.run()
    told = [(event["status"], event["message"]) for event in events(output)]
    warning = (
        "The server saves a paused run and ends its process after 15 minutes: in 2 minutes; Resume goes on."
    )
    assert told[-4:-2] == [("paused", warning), ("paused", "")]


def test_a_run_without_a_last_epoch_does_not_end_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it trains: here by a clock that goes on by an hour with each look at it."""
    hours = itertools.count(0.0, 3600.0)
    monkeypatch.setattr(driver.time, "monotonic", lambda: next(hours))
    end = stopped_after(50, tmp_path, config_of(num_epochs=None))
    assert (end["status"], end["step"], end["message"]) == ("stopped", 50, "Stopped at step 50.")


def test_the_end_of_input_saves(tmp_path: Path) -> None:
    end = end_of(tmp_path, config_of(), END_OF_INPUT)
    assert (end["status"], end["message"]) == ("interrupted", "Interrupted at step 0: the server stopped.")
    assert load_run(tmp_path / "run.safetensors").status == "interrupted"


DIVERGING: Final = RunConfig(
    model=ModelConfig(data_dim=2, likelihood="gaussian", activation="relu"),
    train=TrainConfig(optimizer="sgd", learning_rate=1e3, num_epochs=3),
    dataset="pinwheel",
)


def test_a_diverged_run_goes_on_with_a_lower_rate_and_says_when_it_diverges_again(tmp_path: Path) -> None:
    first = end_of(tmp_path, DIVERGING)
    assert first["status"] == "diverged"
    message = re.fullmatch(
        r"Diverged at step (\d+): lower the learning rate and go on; "
        r"the last good state is kept \(step 0\)\.",
        first["message"],
    )
    assert message is not None
    assert int(message[1]) > 1
    assert (first["step"], column(tmp_path, "step")) == (0, [0])
    again = end_of(tmp_path, DIVERGING, RESUME)
    assert (again["status"], again["learning_rate"], again["message"]) == ("diverged", 1e3, first["message"])
    end = end_of(tmp_path, DIVERGING, {"command": "set", "learning_rate": 1e-3}, RESUME)
    assert (end["status"], end["epoch"], end["learning_rate"]) == ("finished", 3, 1e-3)
    assert torch.isfinite(weights_of(tmp_path)).all()


def test_a_diverged_run_falls_back_on_its_last_good_look_with_the_settings_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A raised learning rate breaks the model; a look in between sees a bad one, which is not kept."""
    monkeypatch.setattr(driver, "KEEP_EVERY_S", 0.0)
    monkeypatch.setattr(driver, "PAUSE_LIMIT_S", 0.01)
    config = replace(DIVERGING, train=replace(DIVERGING.train, learning_rate=1e-3), hold=True)
    good = end_of(tmp_path, config, EPOCH)
    assert good["status"] == "interrupted"
    kept, rows = weights_of(tmp_path), column(tmp_path, "step")
    raised: Command = {"command": "set", "learning_rate": 1e3, "beta": 0.5}
    script = {good["step"]: raised, good["step"] + 1: RESUME}
    end = scripted(tmp_path, config, script, STEP)
    assert end["status"] == "diverged"
    assert (end["step"], end["learning_rate"], end["beta"]) == (good["step"], 1e3, 0.5)
    assert torch.equal(weights_of(tmp_path), kept)
    assert column(tmp_path, "step") == rows
    end = end_of(tmp_path, config, {"command": "set", "learning_rate": 1e-3}, RESUME)
    assert (end["status"], end["epoch"]) == ("finished", 3)
    steps = column(tmp_path, "step")
    assert steps == sorted(set(steps))


def test_a_run_that_falls_back_keeps_what_was_set_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "LOOK_EVERY_S", 1e9)
    monkeypatch.setattr(driver, "FIRST_LOOK_S", 1e9)
    raised: Command = {"command": "set", "learning_rate": 1e3, "beta": 0.5}
    config = replace(DIVERGING, train=replace(DIVERGING.train, learning_rate=1e-3))
    end = scripted(tmp_path, config, {2: raised})
    assert (end["status"], end["step"]) == ("diverged", 0)
    assert (end["learning_rate"], end["beta"]) == (1e3, 0.5)


def test_the_first_update_after_a_resume_may_diverge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end_of(tmp_path, config_of())
    saved = weights_of(tmp_path)
    monkeypatch.setattr(Training, "_differentiate", lambda *_: Means(math.nan, math.nan, math.nan))
    end = end_of(tmp_path, config_of(), RESUME)
    assert end["message"].startswith("Diverged at step 7: ")
    assert end["message"].endswith("(step 6).")
    assert torch.equal(weights_of(tmp_path), saved)


class Scripted(Commands):
    """Commands that come before a given update: what a slider sends while the run goes."""

    def __init__(self, script: dict[int, Command]) -> None:
        super().__init__()
        self._script = script
        self.training: Training | None = None

    def get(self, block: bool = True, timeout: float | None = None) -> Command:
        step = 0 if self.training is None else self.training.step
        return self._script.pop(step) if step in self._script else super().get(block, timeout)


def scripted(folder: Path, config: RunConfig, script: dict[int, Command], *first: Command) -> dict[str, Any]:
    (folder / "config.json").write_text(config.to_json())
    commands, output = Scripted(dict(script)), io.StringIO()
    for command in first:
        commands.put(command)
    run = Driver(folder, commands, output)
    commands.training = run.training
    run.run()
    return events(output)[-1]


def changes(folder: Path, *, is_scheduled: bool = False) -> list[tuple[list[float], list[float]]]:
    """Step, beta and learning rate in the rows around each change."""
    history = load_run(folder / "run.safetensors").history
    names = [HISTORY_COLUMNS.index(name) for name in ("step", "beta", "learning_rate")]
    before = change_rows(history, is_scheduled=is_scheduled)
    return [(history[row, names].tolist(), history[row + 1, names].tolist()) for row in before]


@pytest.mark.parametrize("schedule", ["constant", "linear"])
def test_each_live_change_stands_between_two_rows(
    schedule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However seldom the run is looked at, no effect stands before its cause."""
    monkeypatch.setattr(driver, "LOOK_EVERY_S", 1e9)
    monkeypatch.setattr(driver, "FIRST_LOOK_S", 1e9)
    monkeypatch.setattr(driver, "CHANGES_APART_S", 0.0)
    monkeypatch.setattr(driver, "CHANGES_SHARE", 1.0)
    script: dict[int, Command] = {
        5: {"command": "set", "beta": 4.0},
        6: {"command": "set", "beta": 4.0},
        20: {"command": "set", "learning_rate": 0.01},
        21: {"command": "set", "beta": 0.1, "learning_rate": 0.02},
        25: {"command": "set", "speed": None},
    }
    scripted(tmp_path, config_of(num_epochs=10, beta_schedule=schedule, schedule_epochs=5), script)
    scheduled = 1.0 if schedule == "constant" else pytest.approx(5 / 3 / 5, rel=0.1)
    found = changes(tmp_path, is_scheduled=schedule != "constant")
    assert found == [
        ([5, scheduled, 2e-3], [6, 4, 2e-3]),
        ([20, 4, 2e-3], [21, 4, 0.01]),
        ([21, 4, 0.01], [22, 0.1, 0.02]),
    ]
    assert column(tmp_path, "step") == [0, 5, 6, 20, 21, 22, 30]
    assert read_snapshot(tmp_path / "snapshot.safetensors").beta_moves == (5, 21)


def test_changes_that_follow_each_other_fast_are_measured_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first, and after the first and the last: dragging costs no more than looking."""
    monkeypatch.setattr(driver, "LOOK_EVERY_S", 1e9)
    monkeypatch.setattr(driver, "FIRST_LOOK_S", 1e9)
    monkeypatch.setattr(driver, "CHANGES_APART_S", 1e9)
    script: dict[int, Command] = {step: {"command": "set", "beta": step / 4} for step in range(10, 25)}
    scripted(tmp_path, config_of(num_epochs=10), script)
    assert column(tmp_path, "step") == [0, 10, 11, 30]
    assert column(tmp_path, "beta") == [1.0, 1.0, 2.5, 6.0]


def test_a_change_while_paused_stands_between_two_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "PAUSE_LIMIT_S", 0.01)
    config = replace(config_of(), hold=True)
    sets: list[Command] = [{"command": "set", "beta": beta} for beta in (2.0, 3.0)]
    end_of(tmp_path, config, *sets, STEP)
    assert changes(tmp_path) == [([0, 1, 2e-3], [1, 3, 2e-3])]
    end_of(tmp_path, config, {"command": "set", "beta": 0.5}, STEP)
    assert changes(tmp_path)[1:] == [([1, 3, 2e-3], [2, 0.5, 2e-3])]


def test_a_paused_run_is_written_again_only_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "PAUSE_LIMIT_S", 0.01)
    written = []
    monkeypatch.setattr("vae_core.runs.folder.save_run", lambda path, run: written.append(run.status))
    save: Command = {"command": "save"}
    commands = (save, save, {"command": "set", "beta": 2.0}, save, save)
    run, output, _ = prepared(tmp_path, replace(config_of(), hold=True), *commands)
    run.run()
    assert written == ["paused", "paused", "interrupted"]
    assert [event["saves"] for event in events(output)] == [1, 2, 2, 3, 4, 4, 4, 4, 5]


def test_seconds_are_of_updates_without_pauses_and_slow_motion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that goes on a second with each update, and 100 with each wait."""
    now = 0.0

    def goes_on(seconds: float) -> None:
        nonlocal now
        now += seconds

    update, wait_for_command = Training._update, Driver._next_while_paused

    def slow(self: Training, x: torch.Tensor, beta: float) -> Means:
        goes_on(1.0)
        return update(self, x, beta)

    def paused(self: Driver) -> Command:
        goes_on(100.0)
        return wait_for_command(self)

    monkeypatch.setattr(driver.time, "monotonic", lambda: now)
    monkeypatch.setattr(Training, "_update", slow)
    monkeypatch.setattr(Driver, "_next_while_paused", paused)
    monkeypatch.setattr(Driver, "_wait", lambda self, seconds: goes_on(100.0))
    monkeypatch.setattr(driver, "LOOK_EVERY_S", 1e9)
    commands: tuple[Command, ...] = ({"command": "pause"}, STEP, {"command": "set", "speed": 3}, RESUME)
    assert end_of(tmp_path, config_of(), *commands)["status"] == "finished"
    assert now > 500
    assert column(tmp_path, "seconds") == column(tmp_path, "step")
    assert column(tmp_path, "step")[-1] == 6


def test_a_save_between_two_looks_keeps_the_means_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes on from a save knows nothing of the updates before it: they are in its last row."""
    monkeypatch.setattr(driver, "LOOK_EVERY_S", 1e9)
    monkeypatch.setattr(driver, "FIRST_LOOK_S", 1e9)
    scripted(tmp_path, config_of(num_epochs=4), {4: {"command": "save"}, 7: {"command": "stop"}})
    end_of(tmp_path, config_of(num_epochs=4), RESUME)
    assert column(tmp_path, "step") == [0, 4, 7, 12]
    elbo = [step.elbo for step in open_training(config_of(num_epochs=4), None).steps()]
    means = [sum(elbo[a:b]) / (b - a) for a, b in ((0, 4), (4, 7), (7, 12))]
    assert column(tmp_path, "elbo_train")[1:] == pytest.approx(means)


def test_a_stop_right_after_weights_became_nan_is_a_divergence(tmp_path: Path) -> None:
    run, output, _ = prepared(tmp_path, config_of(), {"command": "stop"})
    with torch.no_grad():
        run.training.model.encoder.biases[0][0] = float("nan")
    run.run()
    assert events(output)[-1]["status"] == "diverged"
    load_run(tmp_path / "run.safetensors").model()


@pytest.mark.parametrize("target", ["save_run", "write_snapshot", "write_atomically"])
def test_a_full_disk_is_reported_and_does_not_end_the_run(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    run, output, _ = prepared(tmp_path, config_of())
    monkeypatch.setattr(f"vae_core.runs.folder.{target}", full)
    run.run()
    end = events(output)[-1]
    is_lost = target == "save_run"
    assert (end["status"], end["step"]) == ("crashed" if is_lost else "finished", 6)
    lost = " Not saved (No space left on device): Resume begins anew; free some disk space first."
    assert end["message"] == "Finished: all 2 epochs are done." + (lost if is_lost else "")
    written = {"save_run": (0, True), "write_snapshot": (1, False), "write_atomically": (1, True)}
    assert (end["saves"], end["version"] > 0) == written[target]
    told = [event["message"] for event in events(output)]
    if target == "write_snapshot":
        said = "The curves cannot be kept (No space left on device): free some"
        assert any(text.startswith(said) for text in told)


def test_a_closed_output_does_not_end_the_run(tmp_path: Path) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    (tmp_path / "config.json").write_text(config_of().to_json())
    Driver(tmp_path, Commands(), Gone()).run()
    assert load_run(tmp_path / "run.safetensors").step == 6


def break_size(folder: Path) -> None:
    config = RunConfig(model=ModelConfig(data_dim=65))
    (folder / "config.json").write_text(config.to_json())


def break_text(folder: Path) -> None:
    (folder / "config.json").write_bytes(b"\xff\xfe")


def break_run(folder: Path) -> None:
    (folder / "config.json").write_text(config_of().to_json())
    (folder / "run.safetensors").write_bytes(b"half a run")


@pytest.mark.parametrize(
    ("damage", "code"),
    [(lambda folder: None, "config"), (break_text, "config"), (break_size, "data_dim"), (break_run, "run")],
)
def test_a_run_that_cannot_start_is_refused(
    damage: Callable[[Path], None], code: str, tmp_path: Path
) -> None:
    damage(tmp_path)
    with pytest.raises(BadInput) as caught:
        Driver(tmp_path, Commands(), io.StringIO())
    assert caught.value.code == code


def test_lines_become_commands_and_the_end_of_input_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(worker, "GRACE_S", 0.0)
    monkeypatch.setattr(worker.os, "_exit", ended.append)
    commands = Commands()
    worker.listen(commands, io.BytesIO(b'{"command": "stop"}\n\xff\n[1]\nnull\n' + b"[" * 100_000 + b"\n"))
    unreadable = {"command": "unreadable"}
    assert [commands.get() for _ in range(6)] == [{"command": "stop"}, *4 * [unreadable], END_OF_INPUT]
    assert ended == [3]


def test_rate_is_of_the_last_two_seconds() -> None:
    rate = Rate()
    for tick in range(100):
        rate.count(tick / 10)
    assert rate.per_second == pytest.approx(10)
    for tick in range(500):
        rate.count(10 + tick / 50)
    assert rate.per_second == pytest.approx(50)
