"""Real processes on a small disk and without memory; a server without file handles; clocks that jump."""

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from dashboard.runs import runner as jobs
from dashboard.runs import tasks as tasks_module
from dashboard.runs.job import JobView
from dashboard.runs.runner import LocalRunner
from dashboard.runs.tasks import Tasks
from dashboard.runs.worker_process import Process as AnyProcess
from tests.polling import until
from tests.worker_process import ROOT, Process
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.errors import BadInput
from vae_core.runs.driver import OUT_OF_MEMORY
from vae_core.runs.folder import GAVE_UP
from vae_core.runs.runfile import load_run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of another process, small disks")
ME: Final = "0" * 32
RUN: Final = RunConfig(model=ModelConfig(data_dim=64, hidden_dims=(128,)), train=TrainConfig(num_epochs=None))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", os.fspath(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems are for root to mount")
    yield folder
    subprocess.run(["umount", "-l", os.fspath(folder)], check=True)


def test_a_home_of_three_megabytes_keeps_the_run_before_its_earlier_steps(small_disk: Path) -> None:
    """A run of 230 kB with two earlier steps in each doubling: they fill the disk before its first save."""
    runner = LocalRunner(small_disk, max_running=1)
    try:
        first = runner.submit(RUN, owner=ME)
        at = until(lambda: told(runner, first), "the disk is full")
        assert re.search(r"cannot be kept \(No space left on device\): free some disk space", at.message)
        assert at.status == "running"
        runner.save(first, for_looking=False)
        saved = until(lambda: runner.store.run_file(first), "the run itself is saved")
        step = load_run(saved).step
        assert step >= at.step
        until(lambda: view_of(runner, first).message == GAVE_UP, "it says what it gave up")
        until(lambda: view_of(runner, first).step > step + 5, "it goes on")
        with standing(runner, first):
            filler = fill(small_disk)
            with pytest.raises(BadInput, match=r"cannot be kept \(No space left on device\)"):
                runner.submit(RUN, owner=ME)
            assert runner.store.ids() == [first]
            filler.unlink()
        runner.send(first, "stop", owner=ME)
        until(lambda: view_of(runner, first).status == "stopped", "the end")
        assert load_run(saved).step == view_of(runner, first).step > step
    finally:
        runner.close()


def fill(disk: Path) -> Path:
    """A file that takes all the room that is left."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filler


@contextlib.contextmanager
def standing(runner: LocalRunner, run_id: str) -> Iterator[None]:
    """A run whose process stands still meanwhile: what it writes and removes would make room on the disk."""
    process = runner._jobs[run_id].process
    assert process is not None
    stat = Path(f"/proc/{process.pid}/stat")
    os.kill(process.pid, signal.SIGSTOP)
    try:
        until(lambda: stat.read_text("ascii").rpartition(")")[2].split()[0] == "T", "the process stands")
        yield
    finally:
        os.kill(process.pid, signal.SIGCONT)


def told(runner: LocalRunner, run_id: str) -> JobView | None:
    """How a run stands that has something to say; None where it has not."""
    view = view_of(runner, run_id)
    return view if view.message else None


def view_of(runner: LocalRunner, run_id: str) -> JobView:
    view = runner.view(run_id)
    assert view is not None, run_id
    return view


def test_a_task_whose_result_finds_no_room_says_so(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks, key = Tasks(small_disk, limit=1), "a" * 16
    points = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    spawn = tasks_module.spawn

    def spawn_on_a_full_disk(command: list[str]) -> AnyProcess:
        fill(small_disk)  # its inputs have been written
        return spawn(command)

    monkeypatch.setattr(tasks_module, "spawn", spawn_on_a_full_disk)
    tasks.start(key, "tsne", "0", owner=ME, inputs={"points": points})
    until(lambda: tasks.progress(key) is None, "the end")
    assert tasks.error(key) == "The result cannot be kept (No space left on device): free some disk space."
    assert tasks.result(key) is None
    assert not list((small_disk / "tasks").glob(".*")), "half a result was left"


def test_a_worker_out_of_memory_says_what_needs_less(tmp_path: Path) -> None:
    """It may have 150 MB more than when it began, and one update of 400 examples needs 260."""
    config = RunConfig(
        dataset="two_moons",
        model=ModelConfig(data_dim=2, hidden_dims=(8192,), likelihood="gaussian"),
        train=TrainConfig(num_epochs=None, batch_size=400, num_samples=10),
        hold=True,
    )
    process = Process()
    try:
        process.run(tmp_path, config)
        process.wait(lambda event: event.get("status") == "paused")
        process.now()
        before = load_run(tmp_path / "run.safetensors")
        pid = process.process.pid
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[0])
        limit = pages * resource.getpagesize() + 150 * 2**20
        resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))
        process.send("step", unit="step")
        last = process.wait(lambda event: event["event"] == "end")
        assert (last["status"], last["message"]) == ("crashed", OUT_OF_MEMORY)
        assert json.loads((tmp_path / "status.json").read_text("utf-8"))["message"] == OUT_OF_MEMORY
        assert load_run(tmp_path / "run.safetensors").step == before.step == 0
    finally:
        process.kill()


WITHOUT_HANDLES: Final = textwrap.dedent("""
    import json, os, resource, sys
    from pathlib import Path
    from dashboard.runs.runner import LocalRunner
    from dashboard.runs.tasks import Tasks
    from dashboard.subject import load_subject, pretrained
    from dashboard.runs.pretrained import PRETRAINED_RUN
    from vae_core.config import ModelConfig, RunConfig
    from vae_core.errors import BadInput

    home, me = Path(sys.argv[1]), "0" * 32
    runner, tasks = LocalRunner(home, max_running=1), Tasks(home, limit=1)
    config = RunConfig(model=ModelConfig(data_dim=64, hidden_dims=(4,)), hold=True)
    content = PRETRAINED_RUN.read_bytes()
    run_id = runner.upload(content, owner=me)
    other = runner.store.create(config)
    pretrained()
    calls = {
        "view": lambda: runner.view(run_id),
        "unread": lambda: runner.view(other) or runner.store.why_closed(other),
        "list": lambda: runner.runs_of(me),
        "interrupted": lambda: runner.interrupted(me),
        "open": lambda: load_subject(runner.store.run_file(run_id)),
        "start": lambda: runner.submit(config, owner=me),
        "copy": lambda: runner.submit(config, owner=me, copy_of=run_id),
        "describe": lambda: runner.describe(run_id, owner=me, name="x"),
        "step": lambda: runner.send(run_id, "step", owner=me, unit="step"),
        "upload": lambda: runner.upload(content, owner=me),
        "opened": lambda: runner.note_opened(run_id, owner="1" * 32),
        "task": lambda: tasks.start("a" * 16, "tsne", "0", owner=me, inputs={}) or tasks.error("a" * 16),
    }
    # Each once while there are handles: what is imported on first use is there then.
    for name in ("view", "list", "interrupted", "open"):
        calls[name]()
    runner.store.ids()
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, most[1]))
    said = {}
    for name, call in calls.items():
        try:
            found = call()
            said[name] = found if isinstance(found, str) else type(found).__name__
        except BadInput as err:
            said[name] = f"BadInput: {err}"
        except Exception as err:
            said[name] = f"{type(err).__name__} {err}"
    with runner.scheduler.lock:
        runner.scheduler.lock.wait_for(lambda: runner.view(run_id).message, 60)
    said["message"] = runner.view(run_id).message
    resource.setrlimit(resource.RLIMIT_NOFILE, most)
    said["ids"] = len(runner.store.ids())
    said["listed"] = len(runner.runs_of(me))
    runner.send(run_id, "step", owner=me, unit="step")
    with runner.scheduler.lock:
        step = runner.view(run_id).step
        runner.scheduler.lock.wait_for(lambda: runner.view(run_id).step > step, 60)
    said["again"] = runner.view(run_id).status
    runner.close()
    print(json.dumps(said))
""")


def test_a_server_without_file_handles_says_so_and_goes_on_when_there_are_some(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_HANDLES, os.fspath(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said: dict[str, Any] = json.loads(done.stdout)
    refused = r"BadInput: .*(kept|read) \(Too many open files\)[;,] "
    for name in ("open", "start", "copy", "describe", "upload"):
        assert re.match(refused, said.pop(name)), name
    assert said == {
        "view": "JobView",
        "unread": "The run that this link names cannot be read just now "
        "(Too many open files): try again later.",
        "list": "list",
        "interrupted": "list",
        "opened": "NoneType",
        "task": "Its inputs cannot be written (Too many open files): free some disk space.",
        "step": "NoneType",
        "message": "The training could not start (Too many open files): press Resume to try again.",
        "ids": 2,
        "listed": 1,
        "again": "paused",
    }


def test_clocks_that_jump_by_days_lose_nothing_and_change_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, shift = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + shift[0])
    runner = LocalRunner(tmp_path, max_running=1)
    try:
        run_id = runner.store.create(RUN)
        for days in (2, -2, 400, 0):
            shift[0] = days * 86_400.0
            assert [entry.run_id for entry in runner.catalog.entries()] == [run_id]
            runner.delete(run_id, owner=ME)
            shift[0] += 2 * 86_400.0
            runner._forget_deleted()
            runner.catalog.changed()
            assert [entry.run_id for entry in runner.deleted_of(ME)] == [run_id], days
            runner.restore(run_id, owner=ME)
            runner.store.remove_leftovers()
            assert runner.store.ids() == [run_id]
        later = time.monotonic() + jobs.KEPT_DELETED_S + 1
        runner.delete(run_id, owner=ME)
        monkeypatch.setattr(jobs.time, "monotonic", lambda: later)
        runner._forget_deleted()
        assert runner.deleted_of(ME) == []
    finally:
        runner.close()
