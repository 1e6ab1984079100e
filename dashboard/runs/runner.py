"""Trainings in processes of their own: a queue, a few running, one idle worker that is ready for the next.

No Streamlit here. The registry is an object of this module, not a Streamlit cache, which any visitor may
clear. Each run has a folder named by 16 hex digits; what a browser sends is only ever such an id.
"""

import hmac
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dashboard.runs.store import RunStore, digest_of, home
from dashboard.runs.worker_process import GRACE_S, WorkerProcess, num_cores
from vae_core.config import RunConfig
from vae_core.errors import BadInput

MAX_QUEUED: Final = 100
UNWATCHED_S: Final = 90.0
"""After how long without a look at it a run counts as unwatched: even a hidden tab looks once a minute."""
ACTIVE: Final = frozenset({"queued", "running", "paused"})
RESUMABLE: Final = frozenset(
    {"paused", "finished", "stopped", "stopped_early", "diverged", "interrupted", "crashed"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """How a run stands, for drawing.

    Arguments:
        run_id: 16 hex digits.
        config: What the run is.
        status: ``queued``, ``running``, ``paused``, ``finished``, ``stopped``, ``stopped_early``,
            ``diverged``, ``interrupted``, ``crashed`` or ``failed``.
        message: One sentence on it, or empty.
        step, num_steps, epoch, num_epochs: Progress and its goal; without a goal (it trains until it is
            stopped) ``num_steps`` and ``num_epochs`` are None.
        beta, learning_rate, speed: In force now; ``speed`` is steps per second at most, or None.
        steps_per_second: Measured, 0 when unknown.
        version: Rises with each snapshot.
        queue_position: 1 for the next to start; 0 when not waiting.
        owner: Digest of the token of the browser that owns it; None: nobody does yet.
    """

    run_id: str
    config: RunConfig
    status: str
    message: str
    step: int
    num_steps: int | None
    epoch: int
    num_epochs: int | None
    beta: float
    learning_rate: float
    speed: float | None
    steps_per_second: float
    version: int
    queue_position: int
    owner: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What people call the run: ``Run a3f1``."""
        return f"Run {self.run_id[:4]}"

    @property
    def is_active(self) -> bool:
        """Whether the run may still change by itself or by a command."""
        return self.status in ACTIVE

    @property
    def is_resumable(self) -> bool:
        """Whether ``resume`` lets the run go on."""
        return self.status in RESUMABLE

    def is_owned_by(self, token: str) -> bool:
        """Whether the browser with this token may steer the run; what nobody owns is anybody's to take."""
        return is_owner(self.owner, token)

    @property
    def eta_s(self) -> float | None:
        """Seconds to the last epoch at the present rate; None when there is no rate, or no last epoch."""
        if self.num_steps is None or self.steps_per_second <= 0:
            return None
        return (self.num_steps - self.step) / self.steps_per_second


def is_owner(owner: str | None, token: str) -> bool:
    """Whether a token is that of an owner, compared in constant time; nobody's run is anybody's."""
    return owner is None or hmac.compare_digest(owner, digest_of(token))


@dataclass(slots=True)
class Job:
    """What the registry keeps of a run; changed only under the registry's lock.

    Arguments:
        run_id: 16 hex digits.
        config: What the run is.
        progress: The newest that its worker said, by the names of :class:`JobView`.
        owner: Digest of its owner's token.
        process: Its worker, while it has one.
        pending: Commands that wait for the worker.
        stopping: Whether the worker was told to end, and is killed when it does not.
        changed: Set whenever there is something new.
        seen: When somebody last looked at the run, by the monotonic clock.
    """

    run_id: str
    config: RunConfig
    progress: dict[str, Any]
    owner: str | None
    process: WorkerProcess | None = None
    pending: list[dict[str, Any]] = field(default_factory=list)
    stopping: bool = False
    changed: threading.Event = field(default_factory=threading.Event)
    seen: float = field(default_factory=time.monotonic)

    @property
    def status(self) -> str:
        """``queued``, ``running``, ``paused`` or how it ended."""
        return str(self.progress["status"])

    def set(self, status: str, message: str = "") -> None:
        """Notes a new status."""
        self.progress = {**self.progress, "status": status, "message": message, "steps_per_second": 0.0}
        self.changed.set()

    def unseen_s(self) -> float:
        """Seconds since somebody last looked at the run."""
        return time.monotonic() - self.seen

    def crash(self, code: int) -> None:
        """Notes that the worker is gone without a last word; ``code`` is its exit code, -n for signal n."""
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self.process = None
        if self.stopping:
            self.set("stopped", "Stopped without an answer from the training: its last save is kept.")
        else:
            message = f"The training process ended unexpectedly ({how}): Resume goes on from the last save."
            self.set("crashed", message)

    def view(self, queue_position: int) -> JobView:
        """How the run stands."""
        names = ("step", "num_steps", "epoch", "num_epochs", "beta", "learning_rate", "speed")
        more = ("steps_per_second", "version", "status", "message")
        values = {name: self.progress[name] for name in (*names, *more)}
        return JobView(
            run_id=self.run_id, config=self.config, queue_position=queue_position, owner=self.owner, **values
        )


def no_progress(config: RunConfig) -> dict[str, Any]:
    """What is known of a run before its worker says anything."""
    train = config.train
    return {
        "status": "queued",
        "message": "",
        "step": 0,
        "num_steps": None if train.num_epochs is None else 0,
        "epoch": 0,
        "num_epochs": train.num_epochs,
        "beta": train.beta,
        "learning_rate": train.learning_rate,
        "speed": None,
        "steps_per_second": 0.0,
        "version": 0,
        "saves": 0,
    }


class LocalRunner:
    """Runs trainings on this machine, at most ``max_running`` at a time, first come first served.

    A paused run keeps its process but no place; it queues again when it is resumed. When a worker dies only
    its run is hurt: it can be resumed from its last save.

    Arguments:
        home: Where the run folders are.
        max_running: Trainings at a time; None: all cores but one.
    """

    def __init__(self, home: Path, *, max_running: int | None = None) -> None:
        self.store = RunStore(home)
        self._max_running = max(1, num_cores() - 1) if max_running is None else max_running
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._queue: list[str] = []
        self._warm: WorkerProcess | None = None
        self._closed = False
        self._lecturers: set[str] = set()

    def set_lecturer(self, token: str) -> None:
        """Notes that the browser with this token is the lecturer's."""
        with self._lock:
            self._lecturers.add(digest_of(token))

    def warm(self) -> None:
        """Starts the idle worker that makes the next Start fast, unless one waits already."""
        with self._lock:
            if not self._closed and (self._warm is None or not self._warm.is_alive):
                self._warm = WorkerProcess()

    def submit(self, config: RunConfig, *, owner: str, copy_of: str | None = None) -> str:
        """Starts or queues a run and returns its id.

        Arguments:
            config: What the run is.
            owner: Token of the browser that starts it: it alone may steer the run.
            copy_of: A run to go on from: the new one begins with its weights, optimiser and history, paused.

        Raises:
            BadInput: The queue is full, or nothing of the run to copy is saved.
        """
        if copy_of is not None:
            return self._copy(copy_of, owner)
        with self._lock:
            if len(self._queue) >= MAX_QUEUED:
                raise BadInput("queue", f"{MAX_QUEUED} runs are waiting already", "try again in a minute")
            for gone in self.store.forget_oldest(self._is_busy):
                self._jobs.pop(gone, None)
            run_id = self.store.create(config, owner=digest_of(owner))
            self._jobs[run_id] = Job(run_id, config, no_progress(config), digest_of(owner))
            self._queue.append(run_id)
            self._schedule()
            return run_id

    def _copy(self, source: str, owner: str) -> str:
        # Outside the lock: the run that is copied writes its state of now first.
        self.save(source)
        with self._lock:
            original = self._job(source)
            if original is None:
                raise BadInput("copy", "the run to copy no longer exists", "start one of your own")
            config = original.config
            run_id = self.store.create(config, owner=digest_of(owner), copy_of=source)
            job = Job(run_id, config, {**original.progress}, digest_of(owner))
            job.set("paused", f"A copy of Run {source[:4]}.")
            self._jobs[run_id] = job
            return run_id

    def view(self, run_id: str) -> JobView | None:
        """How the run stands; None when there is no such run."""
        with self._lock:
            job = self._job(run_id)
            if job is None:
                return None
            position = self._queue.index(run_id) + 1 if run_id in self._queue else 0
            job.seen = time.monotonic()
            return job.view(position)

    def wait(self, run_id: str, seconds: float) -> None:
        """Returns when the run reports anything new, at the latest after ``seconds``."""
        with self._lock:
            job = self._job(run_id)
        if job is not None:
            job.changed.clear()
            job.changed.wait(seconds)

    def send(self, run_id: str, command: str, *, owner: str, **values: object) -> None:
        """Sends a command of :mod:`vae_core.runs.worker`; one that makes no sense now does nothing.

        Arguments:
            run_id: The run.
            command: Its name.
            owner: Token of the browser that sends it.
            values: What goes with the command.

        Raises:
            BadInput: (code ``owner``) The run belongs to another browser.
        """
        with self._lock:
            job = self._job(run_id)
            if job is None:
                return
            self._require_owner(job, owner)
            if command == "stop":
                self._stop(job)
            elif command == "resume":
                self._resume(job)
            else:
                self._pass_on(job, {"command": command, **values})

    def save(self, run_id: str, *, timeout_s: float = 1.5) -> None:
        """Has the run write its file now, and returns when it did (or after ``timeout_s``)."""
        with self._lock:
            job = self._job(run_id)
            if job is None or job.process is None:
                return
            before = job.progress["saves"]
            self._pass_on(job, {"command": "save"})
        deadline = time.monotonic() + timeout_s
        while job.progress["saves"] == before and job.process is not None and time.monotonic() < deadline:
            self.wait(run_id, 0.1)

    def close(self) -> None:
        """Ends all workers; their runs save themselves and can be resumed."""
        with self._lock:
            self._closed = True
            self._queue.clear()
            processes = [job.process for job in self._jobs.values() if job.process is not None]
            warm, self._warm = ([] if self._warm is None else [self._warm]), None
        for process in processes + warm:
            process.end_input()
        for process in processes + warm:
            process.wait()
        for process in warm:
            list(process.events())

    def _job(self, run_id: str) -> Job | None:
        if self.store.folder(run_id) is None:
            return None
        if run_id not in self._jobs:
            job = self._stored_job(run_id)
            if job is not None:
                self._jobs[run_id] = job
        return self._jobs.get(run_id)

    def _require_owner(self, job: Job, token: str) -> None:
        if not is_owner(job.owner, token):
            raise BadInput("owner", "This run belongs to another browser", "take a copy to go on from it")
        if job.owner is None:
            job.owner = digest_of(token)
            self.store.claim(job.run_id, job.owner)

    def _stored_job(self, run_id: str) -> Job | None:
        config = self.store.config(run_id)
        if config is None:
            return None
        job = Job(
            run_id, config, {**no_progress(config), **self.store.status(run_id)}, self.store.owner(run_id)
        )
        if job.status in ACTIVE:
            # No process of this server has it: the one that had it ended with an earlier server.
            step = job.progress["step"]
            job.set("interrupted", f"Interrupted at step {step}: Resume goes on from the last save.")
        return job

    def _num_running(self) -> int:
        return sum(job.process is not None and job.status == "running" for job in self._jobs.values())

    def _schedule(self) -> None:
        # A run that is held paused needs no core, so it need not wait for one.
        for run_id in list(self._queue):
            job = self._jobs[run_id]
            held = job.config.hold and job.process is None and self.store.run_file(run_id) is None
            if held or self._num_running() < self._max_running:
                self._queue.remove(run_id)
                self._start(job, "paused" if held else "running")
        if self._queue:
            self._hold_unwatched()

    def _hold_unwatched(self) -> None:
        # Somebody waits: a run whose last watcher closed the page gives its place up, and can be resumed.
        for job in self._jobs.values():
            if job.status == "running" and job.unseen_s() > UNWATCHED_S and job.process is not None:
                job.process.send({"command": "pause"})

    def _start(self, job: Job, status: str) -> None:
        job.set(status)
        job.stopping = False
        if job.process is not None:
            job.process.send({"command": "resume"})
            return
        folder = str(self.store.folder(job.run_id))
        if self._warm is not None and self._warm.is_alive:
            job.process, self._warm = self._warm, None
            job.process.send({"command": "run", "dir": folder})
        else:
            job.process = WorkerProcess(folder)
        for command in job.pending:
            job.process.send(command)
        job.pending.clear()
        if status == "running" and self.store.run_file(job.run_id) is not None:
            job.process.send({"command": "resume"})  # a saved run waits for it
        threading.Thread(
            target=self._read, args=(job, job.process), name=f"run {job.run_id}", daemon=True
        ).start()

    def _stop(self, job: Job) -> None:
        if job.run_id in self._queue:
            self._queue.remove(job.run_id)
        if job.process is None:
            if job.status in ACTIVE:
                job.set("stopped", "Stopped before it began.")
            return
        job.stopping = True
        job.process.send({"command": "stop"})
        timer = threading.Timer(GRACE_S, job.process.kill)
        timer.daemon = True
        timer.start()

    def _resume(self, job: Job) -> None:
        if job.status in RESUMABLE and job.run_id not in self._queue:
            self._queue.append(job.run_id)
            job.set("queued")
            self._schedule()

    def _pass_on(self, job: Job, command: dict[str, Any]) -> None:
        if job.process is not None:
            job.process.send(command)
        elif job.status == "queued" or command["command"] in ("set", "step"):
            newer = {name for name in command if command["command"] == "set"}
            job.pending = [earlier for earlier in job.pending if not set(earlier) <= newer]
            job.pending.append(command)
            if command["command"] == "step" and job.status in RESUMABLE:
                self._start(job, "paused")

    def _read(self, job: Job, process: WorkerProcess) -> None:
        ended = False
        for event in process.events():
            # Only now, when this run is under way: two workers that start at once start half as fast.
            self.warm()
            if event.get("event") in ("progress", "end"):
                ended = event["event"] == "end"
                with self._lock:
                    self._note(job, event, ended=ended)
                job.changed.set()
        code = process.wait()
        with self._lock:
            if not ended:
                job.crash(code)
            self._schedule()

    def _note(self, job: Job, event: dict[str, Any], *, ended: bool) -> None:
        # A worker says how it ends before it saves: only after its last word may another go on from there.
        queued = job.run_id in self._queue
        believed = not queued and (ended or event["status"] in ACTIVE)
        job.progress = {**job.progress, **event, "status": event["status"] if believed else job.status}
        if ended:
            job.process = None
        if not queued:
            self._schedule()

    def _is_busy(self, run_id: str) -> bool:
        job = self._jobs.get(run_id)
        return job is not None and (job.process is not None or run_id in self._queue)


_runner: LocalRunner | None = None
_runner_lock = threading.Lock()


def runner() -> LocalRunner:
    """The runner of this server."""
    global _runner
    with _runner_lock:
        if _runner is None:
            _runner = LocalRunner(home())
        return _runner
