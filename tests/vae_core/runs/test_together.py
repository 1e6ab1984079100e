"""Several runs in one process: each is what it is alone, and each can be stopped or taken out by itself."""

import io
import json
import queue
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch

from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.runs import together as module
from vae_core.runs.driver import Command, Driver
from vae_core.runs.runfile import Run, load_run
from vae_core.runs.snapshot import HISTORY_COLUMNS, read_snapshot
from vae_core.runs.together import drive_together
from vae_core.training.stacked import Stack

BETAS: Final = (0.5, 1.0, 4.0)
CONFIG: Final = RunConfig(
    model=ModelConfig(data_dim=64, hidden_dims=(8,)), train=TrainConfig(num_epochs=2, batch_size=500)
)
MEASURED: Final = [number for number, name in enumerate(HISTORY_COLUMNS) if name.endswith("held_out")]
"""Those of the training are means since the row before, which stands where there was time for it."""


def folders(top: Path, base: RunConfig = CONFIG) -> list[Path]:
    found = []
    for beta in BETAS:
        folder = top / f"beta{beta:g}"
        folder.mkdir(parents=True)
        config = replace(base, train=replace(base.train, beta=beta))
        (folder / "config.json").write_text(config.to_json())
        found.append(folder)
    return found


def together(paths: list[Path], *commands: Command) -> list[dict[str, Any]]:
    """The last event of each run."""
    waiting: queue.SimpleQueue[Command] = queue.SimpleQueue()
    for command in commands:
        waiting.put(command)
    output = io.StringIO()
    drive_together(paths, waiting, output)
    events = [json.loads(line) for line in output.getvalue().splitlines()]
    ends = {event["run"]: event for event in events if event["event"] == "end"}
    return [ends[path.name] for path in paths]


def alone(path: Path, *commands: Command) -> None:
    waiting: queue.SimpleQueue[Command] = queue.SimpleQueue()
    for command in commands:
        waiting.put(command)
    Driver(path, waiting, io.StringIO()).run()


def interrupted(path: Path, steps: int) -> None:
    """Trains a run for so many updates, then the input ends."""
    waiting: queue.SimpleQueue[Command] = queue.SimpleQueue()
    turns = Driver(path, waiting, io.StringIO()).turns()
    for _ in range(steps):
        next(turns)
    waiting.put({"command": "end_of_input"})
    assert not list(turns)


def runs(paths: list[Path]) -> list[Run]:
    return [load_run(path / "run.safetensors") for path in paths]


def assert_alike(one: Run, other: Run) -> None:
    """Within 1e-5 of each weight, 1e-3 nats of each measurement, of about 40 nats."""
    for name, value in one.weights.items():
        assert torch.allclose(value, other.weights[name], rtol=0, atol=1e-5), name
    assert (one.status, one.step) == (other.status, other.step)
    ends = [run.history[-1, MEASURED] for run in (one, other)]
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-3)


def test_each_is_what_it_is_alone(tmp_path: Path) -> None:
    paths, others = folders(tmp_path / "together"), folders(tmp_path / "alone")
    ends = together(paths)
    assert [(end["status"], end["step"], end["beta"]) for end in ends] == [
        ("finished", 6, beta) for beta in BETAS
    ]
    for path, other in zip(paths, others, strict=True):
        alone(other)
        assert json.loads((path / "status.json").read_text("utf-8"))["status"] == "finished"
        assert read_snapshot(path / "snapshot.safetensors").step == 6
    for one, other in zip(runs(paths), runs(others), strict=True):
        assert_alike(one, other)


UNSTACKED: Final = {
    "convolutional": replace(
        CONFIG,
        model=ModelConfig(data_dim=64, architecture="conv", image_shape=(8, 8), hidden_dims=(2,)),
    ),
    "images drawn anew": replace(CONFIG, binarised="stochastic"),
}


@pytest.mark.parametrize("kind", UNSTACKED)
def test_those_that_make_no_stack_are_bit_for_bit_what_they_are_alone(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many share a process: each draws its own images, and convolutions are not stacked."""
    monkeypatch.setattr(module, "LEAST", 2)
    base = UNSTACKED[kind]
    paths, others = folders(tmp_path / "together", base), folders(tmp_path / "alone", base)
    assert {end["status"] for end in together(paths)} == {"finished"}
    for other in others:
        alone(other)
    for one, other in zip(runs(paths), runs(others), strict=True):
        assert (one.step, one.status) == (6, "finished")
        for name, value in one.weights.items():
            assert torch.equal(value, other.weights[name]), (kind, name)
        assert np.array_equal(one.history[-1, MEASURED], other.history[-1, MEASURED]), kind


def test_one_stops_and_one_leaves_while_the_third_goes_on(tmp_path: Path) -> None:
    """The one that leaves goes on in a process of its own as if nothing had been."""
    paths, others = folders(tmp_path / "together"), folders(tmp_path / "alone")
    stops, leaves, stays = (path.name for path in paths)
    first, second, third = together(
        paths, {"command": "stop", "run": stops}, {"command": "set", "beta": 2.0, "run": leaves}
    )
    assert first["status"] == "stopped"
    assert (second["status"], third["status"]) == ("interrupted", "finished")
    assert "in a process of its own" in second["message"]
    assert third["run"] == stays
    alone(paths[1], {"command": "resume"})
    alone(others[1])
    assert_alike(*runs([paths[1], others[1]]))


def test_interrupted_ones_go_on_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were saved at a later step wait; what each becomes is what it would have been."""
    monkeypatch.setattr(module, "LEAST", 2)
    made: list[tuple[int, ...]] = []
    go_ahead = Stack.go_ahead

    def counted(stack: Stack) -> None:
        made.append(tuple(one.step for one in stack.trainings))
        go_ahead(stack)

    monkeypatch.setattr(Stack, "go_ahead", counted)
    paths, others = folders(tmp_path / "interrupted"), folders(tmp_path / "whole")
    for path, steps in zip(paths, (1, 3, 1), strict=True):
        interrupted(path, steps)
    assert [run.step for run in runs(paths)] == [1, 3, 1]
    ends = together(paths, {"command": "resume"})
    assert [(end["status"], end["step"]) for end in ends] == [("finished", 6)] * 3
    assert made == [(1, 1), (2, 2), (3, 3, 3), (4, 4, 4), (5, 5, 5)]
    together(others)
    for one, other in zip(runs(paths), runs(others), strict=True):
        assert_alike(one, other)


def test_one_that_waits_for_the_others_stops_when_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEAST", 2)
    paths = folders(tmp_path, replace(CONFIG, train=replace(CONFIG.train, num_epochs=2000)))
    for path, steps in zip(paths, (1, 900, 1), strict=True):
        interrupted(path, steps)
    waiting: queue.SimpleQueue[Command] = queue.SimpleQueue()
    waiting.put({"command": "resume"})
    at: list[int] = []
    go_ahead = Stack.go_ahead

    def stopping(stack: Stack) -> None:
        at.append(len(stack.trainings))
        if len(at) == 1:
            waiting.put({"command": "stop"})
        go_ahead(stack)

    monkeypatch.setattr(Stack, "go_ahead", stopping)
    drive_together(paths, waiting, io.StringIO())
    assert at[0] == 2
    ends = runs(paths)
    assert [run.status for run in ends] == ["stopped"] * 3
    assert ends[0].step < 900 <= ends[1].step <= 902


def test_the_end_of_input_saves_all(tmp_path: Path) -> None:
    paths = folders(tmp_path)
    ends = together(paths, {"command": "end_of_input"})
    assert [end["status"] for end in ends] == ["interrupted"] * 3
    assert [run.status for run in runs(paths)] == ["interrupted"] * 3


def test_one_that_cannot_be_opened_says_why_and_the_others_train(tmp_path: Path) -> None:
    paths = folders(tmp_path)
    (paths[1] / "config.json").write_text("{")
    ends = together(paths)
    assert [end["status"] for end in ends] == ["finished", "failed", "finished"]
    assert json.loads((paths[1] / "status.json").read_text("utf-8"))["status"] == "failed"
