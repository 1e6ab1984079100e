"""Trainings in real processes: they queue, pause, die, come back, and none outlives its runner."""

import hashlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from dashboard.runs import catalog as catalogs
from dashboard.runs import job as job_module
from dashboard.runs import runner as jobs
from dashboard.runs import scheduler as schedulers
from dashboard.runs import workers
from dashboard.runs.about import About
from dashboard.runs.fork_server import ForkServer
from dashboard.runs.job import Changes, JobView, is_owner
from dashboard.runs.runner import LocalRunner
from dashboard.runs.scheduler import Scheduler
from dashboard.runs.store import digest_of
from dashboard.runs.tasks import Tasks
from dashboard.runs.worker_process import WorkerProcess
from tests.polling import DEADLINE_S, is_gone, until
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.errors import BadInput
from vae_core.runs.runfile import parse_run

LONG: Final = RunConfig(
    model=ModelConfig(data_dim=64, hidden_dims=(8,)), train=TrainConfig(num_epochs=1_000_000)
)
SHORT: Final = replace(LONG, train=TrainConfig(num_epochs=1, batch_size=256))
ME, OTHER = "0" * 32, "1" * 32
"""Tokens of two browsers."""
HOSTILE: Final = ("../../etc", "", "a" * 17, "٣" * 16, "a" * 15 + "\n", "0" * 16)


@pytest.fixture(scope="module")
def pids() -> Iterator[list[int]]:
    """Ids of all workers that the module started; in the end none is left."""
    started: list[int] = []

    class Recorded(WorkerProcess):
        def __init__(self, *arguments: str) -> None:
            super().__init__(*arguments)
            started.append(self.pid)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "WorkerProcess", Recorded)
        yield started
    until(lambda: all(map(is_gone, started)), "all workers end")


@pytest.fixture(scope="module")
def shared(pids: list[int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRunner]:
    """One runner for all tests that leave it working: workers take seconds to start."""
    runner = LocalRunner(tmp_path_factory.mktemp("jobs"), max_running=1)
    runner.workers.warm()
    yield runner
    runner.close()


@pytest.fixture
def runner(shared: LocalRunner) -> Iterator[LocalRunner]:
    """The shared runner, with no run of this test left going afterwards."""
    yield shared
    for run_id, job in list(shared._jobs.items()):
        shared.send(run_id, "stop", owner=OTHER if is_owner(job.owner, OTHER) else ME)
    until(lambda: all(job.place is None for job in shared._jobs.values()), "all runs end")


def view_of(runner: LocalRunner, run_id: str) -> JobView:
    view = runner.view(run_id)
    assert view is not None, run_id
    return view


def reach(runner: LocalRunner, run_id: str, status: str, *, step: int = 0) -> JobView:
    def reached() -> JobView | None:
        view = view_of(runner, run_id)
        return view if view.status == status and view.step >= step else None

    try:
        return until(reached, f"{status} at step {step}")
    except AssertionError as err:
        raise AssertionError(f"{err}; it is {view_of(runner, run_id)}") from err


def worker_of(runner: LocalRunner, run_id: str) -> WorkerProcess:
    process = runner._jobs[run_id].process
    assert isinstance(process, WorkerProcess), runner.view(run_id)
    return process


def place_of(runner: LocalRunner, run_id: str) -> tuple[str, int]:
    view = view_of(runner, run_id)
    return view.status, view.queue_position


def test_runs_take_turns(runner: LocalRunner) -> None:
    first, second, third = (runner.submit(LONG, owner=ME) for _ in range(3))
    assert [place_of(runner, run_id)[1] for run_id in (first, second, third)] == [0, 1, 2]
    runner.send(third, "set", owner=ME, beta=3.0)
    runner.send(third, "stop", owner=ME)
    assert view_of(runner, third).message == "Stopped before it began."
    assert runner.store.status(third)["status"] == "stopped", "another server would take it for interrupted"
    runner.send(third, "resume", owner=ME)
    assert place_of(runner, third) == ("queued", 2)
    reach(runner, first, "running", step=1)
    assert place_of(runner, second) == ("queued", 1)
    runner.send(first, "pause", owner=ME)
    paused = reach(runner, first, "paused")
    reach(runner, second, "running", step=1)
    runner.send(first, "resume", owner=ME)
    assert (place_of(runner, third), place_of(runner, first)) == (("queued", 1), ("queued", 2))
    assert view_of(runner, first).step == paused.step
    runner.send(second, "stop", owner=ME)
    assert reach(runner, third, "running", step=1).beta == 3.0
    assert view_of(runner, second).message.startswith("Stopped at step ")
    runner.send(third, "stop", owner=ME)
    reach(runner, first, "running", step=paused.step + 1)


def test_held_run_is_spared_when_another_worker_is_killed(runner: LocalRunner) -> None:
    hurt, held = runner.submit(LONG, owner=ME), runner.submit(LONG.held(), owner=ME)
    reach(runner, hurt, "running", step=1)
    until(lambda: runner.store.snapshot(held), "a picture of the untrained model")
    assert (place_of(runner, held), view_of(runner, held).step) == (("paused", 0), 0)
    runner.send(hurt, "set", owner=ME, speed=200)
    until(lambda: view_of(runner, hurt).speed == 200, "the speed limit")
    runner.save(hurt)
    saved = view_of(runner, hurt).step
    os.kill(worker_of(runner, hurt).pid, signal.SIGKILL)
    crashed = reach(runner, hurt, "crashed")
    assert f"(signal 9): Resume goes on from the last save. {workers.LESS_MEMORY}" in crashed.message
    assert crashed.is_resumable
    runner.send(held, "step", owner=ME, unit="step")
    assert until(lambda: view_of(runner, held).step, "one step") == 1
    assert view_of(runner, held).status == "paused"
    runner.send(hurt, "resume", owner=ME)
    assert reach(runner, hurt, "running", step=saved + 1).speed == 200, "no file of the run holds its limit"
    snapshot = runner.store.snapshot(hurt)
    assert snapshot is not None
    assert list(snapshot.history[:, 0]) == sorted(set(snapshot.history[:, 0])), "steps went back"


def test_resume_right_after_stop_goes_on(runner: LocalRunner) -> None:
    run_id = runner.submit(LONG, owner=ME)
    reach(runner, run_id, "running", step=1)
    runner.send(run_id, "stop", owner=ME)
    stopped = reach(runner, run_id, "stopped")
    runner.send(run_id, "resume", owner=ME)
    reach(runner, run_id, "running", step=stopped.step + 1)


def test_live_settings_count_and_stop_always_ends(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = runner.submit(LONG, owner=ME)
    runner.send(run_id, "set", owner=ME, beta=4.0, learning_rate=1e-4, speed=50)
    until(lambda: view_of(runner, run_id).speed == 50, "the speed limit")
    assert (view_of(runner, run_id).beta, view_of(runner, run_id).learning_rate) == (4.0, 1e-4)
    runner.send(run_id, "set", owner=ME, beta=-1.0)
    runner.send(run_id, "nonsense", owner=ME)
    step = view_of(runner, run_id).step
    assert reach(runner, run_id, "running", step=step + 1).beta == 4.0
    monkeypatch.setattr(workers, "GRACE_S", 0.2)
    pid = worker_of(runner, run_id).pid
    os.kill(pid, signal.SIGSTOP)
    runner.send(run_id, "stop", owner=ME)
    assert "without an answer" in reach(runner, run_id, "stopped").message
    assert is_gone(pid)


def test_any_end_is_resumed_and_a_step_from_there_is_held(runner: LocalRunner) -> None:
    run_id = runner.submit(SHORT, owner=ME)
    done = reach(runner, run_id, "finished")
    assert (done.num_epochs, done.is_resumable) == (1, True)
    runner.send(run_id, "set", owner=ME, beta=5.0)
    runner.send(run_id, "set", owner=ME, beta=2.0)
    runner.send(run_id, "step", owner=ME, unit="step")
    held = reach(runner, run_id, "paused", step=done.step + 1)
    assert (held.step, held.beta, held.num_epochs, held.num_steps) == (done.step + 1, 2.0, None, None)
    runner.send(run_id, "resume", owner=ME)
    reach(runner, run_id, "running", step=held.step + 1)
    runner.send(run_id, "stop", owner=ME)
    stopped = reach(runner, run_id, "stopped")
    runner.send(run_id, "resume", owner=ME)
    again = reach(runner, run_id, "running", step=stopped.step + 1)
    assert (again.beta, again.num_epochs, again.eta_s) == (2.0, None, None)


def test_finished_run_is_neither_paused_nor_stopped_and_is_forgotten_before_a_busy_one(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = runner.submit(SHORT, owner=ME)
    done = reach(runner, run_id, "finished")
    assert (done.message, done.step) == ("Finished: the epoch is done.", done.num_steps)
    for command in ("pause", "stop", "nonsense"):
        runner.send(run_id, command, owner=ME)
    assert view_of(runner, run_id) == done
    busy, waiting = runner.submit(LONG, owner=ME), runner.submit(LONG, owner=ME)
    monkeypatch.setattr(catalogs, "MAX_KEPT_RUNS", 0)
    runner.submit(SHORT.held(), owner=ME)
    assert view_of(runner, run_id) == done, "it may stand on a page that is still open"
    monkeypatch.setattr(jobs, "SHOWN_S", 0.0)
    runner.submit(LONG, owner=ME)
    assert runner.view(run_id) is None
    assert (place_of(runner, busy), place_of(runner, waiting)) == (("running", 0), ("queued", 1))
    monkeypatch.setattr(schedulers, "MAX_WAITING", 2)
    with pytest.raises(BadInput, match="waiting already") as refused:
        runner.submit(LONG, owner=ME)
    assert refused.value.code == "queue"


def test_only_its_owner_steers_a_run_and_others_take_a_copy(runner: LocalRunner) -> None:
    run_id = runner.submit(LONG, owner=ME)
    reach(runner, run_id, "running", step=1)
    for command in ("set", "pause", "step", "save", "stop", "resume", "nonsense"):
        with pytest.raises(BadInput, match="belongs to another browser; take a copy") as refused:
            runner.send(run_id, command, owner=OTHER, beta=7.5, unit="step")
        assert refused.value.code == "owner"
    view = view_of(runner, run_id)
    assert (view.status, view.beta) == ("running", 1.0)
    assert (view.is_owned_by(ME), view.is_owned_by(OTHER)) == (True, False)
    # The copy waits 1.5 s for a save: on a busy machine it would be of an older one, or of none.
    runner.save(run_id, timeout_s=DEADLINE_S, for_looking=False)
    copy = runner.submit(LONG, owner=OTHER, copy_of=run_id)
    taken = view_of(runner, copy)
    assert (taken.status, taken.is_owned_by(OTHER), taken.is_owned_by(ME)) == ("paused", True, False)
    assert taken.step >= view.step > 0
    source, target = runner.store.run_file(run_id), runner.store.run_file(copy)
    assert source is not None
    assert target is not None
    runner.send(run_id, "stop", owner=ME)
    stopped = reach(runner, run_id, "stopped")
    assert stopped.message_for(ME).startswith("Stopped at step ")
    assert stopped.message_for(OTHER).startswith("Stopped by its owner at step ")
    folder = runner.store.folder(run_id)
    assert folder is not None
    later = LocalRunner(folder.parents[1])
    assert view_of(later, run_id).message_for(OTHER) == stopped.message_for(OTHER), "another server forgot it"
    copied = view_of(later, copy)
    assert (copied.status, copied.step) == ("interrupted", taken.step)
    runner.send(copy, "resume", owner=OTHER)
    reach(runner, copy, "running", step=taken.step + 1)


def test_worker_that_does_not_read_holds_nobody_up(runner: LocalRunner) -> None:
    run_id = runner.submit(LONG, owner=ME)
    reach(runner, run_id, "running", step=1)
    pid = worker_of(runner, run_id).pid
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    for number in range(4000):  # 200 kB: more than a pipe holds
        runner.send(run_id, "set", owner=ME, beta=number / 1000, speed=None)
    assert view_of(runner, run_id).status == "running"
    assert time.monotonic() - began < 20
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_module, "SILENT_S", 0.0)
        assert view_of(runner, run_id).message == job_module.SILENT
    os.kill(pid, signal.SIGCONT)
    until(lambda: view_of(runner, run_id).beta == 3.999, "the last of the values")


def test_unwatched_run_ends_where_others_wait_and_goes_on_later(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = runner.submit(LONG, owner=ME)
    reach(runner, left, "running", step=1)
    pid = worker_of(runner, left).pid
    monkeypatch.setattr(schedulers, "UNWATCHED_S", 0.5)
    next_one = runner.submit(LONG, owner=OTHER)
    reach(runner, next_one, "running", step=1)
    until(lambda: is_gone(pid), "the process is gone")
    monkeypatch.setattr(schedulers, "UNWATCHED_S", 1000.0)
    view = view_of(runner, left)
    assert (view.status, "and ended: nobody had looked" in view.message) == ("interrupted", True)
    assert [one.run_id for one in runner.interrupted(ME)].count(left) == 1
    runner.send(left, "resume", owner=ME)
    assert place_of(runner, left) == ("queued", 1)
    runner.send(next_one, "stop", owner=OTHER)
    reach(runner, left, "running", step=view.step + 1)


def test_task_of_the_same_browser_takes_over_the_core_and_gives_it_back(
    pids: list[int], tmp_path: Path
) -> None:
    scheduler = Scheduler(cores=1)
    runner, tasks = LocalRunner(tmp_path, scheduler=scheduler), Tasks(tmp_path, scheduler=scheduler)
    points = np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)
    key = "0" * 16
    try:
        mine = runner.submit(LONG, owner=ME)
        reach(runner, mine, "running", step=1)
        others = runner.submit(LONG, owner=OTHER)
        tasks.start(key, "tsne", "0", owner=ME, inputs={"points": points})
        lent = view_of(runner, mine)
        assert (lent.status, lent.message) == (
            "queued",
            "Its core computes something else for you just now; then it goes on by itself.",
        )
        assert (tasks.progress(key) or ())[:2] == (0.0, 0)
        until(lambda: not runner._jobs[mine].is_lent, "the training rests")
        rested = view_of(runner, mine).step
        until(lambda: (tasks.progress(key) or (1.0, 0))[0] > 0, "the task works")
        assert place_of(runner, mine)[0] == place_of(runner, others)[0] == "queued"
        assert view_of(runner, mine).step == rested, "both worked on one core"
        until(lambda: tasks.progress(key) is None, "the task ends")
        assert tasks.result(key) is not None
        reach(runner, mine, "running", step=rested + 1)
        assert place_of(runner, others) == ("queued", 1)
    finally:
        tasks.cancel(key, owner=ME)
        runner.close()


def test_epoch_of_a_held_run_waits_for_a_core_and_a_step_does_not(runner: LocalRunner) -> None:
    held, busy = runner.submit(LONG.held(), owner=ME), runner.submit(LONG, owner=OTHER)
    reach(runner, busy, "running", step=1)
    reach(runner, held, "paused")
    runner.send(held, "step", owner=ME, unit="step")
    reach(runner, held, "paused", step=1)
    runner.send(held, "step", owner=ME, unit="epoch")
    assert place_of(runner, held) == ("queued", 1)
    runner.send(busy, "stop", owner=OTHER)
    epoch = reach(runner, held, "paused", step=2)
    assert epoch.epoch == 1
    until(lambda: not runner.scheduler._in("working"), "the core is free again")


def test_paused_run_beyond_the_budget_is_saved_and_goes_on_at_the_next_click(
    pids: list[int], tmp_path: Path
) -> None:
    runner = LocalRunner(tmp_path, scheduler=Scheduler(cores=1, max_resting=1))
    try:
        first = runner.submit(LONG.held(), owner=ME)
        until(lambda: runner.store.snapshot(first), "a picture of the untrained model")
        runner.send(first, "step", owner=ME, unit="step")
        reach(runner, first, "paused", step=1)
        second = runner.submit(LONG.held(), owner=OTHER)
        until(lambda: runner._jobs[first].process is None, "the first has ended")
        view = view_of(runner, first)
        assert (view.status, view.step, view.message.startswith("It is saved")) == ("paused", 1, True)
        until(lambda: runner.store.snapshot(second), "a picture of the second")
        runner.send(first, "step", owner=ME, unit="step")
        reach(runner, first, "paused", step=2)
        assert view_of(runner, second).status == "paused"
    finally:
        runner.close()


def test_looking_saves_only_what_is_new_and_not_too_often(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = runner.submit(LONG, owner=ME)
    reach(runner, run_id, "running", step=1)
    monkeypatch.setattr(jobs, "LOOKS_APART_S", 1000.0)
    for _ in range(20):
        runner.save(run_id, timeout_s=DEADLINE_S)
    assert runner._jobs[run_id].progress["saves"] == 1
    runner.send(run_id, "pause", owner=ME)
    reach(runner, run_id, "paused")
    until(lambda: runner._jobs[run_id].progress["saves"] == 2, "the save of a pause")
    runner._jobs[run_id].saved_at = -1e9
    for _ in range(20):
        runner.save(run_id)
    runner.send(run_id, "step", owner=ME, unit="step")
    until(lambda: runner._jobs[run_id].stands_at != runner._jobs[run_id].saved_as, "a step")
    runner.save(run_id, timeout_s=DEADLINE_S)
    assert runner._jobs[run_id].progress["saves"] == 3


def test_run_of_nobody_is_taken_by_the_first_who_steers_it(runner: LocalRunner) -> None:
    run_id = runner.store.create(SHORT)
    assert view_of(runner, run_id).is_owned_by(OTHER)
    runner.send(run_id, "pause", owner=ME)
    assert runner.store.owner(run_id) == hashlib.sha256(ME.encode()).hexdigest()
    with pytest.raises(BadInput, match="another browser"):
        runner.send(run_id, "resume", owner=OTHER)


def test_run_whose_folder_vanished_is_none(runner: LocalRunner) -> None:
    runner.submit(LONG.held(), owner=ME)
    waiting = runner.submit(LONG, owner=ME)
    folder = runner.store.folder(waiting)
    assert folder is not None
    shutil.rmtree(folder, ignore_errors=True)
    until(lambda: runner.view(waiting) is None, "the run is gone")
    runner.send(waiting, "resume", owner=ME)
    runner.save(waiting)


@pytest.mark.parametrize("run_id", HOSTILE)
def test_ids_that_name_no_run_do_nothing(shared: LocalRunner, run_id: str) -> None:
    assert shared.view(run_id) is None
    for command in ("resume", "stop", "pause", "save", "run"):
        shared.send(run_id, command, owner=ME, dir="/")
    shared.save(run_id)
    shared.wait(run_id, 10.0)
    assert shared.view(run_id) is None


def test_warm_worker_makes_the_first_point_fast(
    runner: LocalRunner, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where trainings are no copies of a process that has loaded."""
    monkeypatch.setattr(ForkServer, "is_possible", False)
    runner.workers.warm()
    warm = runner.workers._warm
    assert warm is not None
    assert warm._process.stdout is not None
    assert "ready" in warm._process.stdout.readline()
    began = time.monotonic()
    run_id = runner.submit(LONG, owner=ME)
    reach(runner, run_id, "running", step=1)
    seconds = time.monotonic() - began
    with capsys.disabled():
        sys.stdout.write(f"\nstart to first step with a warm worker: {seconds:.2f} s\n")
    assert seconds < 3
    assert worker_of(runner, run_id) is warm
    assert runner.workers._warm is not None
    assert runner.workers._warm is not warm
    assert runner.workers._warm.is_alive


def test_deleted_run_is_stopped_gone_and_back_as_it_was(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = runner.submit(LONG, owner=ME)
    reach(runner, run_id, "running", step=1)
    for act in (runner.delete, runner.describe):
        with pytest.raises(BadInput, match="another browser"):
            act(run_id, owner=OTHER)
    runner.describe(run_id, owner=ME, name="β = 1", tags=("lesson",))
    assert view_of(runner, run_id).name == "β = 1"
    runner.delete(run_id, owner=ME)
    assert runner.view(run_id) is None
    assert run_id not in {entry.run_id for entry in runner.runs_of(ME)}
    runner.send(run_id, "resume", owner=ME)
    assert [entry.run_id for entry in runner.deleted_of(ME)] == [run_id]
    assert runner.deleted_of(OTHER) == []
    with pytest.raises(BadInput, match="another browser"):
        runner.restore(run_id, owner=OTHER)
    runner.restore(run_id, owner=ME)
    back = view_of(runner, run_id)
    assert (back.status, back.name) == ("stopped", "β = 1")
    assert run_id in {entry.run_id for entry in runner.runs_of(ME)}
    runner.send(run_id, "resume", owner=ME)
    reach(runner, run_id, "running", step=back.step + 1)
    runner.delete(run_id, owner=ME)
    monkeypatch.setattr(jobs, "KEPT_DELETED_S", -1.0)
    LocalRunner(runner.store._runs.parent)
    with pytest.raises(BadInput, match="for good"):
        runner.restore(run_id, owner=ME)


def test_run_of_another_browser_is_listed_once_it_was_opened(runner: LocalRunner) -> None:
    run_id = runner.submit(SHORT.held(), owner=ME)
    for token in (ME, OTHER):
        runner.note_opened(run_id, owner=token)
    runner.note_opened("0" * 16, owner=OTHER)
    assert run_id in {entry.run_id for entry in runner.runs_of(OTHER)}
    assert run_id not in runner.opened.ids(digest_of(ME))
    runner.drop_opened(run_id, owner=OTHER)
    assert run_id not in {entry.run_id for entry in runner.runs_of(OTHER)}


def test_downloaded_run_is_uploaded_as_the_same_run_and_goes_on_bit_for_bit(
    pids: list[int], tmp_path: Path
) -> None:
    first, second = LocalRunner(tmp_path / "a", max_running=1), LocalRunner(tmp_path / "b", max_running=1)
    try:
        run_id = first.submit(SHORT.held(), owner=ME)
        reach(first, run_id, "paused")
        first.send(run_id, "step", owner=ME, unit="step")
        reach(first, run_id, "paused", step=1)
        first.send(run_id, "stop", owner=ME)
        stopped = reach(first, run_id, "stopped")
        path, snapshot = first.store.run_file(run_id), first.store.snapshot(run_id)
        assert path is not None
        assert snapshot is not None
        content = path.read_bytes()
        copy = second.upload(content, owner=OTHER, about=About(name="here"))
        taken, there = view_of(second, copy), second.store.run_file(copy)
        assert there is not None
        assert there.read_bytes() == content
        assert (taken.status, taken.step, taken.name) == (stopped.status, stopped.step, "here")
        assert second.store.owner(copy) == digest_of(OTHER), "not nobody's, who would be everybody's"
        assert copy != run_id
        drawn = second.store.snapshot(copy)
        assert drawn is not None
        for name in ("history", "means", "stds", "grid", "examples", "reconstructions"):
            assert np.array_equal(getattr(drawn, name), getattr(snapshot, name), equal_nan=True), name
        for runner, one, owner in ((first, run_id, ME), (second, copy, OTHER)):
            runner.send(one, "step", owner=owner, unit="epoch")
            reach(runner, one, "finished")
        one, other = (parse_run(file.read_bytes()) for file in (path, there))
        assert one.step == other.step > stopped.step
        for name, value in one.weights.items():
            assert value.equal(other.weights[name]), name
        for damaged in (content[:-1], b"", b"PK", bytes([*content[:-1], content[-1] ^ 1])):
            with pytest.raises(BadInput):
                second.upload(damaged, owner=OTHER)
        assert second.store.ids() == [copy]
    finally:
        first.close()
        second.close()


def test_closed_runner_saves_and_the_next_one_resumes(pids: list[int], tmp_path: Path) -> None:
    first = LocalRunner(tmp_path, max_running=1)
    second = LocalRunner(tmp_path, max_running=1)
    try:
        run_id = first.submit(LONG, owner=ME)
        waiting = first.submit(LONG, owner=ME)
        reach(first, run_id, "running", step=1)
        first.close()
        left = view_of(second, run_id)
        assert left.status == "interrupted"
        assert left.message == f"Interrupted at step {left.step}: the server stopped."
        assert second.store.run_file(run_id) is not None
        assert {view.run_id for view in second.interrupted(ME)} == {run_id, waiting}
        assert second.interrupted(OTHER) == []
        assert left.is_owned_by(ME)
        with pytest.raises(BadInput, match="another browser"):
            second.send(run_id, "resume", owner=OTHER)
        assert view_of(second, waiting).status == "interrupted"
        assert view_of(second, waiting).message == "Interrupted at step 0: the server stopped."
        second.send(run_id, "resume", owner=ME)
        reach(second, run_id, "running", step=left.step + 1)
    finally:
        first.close()
        second.close()


def test_a_fork_begins_at_a_kept_step_with_what_was_changed(runner: LocalRunner) -> None:
    run_id = runner.submit(LONG, owner=ME)
    until(lambda: len(runner.store.kept_steps(run_id)) > 9, "some steps are kept")
    runner.send(run_id, "stop", owner=ME)
    reach(runner, run_id, "stopped")
    step = runner.store.kept_steps(run_id)[9]
    fork = runner.submit(LONG, owner=OTHER, copy_of=run_id, at_step=step, changes=Changes(beta=4.0, seed=3))
    view = view_of(runner, fork)
    assert (view.status, view.step, view.beta, view.learning_rate) == ("paused", step, 4.0, 2e-3)
    assert view.message == f"Forked from Run {run_id[:4]} at step {step}."
    assert runner.store.kept_steps(fork) == runner.store.kept_steps(run_id)[:10]
    about = runner.store.about(fork)
    assert (about.parent, about.parent_step) == (run_id, step)
    assert about.note == f"β 4, seed 3 from step {step} on."
    snapshot = runner.store.snapshot(fork)
    assert snapshot is not None
    assert snapshot.step == step
    runner.send(fork, "resume", owner=OTHER)
    reach(runner, fork, "running", step=step + 1)
    same = runner.submit(LONG, owner=OTHER, copy_of=run_id, at_step=step)
    source, target = runner.store.run_file_at(run_id, step), runner.store.run_file(same)
    assert source is not None
    assert target is not None
    assert source.read_bytes() == target.read_bytes()


def test_a_step_that_is_not_kept_is_no_fork_and_leaves_no_folder(runner: LocalRunner) -> None:
    run_id = runner.submit(SHORT, owner=ME)
    reach(runner, run_id, "finished")
    before = runner.store.ids()
    for step, changes in ((9, None), (-1, None), (4, Changes(beta=-1.0)), (4, Changes(seed=-1))):
        with pytest.raises(BadInput):
            runner.submit(SHORT, owner=ME, copy_of=run_id, at_step=step, changes=changes)
    file = runner.store.run_file_at(run_id, 4)
    assert file is not None
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(BadInput, match="step 4 of this run cannot be read"):
        runner.submit(SHORT, owner=ME, copy_of=run_id, at_step=4)
    assert runner.store.ids() == before
    assert (runner.store.run_file_at(run_id, 9), runner.store.snapshot_at(run_id, 9)) == (None, None)
