"""One run: what the registry keeps of it, and how it stands as one value for drawing."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

from dashboard.runs.worker_process import WorkerProcess
from vae_core.config import RunConfig

ACTIVE: Final = frozenset({"queued", "running", "paused"})
RESUMABLE: Final = frozenset({"paused", "stopped", "interrupted", "crashed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """How a run stands, for drawing.

    Arguments:
        run_id: 16 hex digits.
        config: What the run is.
        status: ``queued``, ``running``, ``paused``, ``finished``, ``stopped``, ``stopped_early``,
            ``diverged``, ``interrupted``, ``crashed`` or ``failed``.
        message: One sentence on it, or empty.
        step, num_steps, epoch, num_epochs: Progress and its goal.
        beta, learning_rate, speed: In force now; ``speed`` is steps per second at most, or None.
        steps_per_second: Measured, 0 when unknown.
        version: Rises with each snapshot.
        queue_position: 1 for the next to start; 0 when not waiting.
    """

    run_id: str
    config: RunConfig
    status: str
    message: str
    step: int
    num_steps: int
    epoch: int
    num_epochs: int
    beta: float
    learning_rate: float
    speed: float | None
    steps_per_second: float
    version: int
    queue_position: int

    @property
    def is_active(self) -> bool:
        """Whether the run may still change by itself or by a command."""
        return self.status in ACTIVE

    @property
    def is_resumable(self) -> bool:
        """Whether ``resume`` lets the run go on."""
        return self.status in RESUMABLE

    @property
    def eta_s(self) -> float | None:
        """Seconds to the last epoch at the present rate; None when there is no rate."""
        if self.steps_per_second <= 0:
            return None
        return (self.num_steps - self.step) / self.steps_per_second


@dataclass(slots=True)
class Job:
    """What the registry keeps of a run; changed only under the registry's lock.

    Arguments:
        run_id: 16 hex digits.
        config: What the run is.
        progress: The newest that its worker said, by the names of :class:`JobView`.
        process: Its worker, while it has one.
        pending: Commands that wait for the worker.
        stopping: Whether the worker was told to end, and is killed when it does not.
        changed: Set whenever there is something new.
        seen: When somebody last looked at the run, by the monotonic clock.
    """

    run_id: str
    config: RunConfig
    progress: dict[str, Any]
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
            self.set("stopped", "Stopped by you without an answer from the training: its last save is kept.")
        else:
            message = f"The training process ended unexpectedly ({how}): Resume goes on from the last save."
            self.set("crashed", message)

    def view(self, queue_position: int) -> JobView:
        """How the run stands."""
        names = ("step", "num_steps", "epoch", "num_epochs", "beta", "learning_rate", "speed")
        more = ("steps_per_second", "version", "status", "message")
        values = {name: self.progress[name] for name in (*names, *more)}
        return JobView(run_id=self.run_id, config=self.config, queue_position=queue_position, **values)


def no_progress(config: RunConfig) -> dict[str, Any]:
    """What is known of a run before its worker says anything."""
    train = config.train
    return {
        "status": "queued",
        "message": "",
        "step": 0,
        "num_steps": 0,
        "epoch": 0,
        "num_epochs": train.num_epochs,
        "beta": train.beta,
        "learning_rate": train.learning_rate,
        "speed": None,
        "steps_per_second": 0.0,
        "version": 0,
        "saves": 0,
    }
