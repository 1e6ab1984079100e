"""A disk that is full, files cut off by a kill, two who write one run, a folder that vanishes."""

import contextlib
import errno
import io
import json
import os
import queue
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from dashboard.runs import store as run_store
from dashboard.runs.about import About
from dashboard.runs.runner import LocalRunner
from dashboard.runs.store import RunStore
from tests.worker_process import ROOT, Event, Process
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.errors import BadInput
from vae_core.runs import worker
from vae_core.runs.atomic import LEFTOVER_S, remove_leftovers, sole_writer, write_atomically
from vae_core.runs.driver import Command, Driver
from vae_core.runs.runfile import load_run

GOLDEN: Final = Path(__file__).with_name("golden") / "format2"
TINY: Final = RunConfig(
    model=ModelConfig(data_dim=2, hidden_dims=(4,), likelihood="gaussian"),
    train=TrainConfig(num_epochs=None, batch_size=500),
    dataset="two_moons",
    hold=True,
)


@pytest.fixture
def process() -> Iterator[Process]:
    made = Process()
    yield made
    made.kill()


def is_at(step: int) -> Callable[[Event], bool]:
    """Whether a paused run has made that many updates."""
    return lambda event: event.get("step") == step and event["steps_left"] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are set with prlimit")
def test_a_full_disk_leaves_the_old_file_and_the_training_going_until_there_is_room(
    process: Process, tmp_path: Path
) -> None:
    """Two disks: one that takes files of at most 1 kB, and one on which no file can be opened any more."""
    import resource

    path, pid = tmp_path / "run.safetensors", process.process.pid
    process.run(tmp_path, TINY)
    process.send("step", unit="step")
    process.wait(is_at(1))
    saved_at = process.now()["step"]
    for limit, low, why in (
        (resource.RLIMIT_FSIZE, 1000, "File too large"),
        (resource.RLIMIT_NOFILE, 3, "Too many open files"),
    ):
        before = path.read_bytes()
        usual = resource.prlimit(pid, limit)
        resource.prlimit(pid, limit, (low, usual[1]))
        process.send("step", unit="step")
        told = f"Not saved since step {saved_at} ({why}): free some disk space; it is tried again by itself."
        process.wait(is_at(saved_at + 1))
        process.send("save")
        event = process.wait(lambda event, told=told: event["message"] == told)
        assert (event["step"], event["status"]) == (saved_at + 1, "paused"), why
        assert path.read_bytes() == before, why
        assert not list(tmp_path.glob(".*.tmp")), why
        resource.prlimit(pid, limit, usual)
        process.send("save")
        process.wait(lambda event: event["message"] == "")
        saved_at += 1
        assert load_run(path).step == saved_at, why
    process.send("stop")
    assert process.end()["step"] == saved_at


def test_a_run_that_cannot_be_begun_copied_or_described_says_so_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = LocalRunner(tmp_path, max_running=1)
    run_id = runner.store.create(TINY)
    folder = runner.store.folder(run_id)
    assert folder is not None
    for name in ("run.safetensors", "snapshot.safetensors"):
        shutil.copyfile(GOLDEN / name, folder / name)

    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run_store, "write_atomically", full)
    tries: tuple[Callable[[], object], ...] = (
        lambda: runner.submit(TINY, owner="me"),
        lambda: runner.submit(TINY, owner="me", copy_of=run_id),
        lambda: runner.describe(run_id, owner="me", name="Tuesday"),
        lambda: runner.send(run_id, "resume", owner="me"),
        lambda: runner.store.write_about(run_id, About(name="x")),
    )
    for attempt in tries:
        with pytest.raises(
            BadInput, match=r"cannot be kept \(No space left on device\); free some"
        ) as caught:
            attempt()
        assert caught.value.code == "disk"
        assert runner.store.ids() == [run_id]
    runner.close()


def test_a_home_that_was_removed_is_made_again(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "home")
    shutil.rmtree(tmp_path / "home")
    assert store.ids() == []
    assert store.config(store.create(TINY)) == TINY


KILLED: Final = textwrap.dedent("""
    import json, os, random, signal, sys, time
    from dataclasses import replace
    from pathlib import Path
    from vae_core.runs.runfile import load_run, save_run
    golden, path = Path(sys.argv[1]), Path(sys.argv[2])
    runs = [replace(load_run(golden), status=status) for status in ("paused", "stopped")]
    save_run(path, runs[0])
    random.seed(0)
    found, left = [], 0
    for number in range(20):
        heard, told = os.pipe()
        child = os.fork()
        if child == 0:
            save_run(path, runs[1])
            os.write(told, b".")
            while True:
                for run in runs:
                    save_run(path, run)
        os.close(told)
        os.read(heard, 1)  # on a busy machine it may be long before it saves
        os.close(heard)
        time.sleep(random.uniform(0.002, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found.append(load_run(path).status)
        left = max(left, len(list(path.parent.glob(".*.tmp"))))
    print(json.dumps({"found": found, "left": left}))
""")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the writers are forks")
def test_twenty_kills_in_the_middle_of_a_save_leave_a_whole_run_and_no_litter(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    folder = store.folder(store.create(TINY))
    assert folder is not None
    command = [sys.executable, "-c", KILLED, str(GOLDEN / "run.safetensors"), str(folder / "run.safetensors")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result["found"]) <= {"paused", "stopped"}
    assert len(result["found"]) == 20
    assert result["left"] > 0, "no kill came in the middle of a save"
    store.remove_leftovers()
    assert list(folder.glob(".*.tmp")), "they are young: somebody may be writing them"
    for path in folder.glob(".*.tmp"):
        os.utime(path, (1000, 1000))
    store.remove_leftovers()
    assert not list(folder.glob(".*.tmp"))
    assert load_run(folder / "run.safetensors").step == 5


def test_leftovers_are_told_by_their_age_whatever_the_clock_does(tmp_path: Path) -> None:
    now = time.time()
    ages = {"past": now - 1e6, "future": now + 1e6, "young": now - LEFTOVER_S / 2}
    for name, when in ages.items():
        (tmp_path / f".{name}.1.2.tmp").touch()
        os.utime(tmp_path / f".{name}.1.2.tmp", (when, when))
    (tmp_path / ".hidden").touch()
    os.utime(tmp_path / ".hidden", (1000, 1000))
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", ".young.1.2.tmp"]
    remove_leftovers(tmp_path / "none")


def test_folders_without_a_file_go_and_no_others(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    full, empty, young = store.create(TINY), "a" * 16, "b" * 16
    for name in (empty, young):
        (tmp_path / "runs" / name).mkdir()
    for name in (full, empty):
        os.utime(tmp_path / "runs" / name, (1000, 1000))
    store.remove_leftovers()
    assert set(store.ids()) == {full, young}


def test_threads_that_write_one_file_use_a_temporary_one_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    monkeypatch.setattr("vae_core.runs.atomic.os.replace", lambda source, target: names.append(source.name))
    for native in (7, 8):
        monkeypatch.setattr("vae_core.runs.atomic.threading.get_native_id", lambda native=native: native)
        write_atomically(tmp_path / "file", b"", durable=False)
    assert len(set(names)) == 2


def test_a_run_has_one_writer_and_a_kill_lets_the_next_one_in(process: Process, tmp_path: Path) -> None:
    process.run(tmp_path, TINY)
    process.send("step", unit="step")
    process.wait(lambda event: event.get("step") == 1)
    with (
        pytest.raises(BadInput, match="this run is in use: another process trains it; go on when") as caught,
        sole_writer(tmp_path, wait_s=0.0),
    ):
        pytest.fail("two processes write one run")
    assert caught.value.code == "in_use"
    process.kill()
    with sole_writer(tmp_path, wait_s=0.0):
        pass


def test_a_second_worker_says_that_the_run_is_in_use_and_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("config.json", "run.safetensors"):
        shutil.copyfile(GOLDEN / name, tmp_path / name)
    (tmp_path / "status.json").write_text('{"status": "running"}')
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(worker, "IN_USE_S", 0.1)
    told = io.StringIO()
    with sole_writer(tmp_path, wait_s=0.0):
        worker.drive(tmp_path, queue.SimpleQueue(), told)
    end = json.loads(told.getvalue())
    assert (end["event"], end["status"]) == ("end", "interrupted"), "it can be resumed later"
    assert "in use" in end["message"]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
    commands.put({"command": "stop"})
    told = io.StringIO()
    worker.drive(tmp_path, commands, told)
    assert json.loads(told.getvalue().splitlines()[-1])["status"] == "stopped"


def test_a_worker_waits_for_one_that_is_about_to_end(tmp_path: Path) -> None:
    with contextlib.ExitStack() as first:
        first.enter_context(sole_writer(tmp_path, wait_s=0.0))
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            first.close()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("vae_core.runs.atomic.time.sleep", sleep)
            with sole_writer(tmp_path, wait_s=10.0):
                assert len(waits) == 1


def test_a_worker_without_its_folder_says_so(tmp_path: Path) -> None:
    told = io.StringIO()
    worker.drive(tmp_path / "gone", queue.SimpleQueue(), told)
    end = json.loads(told.getvalue())
    assert (end["status"], end["message"]) == (
        "failed",
        "the run's folder cannot be opened (No such file or directory)",
    )


def test_a_training_whose_folder_was_removed_ends(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
    (folder / "config.json").write_text(TINY.to_json())
    events: list[dict[str, Any]] = []

    class Removing(io.StringIO):
        def write(self, text: str) -> int:
            events.append(json.loads(text))
            if events[-1]["step"] > 0:
                shutil.rmtree(folder, ignore_errors=True)
            return len(text)

    commands.put({"command": "resume"})
    Driver(folder, commands, Removing()).run()
    assert events[-1]["event"] == "end"
    assert events[-1]["status"] == "stopped"
    assert not folder.exists(), "a save made it again"


def test_weights_that_are_not_finite_mark_the_run_as_diverged(tmp_path: Path) -> None:
    import torch

    from vae_core.runs.runfile import save_run

    run = load_run(GOLDEN / "run.safetensors")
    torch.nn.init.constant_(dict(run.weights)["encoder.weights.0"], float("nan"))
    shutil.copyfile(GOLDEN / "config.json", tmp_path / "config.json")
    save_run(tmp_path / "run.safetensors", run)
    before = (tmp_path / "run.safetensors").read_bytes()
    told = io.StringIO()
    worker.drive(tmp_path, queue.SimpleQueue(), told)
    end = json.loads(told.getvalue())
    assert (end["status"], end) == ("diverged", json.loads((tmp_path / "status.json").read_text("utf-8")))
    assert end["message"].startswith("the run has diverged: its weights hold NaN or infinite values")
    assert (tmp_path / "run.safetensors").read_bytes() == before
