"""How one run stands: what pages draw of it, and what the runner keeps of it."""

import hmac
import math
import time
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple

from dashboard.runs.scheduler import Place
from dashboard.runs.store import digest_of
from dashboard.runs.worker_process import MAX_UNREAD, Member, WorkerProcess
from vae_core.config import RunConfig

ACTIVE: Final = frozenset({"queued", "running", "paused"})
RESUMABLE: Final = frozenset(
    {"paused", "finished", "stopped", "stopped_early", "diverged", "interrupted", "crashed"}
)
SILENT_S: Final = 60.0
"""After how long without a word a worker that should train may hang: five times a second is usual."""
SILENT: Final = (
    "It has not reported for more than a minute: one update may take that long, or its process hangs. "
    "Stop ends it, and what was saved is kept."
)
Command = dict[str, Any]
LEAVE: Final[Command] = {"command": "leave"}
"""Has a run leave the others of its process."""


class Changes(NamedTuple):
    """What a fork has other than the run that it goes on from; None: nothing.

    Arguments:
        beta: In force from its first update on.
        learning_rate: The same.
        seed: Of all that is drawn from there on: the noise, and the order of the examples that are to come.
    """

    beta: float | None = None
    learning_rate: float | None = None
    seed: int | None = None

    def in_words(self) -> str:
        """``β 4, seed 3``; "" where nothing is another one.

        Example:
            >>> Changes(beta=4.0, seed=3).in_words()
            'β 4, seed 3'
        """
        said = {"β": self.beta, "η": self.learning_rate, "seed": self.seed}
        return ", ".join(f"{name} {value:.12g}" for name, value in said.items() if value is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """How a run stands, for drawing.

    Arguments:
        run_id: 16 hex digits.
        config: What the run is.
        status: ``queued``, ``running``, ``paused``, ``finished``, ``stopped``, ``stopped_early``,
            ``diverged``, ``interrupted``, ``crashed`` or ``failed``.
        message: One sentence on it, or empty.
        step, num_steps, epoch, num_epochs: Progress and its goal; goals are None for a run without an end.
        patience: Epochs without a rise of the validation ELBO that end it; None: they do not, or no longer.
        beta, learning_rate, speed: In force now; ``speed`` is steps per second at most, or None.
        steps_per_second: Measured, 0 when unknown.
        version: Rises with each snapshot.
        queue_position: 1 for the next to start; 0 when not waiting.
        wanted_by: Who waits for a core and takes turns with the run: ``others``, or its ``owner`` with
            another run; empty: nobody.
        news: Rises with all that is new of the run.
        owner: Digest of the token of the browser that owns it; None: nobody does yet.
        was_stopped: Whether its owner stopped it.
        title: What people named it; empty where nobody has.
    """

    run_id: str
    config: RunConfig
    status: str
    message: str
    step: int
    num_steps: int | None
    epoch: int
    num_epochs: int | None
    patience: int | None
    beta: float
    learning_rate: float
    speed: float | None
    steps_per_second: float
    version: int
    queue_position: int
    wanted_by: Literal["", "others", "owner"] = ""
    news: int = 0
    owner: str | None = field(default=None, repr=False)
    was_stopped: bool = False
    title: str = ""

    @property
    def name(self) -> str:
        """What people call the run: its name, which may be any text, or ``Run a3f1``."""
        return self.title or f"Run {self.run_id[:4]}"

    @property
    def in_force(self) -> RunConfig:
        """The configuration with the β and the η in force, where they were moved while the run trained."""
        train = replace(self.config.train, learning_rate=self.learning_rate)
        if train.beta_schedule == "constant":
            train = replace(train, beta=self.beta)
        return replace(self.config, train=train)

    @property
    def is_active(self) -> bool:
        """Whether the run may still change by itself or by a command."""
        return self.status in ACTIVE

    @property
    def is_under_way(self) -> bool:
        """Whether it trains, or waits for its next turn after it has begun."""
        return is_under_way(self.status, self.step)

    @property
    def is_resumable(self) -> bool:
        """Whether ``resume`` lets the run go on."""
        return self.status in RESUMABLE

    def is_owned_by(self, token: str) -> bool:
        """Whether the browser with this token may steer the run; what nobody owns is anybody's to take."""
        return is_owner(self.owner, token)

    def message_for(self, token: str) -> str:
        """The message as the browser with this token reads it: others read who stopped the run."""
        if not self.was_stopped or self.is_owned_by(token):
            return self.message
        return self.message.replace("Stopped", "Stopped by its owner", 1)

    @property
    def eta_s(self) -> float | None:
        """Seconds to the last epoch at the present rate; None when there is no rate, or no last epoch."""
        if self.steps_per_second <= 0 or self.num_steps is None:
            return None
        return (self.num_steps - self.step) / self.steps_per_second


def is_under_way(status: str, step: int) -> bool:
    """Whether a run trains, or waits for its next turn after it has begun."""
    return status == "running" or (status == "queued" and step > 0)


def is_owner(owner: str | None, token: str) -> bool:
    """Whether a token is that of an owner, compared in constant time; nobody's run is anybody's."""
    return owner is None or hmac.compare_digest(owner, digest_of(token))


@dataclass(slots=True)
class Job:
    """What the registry keeps of a run; changed only under the scheduler's lock.

    Arguments:
        run_id: 16 hex digits.
        config: What the run is.
        progress: The newest that its worker said, by the names of :class:`JobView`.
        owner: Digest of its owner's token.
        title: What people named it.
        place: Its place with the scheduler, while it wants a process or has one.
        process: Its worker, while it has one.
        together: The runs that entered the same place with it, itself among them.
        leaving: Whether it was told to leave the others of its process; what it is told then is for the next.
        pending: Commands for the next worker, in their order.
        order: The command with which a worker that rests goes on when it gets its core, or gets it back.
        is_awaited: Whether it got its core and has not said yet that it works.
        is_lent: Whether it was told to hand its core over and has not said yet that it rests: what it says
            before is old.
        wants_process: Whether a new one is to begin when the present one has ended; True: with a core.
        stopping: Whether the worker was told to end by the owner, and is killed when it does not.
        news: Counts what is new.
        seen: When somebody last looked at the run, by the monotonic clock.
        heard: When its worker last said something, or began, by the same.
        save_due: The number of saves with which a save that was asked for is done.
        saved_at: When a save for looking was last asked for.
        saved_as: Step, β and η of the last save.
    """

    run_id: str
    config: RunConfig
    progress: dict[str, Any]
    owner: str | None
    title: str = ""
    place: Place | None = None
    process: WorkerProcess | Member | None = None
    together: "tuple[Job, ...]" = field(default=(), repr=False)
    leaving: bool = False
    pending: list[Command] = field(default_factory=list)
    order: Command = field(default_factory=lambda: {"command": "resume"})
    is_awaited: bool = False
    wants_process: bool | None = None
    stopping: bool = False
    is_lent: bool = False
    news: int = 0
    seen: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    save_due: int = 0
    saved_at: float = -1e9
    saved_as: tuple[Any, ...] | None = None

    @property
    def status(self) -> str:
        """``queued``, ``running``, ``paused`` or how it ended."""
        return str(self.progress["status"])

    @property
    def rests(self) -> bool:
        """Whether it has no process, waits for none, and can go on."""
        return self.place is None and self.process is None and self.status in RESUMABLE

    @property
    def shares_process(self) -> bool:
        """Whether others are in its place, or were, and it was not told to leave them."""
        return self.place is not None and len(self.together) > 1 and not self.leaving

    @property
    def stands_at(self) -> tuple[Any, ...]:
        """What a save would hold, as far as the worker has said it."""
        return tuple(self.progress[name] for name in ("step", "beta", "learning_rate"))

    def set(self, status: str, message: str = "") -> None:
        """Notes a new status."""
        self.note({"status": status, "message": message, "steps_per_second": 0.0, "was_stopped": False})

    def set_stopped(self, message: str) -> None:
        """Notes that the owner has stopped the run."""
        self.set("stopped", message)
        self.note({"was_stopped": True})

    def note(self, progress: dict[str, Any]) -> None:
        """Notes what is new."""
        self.progress = {**self.progress, **progress}
        self.news += 1

    def unseen_s(self) -> float:
        """Seconds since somebody last looked at the run."""
        return time.monotonic() - self.seen

    def tell(self, command: Command) -> None:
        """Sends a command to the worker, or to the next one; of settings the newest value counts."""
        if self.process is not None and not self.leaving:
            self.process.send(command)
        elif self.pending and command["command"] == self.pending[-1]["command"] == "set":
            self.pending[-1] = {**self.pending[-1], **command}
        elif len(self.pending) < MAX_UNREAD:
            self.pending.append(command)

    def begin_in(self, process: WorkerProcess | Member) -> None:
        """Gives it a worker, which is told at once what waits: a β holds from the first update on."""
        self.process = process
        if self.leaving:
            process.send(LEAVE)
            return
        if self.progress["speed"] is not None:  # no file of the run holds it
            process.send({"command": "set", "speed": self.progress["speed"]})
        for command in self.pending:
            process.send(command)
        self.pending.clear()

    def view(self, *, queue_position: int = 0, wanted_by: Literal["", "others", "owner"] = "") -> JobView:
        """How the run stands."""
        names = ("step", "num_steps", "epoch", "num_epochs", "patience", "beta", "learning_rate")
        more = ("speed", "steps_per_second", "version", "status", "message", "was_stopped")
        values = {name: self.progress[name] for name in (*names, *more)}
        if self.status == "running" and time.monotonic() - self.heard > SILENT_S:
            values["message"] = SILENT
        for command in self.pending:
            if command["command"] == "set":
                # Settings for the next worker, which checks them, are shown as they were set.
                values |= {
                    name: command[name] for name in ("beta", "learning_rate") if _is_number(command.get(name))
                }
        return JobView(
            run_id=self.run_id,
            config=self.config,
            queue_position=queue_position,
            wanted_by=wanted_by,
            news=self.news,
            owner=self.owner,
            title=self.title,
            **values,
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


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
        "patience": train.patience,
        "beta": train.beta,
        "learning_rate": train.learning_rate,
        "speed": None,
        "steps_per_second": 0.0,
        "version": 0,
        "was_stopped": False,
        "saves": 0,
        "steps_left": 0,
    }
