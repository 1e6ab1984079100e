"""The loop inside a worker, without the process: its ends, its limits, and a disk that is full."""

import errno
import io
import json
import queue
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import torch

from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.errors import BadInput
from vae_core.runs import driver, worker
from vae_core.runs.driver import END_OF_INPUT, Command, Driver, Rate
from vae_core.runs.runfile import load_run

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


def events(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def end_of(folder: Path, config: RunConfig, *commands: Command) -> dict[str, Any]:
    run, output, _ = prepared(folder, config, *commands)
    run.run()
    assert json.loads((folder / "status.json").read_text("utf-8")) == events(output)[-1]
    return events(output)[-1]


def test_a_run_ends_when_its_epochs_are_done(tmp_path: Path) -> None:
    end = end_of(tmp_path, config_of())
    assert (end["event"], end["status"], end["step"], end["epoch"]) == ("end", "finished", 6, 2)
    assert end["message"] == "Finished: all 2 epochs are done."
    again = end_of(tmp_path, config_of())
    assert (again["status"], again["step"]) == ("finished", 6)
    assert load_run(tmp_path / "run.safetensors").status == "finished"


def test_no_epochs_show_the_untrained_model(tmp_path: Path) -> None:
    end = end_of(tmp_path, config_of(num_epochs=0))
    assert (end["status"], end["step"], end["rows"], end["version"]) == ("finished", 0, 1, 2)


def test_patience_ends_a_run_by_name(tmp_path: Path) -> None:
    end = end_of(tmp_path, config_of(num_epochs=100, patience=1, learning_rate=100.0))
    assert end["status"] == "stopped_early"
    assert end["message"] == "Stopped early: the held-out ELBO has not risen for 1 epoch."
    assert end["epoch"] < 100


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


def test_a_long_run_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "WALL_LIMIT_S", -1.0)
    end = end_of(tmp_path, config_of())
    assert (end["status"], end["step"]) == ("stopped", 1)
    assert "time limit" in end["message"]


def test_the_end_of_input_saves(tmp_path: Path) -> None:
    end = end_of(tmp_path, config_of(), END_OF_INPUT)
    assert (end["status"], end["message"]) == ("interrupted", "Interrupted at step 0: the server stopped.")
    assert load_run(tmp_path / "run.safetensors").status == "interrupted"


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
    assert (end["status"], end["step"]) == ("finished", 6)
    written = {"save_run": (0, True), "write_snapshot": (1, False), "write_atomically": (1, True)}
    assert (end["saves"], end["version"] > 0) == written[target]
    told = [event["message"] for event in events(output)]
    assert any(text.startswith("The run cannot be saved (No space left on device)") for text in told)


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
