"""What a worker says may come late: the runner against workers that speak when the test has them speak."""

import os
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from dashboard.runs import job as job_module
from dashboard.runs import scheduler as schedulers
from dashboard.runs import store as stores
from dashboard.runs import workers
from dashboard.runs.fork_server import ForkServer
from dashboard.runs.job import Job
from dashboard.runs.runner import LocalRunner
from dashboard.runs.scheduler import FORGOTTEN_S, TURN_S, Place, Scheduler
from dashboard.runs.store import digest_of
from dashboard.runs.worker_process import WorkerProcess
from dashboard.runs.workers import Workers
from tests.polling import DEADLINE_S, until
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.errors import BadInput

CONFIG: Final = RunConfig(model=ModelConfig(data_dim=64, hidden_dims=(8,)))
ME, OTHER = "0" * 32, "1" * 32
EPOCH: Final = {"command": "step", "unit": "epoch"}


class Clock:
    """The clock of turns, which goes when a test has it go."""

    passed = 0.0

    def __call__(self) -> float:
        return self.passed


CLOCK: Final = Clock()


class Worker:
    """A worker process made of nothing."""

    started: Final[list["Worker"]] = []
    is_alive = True

    def __init__(self, *arguments: str) -> None:
        self.heard: list[dict[str, Any]] = []
        self._said: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        Worker.started.append(self)

    def send(self, command: dict[str, Any]) -> None:
        self.heard.append(command)

    def say(self, status: str, *, event: str = "progress", **values: Any) -> None:
        self._said.put({"event": event, "status": status, "message": f"It is {status}.", **values})

    def end(self, status: str, **values: Any) -> None:
        self.say(status, event="end", **values)
        self._said.put(None)

    def events(self) -> Iterator[dict[str, Any]]:
        yield from iter(self._said.get, None)

    def end_input(self) -> None:
        self.heard.append({"command": "end_input"})

    def kill(self) -> None:
        self._said.put(None)

    def wait(self) -> int:
        return 0


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalRunner]:
    monkeypatch.setattr(workers, "WorkerProcess", Worker)
    monkeypatch.setattr(Workers, "warm", lambda self: None)
    Worker.started.clear()
    runner = LocalRunner(tmp_path, scheduler=Scheduler(cores=1, clock=CLOCK))
    yield runner
    runner.close()
    for worker in Worker.started:
        worker.kill()


def noted(runner: LocalRunner, found: Callable[[], object], what: str) -> None:
    """Waits for what the runner notes, and until it has noted all of it: it does so under its lock."""

    def is_found() -> bool:
        with runner.scheduler.lock:
            return bool(found())

    until(is_found, what)


def working(runner: LocalRunner, config: RunConfig = CONFIG) -> tuple[str, Job, Worker]:
    """A run of mine that has said that it works, and its worker."""
    run_id = runner.submit(config, owner=ME)
    job = runner._jobs[run_id]
    noted(runner, lambda: job.process, "the worker has started")
    worker = Worker.started[-1]
    hear(runner, job, worker, "running", step=1)
    return run_id, job, worker


def hear(runner: LocalRunner, job: Job, worker: Worker, status: str, **values: Any) -> None:
    news = job.news
    worker.say(status, **values)
    noted(runner, lambda: job.news > news, "the worker is heard")


def task(runner: LocalRunner, owner: str = ME) -> Place:
    place = Place(owner=digest_of(owner), memory=0, borrows=True, begin=lambda: None)
    runner.scheduler.enter(place)
    return place


def test_run_that_ends_while_its_core_is_lent_stays_ended(runner: LocalRunner) -> None:
    _, job, worker = working(runner)
    borrower = task(runner)
    assert job.status == "queued"
    worker.end("finished")
    noted(runner, lambda: job.place is None, "the end")
    runner.scheduler.leave(borrower)
    assert (job.status, len(Worker.started)) == ("finished", 1)


def test_old_words_of_a_run_whose_core_came_back_at_once_change_nothing(runner: LocalRunner) -> None:
    _, job, worker = working(runner)
    runner.scheduler.leave(task(runner))
    assert worker.heard[-2:] == [{"command": "pause"}, {"command": "resume"}]
    for status in ("running", "paused", "running"):
        hear(runner, job, worker, status)
        assert job.place is not None
        assert job.place.state == "working", status
    hear(runner, job, worker, "paused")
    assert job.place.state == "resting", "it may still pause by itself"


def test_epoch_whose_core_was_lent_goes_on_as_an_epoch(runner: LocalRunner) -> None:
    run_id = runner.submit(CONFIG.held(), owner=ME)
    job = runner._jobs[run_id]
    noted(runner, lambda: job.process, "the worker has started")
    worker = Worker.started[-1]
    hear(runner, job, worker, "paused")
    runner.send(run_id, "step", owner=ME, unit="epoch")
    hear(runner, job, worker, "paused", steps_left=20)
    runner.scheduler.leave(task(runner))
    assert worker.heard == [EPOCH, {"command": "pause"}, EPOCH]


def ending(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Job, Worker]:
    """A run that was told to end, since nobody looked at it and somebody waits."""
    run_id, job, worker = working(runner)
    with monkeypatch.context() as hasty:
        hasty.setattr(schedulers, "UNWATCHED_S", -1.0)
        task(runner, OTHER)
    assert worker.heard[-1] == {"command": "end_input"}
    return run_id, job, worker


def test_stop_of_a_run_that_is_ending_is_a_stop(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, job, worker = ending(runner, monkeypatch)
    runner.send(run_id, "stop", owner=ME)
    worker.end("interrupted", step=7)
    noted(runner, lambda: job.place is None, "the end")
    view = runner.view(run_id)
    assert view is not None
    assert (view.status, view.message_for(OTHER)) == ("stopped", "Stopped by its owner at step 7.")
    assert runner.interrupted(ME) == []


@pytest.mark.parametrize("command", ["pause", "stop"])
def test_pause_takes_back_the_resume_of_a_run_that_is_ending(
    command: str, runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, job, worker = ending(runner, monkeypatch)
    hear(runner, job, worker, "paused")
    runner.send(run_id, "resume", owner=ME)
    runner.send(run_id, command, owner=ME)
    worker.end("interrupted")
    noted(runner, lambda: job.place is None, "the end")
    assert (job.wants_process, len(Worker.started)) == (None, 1)
    assert job.status == ("stopped" if command == "stop" else "paused")


PAUSE, RESUME, STEP = {"command": "pause"}, {"command": "resume"}, {"command": "step", "unit": "step"}


def turn_over(runner: LocalRunner) -> tuple[str, Job, Worker, Job]:
    """A run of mine that hands its core over to one of another browser."""
    run_id, job, worker = working(runner)
    other = runner._jobs[runner.submit(CONFIG, owner=OTHER)]
    assert (job.status, other.status) == ("running", "queued")
    pass_turn(runner)
    noted(runner, lambda: other.process, "the other worker has started")
    return run_id, job, worker, other


def pass_turn(runner: LocalRunner) -> None:
    """So long that whoever works has had its turn."""
    with runner.scheduler.lock:
        CLOCK.passed += TURN_S
        runner.scheduler.advance()


def test_trainings_of_two_browsers_take_turns_and_keep_their_processes(runner: LocalRunner) -> None:
    run_id, job, worker, other = turn_over(runner)
    assert worker.heard == [PAUSE]
    # Its answer to what it was told, and what it had said before.
    for status in ("running", "paused"):
        hear(runner, job, worker, status, step=1)
        assert job.status == "queued"
    view = runner.view(run_id)
    assert view is not None
    assert (view.queue_position, view.message) == (1, "")
    hear(runner, other, Worker.started[1], "running", step=3)
    pass_turn(runner)
    assert (job.status, other.status) == ("running", "queued")
    assert (worker.heard, Worker.started[1].heard) == ([PAUSE, RESUME], [PAUSE])
    assert len(Worker.started) == 2


def test_run_that_waits_for_its_turn_is_steered_as_one_that_works(runner: LocalRunner) -> None:
    run_id, job, worker, other = turn_over(runner)
    runner.send(run_id, "set", owner=ME, beta=4.0)
    assert worker.heard == [PAUSE, {"command": "set", "beta": 4.0}], "the dial acts at once"
    runner.send(run_id, "step", owner=ME, unit="step")
    assert (worker.heard[2:], job.status) == ([STEP], "paused")
    pass_turn(runner)
    assert (job.status, other.status) == ("paused", "running"), "it waits for its owner alone"
    runner.send(run_id, "resume", owner=ME)
    assert (worker.heard[3:], job.status, other.status) == ([RESUME], "running", "queued")
    pass_turn(runner)
    runner.send(run_id, "step", owner=ME, unit="epoch")
    assert (worker.heard[4:], job.status) == ([PAUSE], "queued"), "an epoch needs a core"
    pass_turn(runner)
    assert (worker.heard[5:], job.status) == ([EPOCH], "running")


@pytest.mark.parametrize("command", ["pause", "stop"])
def test_run_that_waits_for_its_turn_can_be_ended(command: str, runner: LocalRunner) -> None:
    run_id, job, worker, _ = turn_over(runner)
    runner.send(run_id, command, owner=ME)
    pass_turn(runner)
    if command == "stop":
        assert worker.heard[1] == {"command": "stop"}
        worker.end("stopped", step=5)
        noted(runner, lambda: job.place is None, "the end")
    assert job.status == {"pause": "paused", "stop": "stopped"}[command]


def test_run_without_a_process_that_waits_is_stepped_at_once(runner: LocalRunner) -> None:
    _, job, _ = working(runner)
    other = runner.submit(CONFIG, owner=OTHER)
    runner.send(other, "step", owner=OTHER, unit="step")
    noted(runner, lambda: runner._jobs[other].process, "a worker that rests")
    assert (runner._jobs[other].status, Worker.started[1].heard) == ("paused", [STEP])
    assert job.status == "running"


def test_run_whose_process_made_room_goes_on_waiting_without_one(runner: LocalRunner) -> None:
    """It counts as looked at only when somebody looks at it."""
    _, job, worker, other = turn_over(runner)
    job.seen = seen = job.seen - 60.0
    with runner.scheduler.lock:
        first = job.place
        assert first is not None
        runner.scheduler._end(first, "room")
    assert worker.heard[-1] == {"command": "end_input"}
    pass_turn(runner)
    assert other.status == "running", "what ends does not begin"
    worker.end("interrupted", step=9)
    noted(runner, lambda: job.place is not first and job.process is not None, "its new process")
    assert (job.status, other.status, job.seen) == ("running", "queued", seen)
    assert Worker.started[2].heard == [RESUME]


def test_training_that_was_forgotten_ends_although_nobody_waits(runner: LocalRunner) -> None:
    endless = replace(CONFIG, train=replace(CONFIG.train, num_epochs=None))
    _, job, worker = working(runner, endless)
    job.seen -= FORGOTTEN_S + 1.0
    runner.scheduler.advance()
    assert worker.heard == [{"command": "end_input"}]
    worker.end("interrupted", step=9)
    noted(runner, lambda: job.place is None, "the end")
    assert job.status == "interrupted"
    assert job.progress["message"] == "Saved at step 9 and ended: nobody had looked at it for 3 hours."


def test_training_of_a_lecturer_and_one_of_a_student_work_on_one_core(runner: LocalRunner) -> None:
    _, job, _ = working(runner)
    runner.set_lecturer(OTHER)
    shown = runner._jobs[runner.submit(CONFIG, owner=OTHER)]
    pass_turn(runner)
    assert (job.status, shown.status) == ("running", "running")


def folders(runner: LocalRunner) -> set[str]:
    return {path.name for path in runner.store._runs.iterdir()}


TOO_LARGE: Final = RunConfig(
    model=ModelConfig(data_dim=64, hidden_dims=(2048,)), train=TrainConfig(num_samples=1000, batch_size=1000)
)


@pytest.mark.parametrize(
    ("config", "most", "code"),
    [(TOO_LARGE, 100, "num_samples"), (CONFIG, 0, "queue")],
    ids=["memory", "queue"],
)
def test_refused_start_leaves_the_run_before_it_alone(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch, config: RunConfig, most: int, code: str
) -> None:
    run_id, job, worker = working(runner)
    monkeypatch.setattr(schedulers, "MAX_WAITING", most)
    before = folders(runner)
    with pytest.raises(BadInput) as refused:
        runner.submit(config, owner=ME, instead_of=run_id)
    assert refused.value.code == code
    assert (job.status, worker.heard, folders(runner)) == ("running", [], before)
    monkeypatch.undo()


def test_start_that_is_refused_at_the_last_moment_leaves_no_folder(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, job, worker = working(runner)
    before, create = folders(runner), runner.store.create

    def others_come(*arguments: Any, **options: Any) -> str:
        made = create(*arguments, **options)
        monkeypatch.setattr(schedulers, "MAX_WAITING", 0)
        return made

    with monkeypatch.context() as late:
        late.setattr(runner.store, "create", others_come)
        with pytest.raises(BadInput, match="waiting already"):
            runner.submit(CONFIG, owner=ME, instead_of=run_id)
    assert (job.status, worker.heard, folders(runner)) == ("running", [], before)


def test_folder_that_cannot_be_filled_is_removed(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stores, "write_atomically", full)
    with pytest.raises(BadInput, match=r"cannot be kept \(No space"):
        runner.store.create(CONFIG, owner=digest_of(ME))
    assert folders(runner) == set()


def test_accepted_start_stops_the_run_before_it(runner: LocalRunner) -> None:
    run_id, _, worker = working(runner)
    with pytest.raises(BadInput, match="another browser"):
        runner.submit(CONFIG, owner=OTHER, instead_of=run_id)
    assert worker.heard == []
    runner.submit(CONFIG, owner=ME, instead_of=run_id)
    assert worker.heard == [{"command": "stop"}]


def test_commands_for_a_run_without_a_process_are_bounded(
    runner: LocalRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "MAX_UNREAD", 5)
    job = Job("0" * 16, CONFIG, {}, None)
    for number in range(20):
        job.tell({"command": "step", "unit": "step"})
        job.tell({"command": "set", "beta": float(number)})
    assert len(job.pending) == 5


@pytest.mark.parametrize("begin", ["warm", "submit"])
def test_close_waits_for_a_worker_that_is_being_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begin: str
) -> None:
    gate = threading.Event()
    made: list[WorkerProcess] = []

    class Slow(WorkerProcess):
        def __init__(self, *arguments: str) -> None:
            gate.wait(DEADLINE_S)
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(workers, "WorkerProcess", Slow)
    monkeypatch.setattr(ForkServer, "is_possible", False)
    runner = LocalRunner(tmp_path, max_running=1)
    if begin == "warm":
        threading.Thread(target=runner.workers.warm, daemon=True).start()
    else:
        runner.submit(CONFIG, owner=ME)
    until(lambda: runner.workers._is_starting(runner._jobs.values()), "a start")
    closing = threading.Thread(target=runner.close, daemon=True)
    closing.start()
    until(lambda: runner.workers._closed, "the end")
    gate.set()
    closing.join(DEADLINE_S)
    assert not closing.is_alive()
    assert made[0]._process.returncode is not None, "it was left behind"
    with pytest.raises(ChildProcessError):
        os.waitpid(made[0].pid, os.WNOHANG)
