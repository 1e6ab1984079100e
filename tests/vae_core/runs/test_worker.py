"""The worker as it is used: a process of its own, told what to do line by line."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.polling import DEADLINE_S
from tests.worker_process import ROOT, Event, Process
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import load_dataset
from vae_core.model import VAE
from vae_core.runs.runfile import load_run
from vae_core.runs.snapshot import HISTORY_COLUMNS, read_snapshot
from vae_core.training.loop import Training


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[[], Process]]:
    """Starts workers; one is always warming up for the next test."""
    started = [Process()]

    def take() -> Process:
        started.append(Process())
        return started[-2]

    yield take
    for worker in started:
        worker.kill()


def config_of(**train: Any) -> RunConfig:
    return RunConfig(
        model=ModelConfig(data_dim=64, hidden_dims=(16,)),
        train=TrainConfig(**{"num_epochs": 100_000, **train}),
        hold=True,
    )


def column(folder: Path, name: str) -> list[float]:
    return read_snapshot(folder / "snapshot.safetensors").history[:, HISTORY_COLUMNS.index(name)].tolist()


def status(folder: Path) -> Event:
    return json.loads((folder / "status.json").read_text("utf-8"))


def test_a_held_run_obeys_step_by_step(start: Callable[[], Process], tmp_path: Path) -> None:
    worker = start()
    worker.run(tmp_path, config_of())
    first = worker.wait(lambda event: event["event"] == "progress")
    assert (first["status"], first["step"], first["rows"]) == ("paused", 0, 1)
    worker.send("step", unit="step")
    worker.wait(lambda event: event["step"] == 1)
    assert worker.now()["step"] == 1
    worker.send("step", unit="epoch")
    worker.wait(lambda event: event["step"] == 23)
    now = worker.now()
    assert (now["step"], now["epoch"], now["status"]) == (23, 1, "paused")
    worker.send("step", unit="epoch")
    worker.wait(lambda event: event["step"] == 46)
    assert column(tmp_path, "step") == [0, 1, 23, 46]
    worker.send("stop")
    end = worker.end()
    assert (end["status"], end["message"]) == ("stopped", "Stopped at step 46.")
    assert load_run(tmp_path / "run.safetensors").step == 46
    assert status(tmp_path) == end


def test_settings_change_live_and_nonsense_is_refused(start: Callable[[], Process], tmp_path: Path) -> None:
    worker = start()
    worker.run(tmp_path, config_of(beta=0.5))
    worker.send("set", beta=3, learning_rate=0.01)
    worker.wait(lambda event: event.get("beta") == 3 and event["learning_rate"] == 0.01)
    refusals = []
    for line in (
        b'{"command": "set", "beta": -1}',
        b'{"command": "set", "learning_rate": "fast"}',
        b'{"command": "step", "unit": "year"}',
        b'{"command": "dance"}',
        b'{"command": ["stop"]}',
        b"no JSON",
        b"[1]",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"",
    ):
        worker.write(line)
        refusals.append(worker.wait(lambda event: event["event"] == "refused")["message"])
    assert (
        refusals[0]
        == "beta must be a number from 0 to 1e+06, got -1; use 1 for the ELBO, 0 for an autoencoder."
    )
    assert all(message.endswith(".") and len(message) < 200 for message in refusals)
    worker.send("step", unit="step")
    worker.wait(lambda event: event.get("step") == 1)
    assert worker.now()["beta"] == 3
    assert column(tmp_path, "beta") == [0.5, 3]
    worker.send("stop")
    assert worker.end()["status"] == "stopped"


def test_a_pause_stops_the_steps_and_a_resume_goes_on(start: Callable[[], Process], tmp_path: Path) -> None:
    worker = start()
    worker.run(tmp_path, config_of())
    worker.send("resume")
    worker.wait(lambda event: event.get("step", 0) > 50 and event["status"] == "running")
    worker.send("pause")
    paused = worker.wait(lambda event: event.get("status") == "paused" and event["step"] > 0)
    assert worker.now()["step"] == worker.now()["step"] == paused["step"]
    assert load_run(tmp_path / "run.safetensors").step == paused["step"]
    worker.send("resume")
    worker.wait(lambda event: event.get("step", 0) > paused["step"])
    worker.send("stop")
    end = worker.end()
    assert end["message"] == f"Stopped at step {end['step']:,}."
    assert load_run(tmp_path / "run.safetensors").step == end["step"]


def test_an_interrupted_run_goes_on_to_the_same_weights(start: Callable[[], Process], tmp_path: Path) -> None:
    config = config_of(num_epochs=4)
    first = start()
    first.run(tmp_path, config)
    first.send("set", speed=5)  # slow enough to be interrupted long before its end
    first.send("resume")
    first.wait(lambda event: event.get("step", 0) > 2)
    first.close_input()
    end = first.end()
    assert end["status"] == "interrupted"
    assert 2 < end["step"] < 80
    second = start()
    second.run(tmp_path, config)
    second.send("resume")
    end = second.end()
    assert (end["status"], end["step"], end["message"]) == (
        "finished",
        92,
        "Finished: all 4 epochs are done.",
    )
    generator = torch.Generator().manual_seed(config.seed)
    model = VAE(config.model, generator=generator)
    list(Training(model, load_dataset("digits"), config.train, generator=generator).steps())
    found = load_run(tmp_path / "run.safetensors")
    for name, value in model.state_dict().items():
        assert torch.equal(found.weights[name], value), name
    steps = column(tmp_path, "step")
    assert steps == sorted(set(steps))


def test_a_killed_run_leaves_its_last_save(start: Callable[[], Process], tmp_path: Path) -> None:
    worker = start()
    worker.run(tmp_path, config_of())
    worker.send("resume")
    worker.wait(lambda event: event.get("step", 0) > 20)
    saved = worker.now()
    worker.wait(lambda event: event["step"] > saved["step"])
    worker.process.kill()
    assert worker.process.wait(DEADLINE_S) == -signal.SIGKILL
    run = load_run(tmp_path / "run.safetensors")
    assert run.step == saved["step"]
    assert run.status == "running"
    run.model()
    assert read_snapshot(tmp_path / "snapshot.safetensors").step >= saved["step"]
    assert status(tmp_path)["status"] == "running"


def test_a_run_that_diverges_keeps_a_usable_model(start: Callable[[], Process], tmp_path: Path) -> None:
    model = ModelConfig(data_dim=2, likelihood="gaussian", activation="relu")
    train = TrainConfig(optimizer="sgd", learning_rate=1e3)
    worker = start()
    worker.run(tmp_path, RunConfig(model=model, train=train, dataset="pinwheel"))
    end = worker.end()
    assert end["status"] == "diverged"
    assert end["message"].startswith("Diverged at step ")
    assert end["message"].endswith(f"the last good state is kept (step {end['step']}).")
    assert load_run(tmp_path / "run.safetensors").model().posterior(torch.zeros(1, 2)).mean.isfinite().all()


def test_a_run_that_cannot_start_says_why(tmp_path: Path) -> None:
    config = RunConfig(model=ModelConfig(data_dim=64), dataset="nothing")
    (tmp_path / "config.json").write_text(config.to_json())
    worker = Process("-m", "vae_core", "worker", os.fspath(tmp_path))  # started, not copied
    end = worker.end()
    assert end["status"] == "failed"
    assert end["message"].startswith("there is no data set 'nothing'; choose one of digits, ")
    assert "\n" not in end["message"]
    assert status(tmp_path) == end
    worker.kill()


def test_what_a_library_prints_is_no_event() -> None:
    noisy = "w.load_dataset = lambda name: print('noise', flush=True)"
    script = f"from vae_core.runs import worker as w; {noisy}; w.run_worker([])"
    worker = Process("-c", script)
    assert worker.wait(lambda event: True) == {"event": "ready"}
    worker.close_input()
    assert worker.process.stderr is not None
    assert worker.process.stderr.readline() == "noise\n"
    worker.kill()


def test_a_parent_that_ends_during_the_start_leaves_no_traceback() -> None:
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "vae_core", "worker"]
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stderr is not None
        worker.stdin.close()
        worker.stdout.close()
        said = worker.stderr.read()
        assert worker.wait(DEADLINE_S) in (0, 3), "3: the warm-up took longer than the grace"
    assert said == b""
