"""Drives one training: updates between commands, looks, saves, and reports of how it stands.

The protocol is that of :mod:`vae_core.runs.worker`, the process around it.
"""

import contextlib
import json
import math
import queue
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core.checks import shown
from vae_core.config import RunConfig, check_beta, check_learning_rate, check_seed
from vae_core.data import Dataset, Number, load_data_of, with_conditions
from vae_core.device import usable_device
from vae_core.errors import BadInput, TrainingDiverged
from vae_core.memory import is_out_of_memory
from vae_core.model import VAE
from vae_core.runs.folder import RunFolder
from vae_core.runs.fork import DRAW_ANEW
from vae_core.runs.observer import Observer
from vae_core.runs.runfile import Run
from vae_core.runs.snapshot import Snapshot
from vae_core.training.loop import Training
from vae_core.training.trace import Tracer

FIRST_LOOK_S, LOOK_EVERY_S, SAVE_EVERY_S = 0.03, 0.2, 10.0
KEEP_EVERY_S = 1.0
"""Seconds between the states of which a run that diverges falls back on the last good one."""
CHANGES_APART_S = 0.2
"""Live changes that follow each other faster, as from a slider that is dragged, are measured together."""
CHANGES_SHARE = 0.1
"""Share of the time that measuring before and after live changes takes at most; looks take as much."""
TRACED_SPEED = 3.0
"""Steps per second up to which each update is followed stage by stage: an eye can do it too."""
WARN_S = 2 * 60
"""Seconds before the end of a long pause at which the message begins to say so."""
PAUSE_LIMIT_S = 15 * 60
"""Seconds after which a paused run is saved and its process ends: thirty forgotten pauses are 7 GB."""

OUT_OF_MEMORY: Final = (
    "The training ran out of memory: its last save is kept. Start one with a smaller batch, fewer samples or "
    "narrower layers; Resume tries again from the last save."
)

_PAUSE_ENDS: Final = (
    f"The server saves a paused run and ends its process after {PAUSE_LIMIT_S // 60} minutes: "
    f"in {WARN_S // 60} minutes; Resume goes on."
)

Command = dict[str, Any]
END_OF_INPUT: Final[Command] = {"command": "end_of_input"}


def open_training(
    config: RunConfig,
    saved: Run | None,
    *,
    dataset: Dataset | None = None,
    kind: type[Training] = Training,
) -> Training:
    """The training of a run; from a saved run it goes on bit for bit as if it had not been interrupted.

    Arguments:
        config: What the run is.
        saved: What was saved of it; None at its beginning.
        dataset: Its data, where somebody has them in memory already.
        kind: Of training.

    Raises:
        BadInput: The device, the data, or what was saved cannot be used.
    """
    device = usable_device(config.device)
    if dataset is None:
        dataset = load_data_of(config, digest="" if saved is None else saved.data_digest)
    kept = None if saved is None else saved.known
    kept = kept if isinstance(kept, Number) else None
    dataset = with_conditions(dataset, config.condition, config.condition_on, kept=kept).to(device)
    generator = torch.Generator().manual_seed(config.seed)
    # The initial weights are drawn on the CPU: they are the same on every device.
    model = VAE(config.model, generator=generator) if saved is None else saved.model()
    if device.type != "cpu":
        generator = torch.Generator(device).manual_seed(config.seed)
    training = kind(model.to(device), dataset, config.train, generator=generator)
    if saved is not None:
        training.load_state(dict(saved.state_tensors), dict(saved.state_scalars))
        if DRAW_ANEW in saved.state_scalars:
            training.draw_anew(check_seed(saved.state_scalars[DRAW_ANEW]))
    return training


def snapshot_of(run: Run) -> Snapshot:
    """What is drawn of a run, from its file alone; its history gets no row where it has one of its step.

    Raises:
        BadInput: Its weights, its training state or its data do not fit its configuration, or its data are
            not on this machine.
    """
    try:
        training = open_training(run.config, run)
    except (KeyError, ValueError, TypeError, RuntimeError, AttributeError) as err:
        if isinstance(err, BadInput):
            raise
        message = "the training state in the file does not fit the run's settings"
        raise BadInput("run", message, "download the run again") from err
    return _observer(training, run).look()


def _observer(training: Training, run: Run) -> Observer:
    """An observer that goes on with the curves of a run."""
    return Observer(
        training, seed=run.config.seed, history=run.history, later=run.later, validation=run.validation
    )


class End(NamedTuple):
    """How a run ended: a status of :class:`vae_core.runs.runfile.Run`, and one sentence."""

    status: str
    message: str


class Driver:
    """Drives one run: updates between commands, looks five times a second, saves every ten seconds.

    A run that was saved before waits, paused, until it is told to ``resume`` or to ``step``; when it had
    reached its end it goes on without one.

    Arguments:
        run_dir: The run folder, holding ``config.json``.
        commands: What is asked of it; filled by another thread.
        output: Where events go, one JSON object a line.
        run: What each event names the run by, where a process has several; empty: nothing.
        opened: What makes its training.

    Raises:
        BadInput: The configuration, the data or the saved run cannot be used.
    """

    def __init__(
        self,
        run_dir: Path,
        commands: "queue.SimpleQueue[Command]",
        output: TextIO,
        *,
        run: str = "",
        opened: Callable[[RunConfig, Run | None], Training] = open_training,
    ) -> None:
        self.num_together = 1
        """How many runs share the process: each counts its share of the time, and looks the more rarely."""
        self._run = run
        self._folder = RunFolder(run_dir)
        self._commands = commands
        self._output = output
        self.config = self._folder.read_config()
        saved = self._folder.read_run()
        self.training = opened(self.config, saved)
        self._observer = (
            Observer(self.training, seed=self.config.seed)
            if saved is None
            else _observer(self.training, saved)
        )
        self._unknown = {} if saved is None else saved.unknown
        self._good: Run | None = None
        self._next_keep = 0.0
        self._saved: tuple[object, ...] = ()
        """What the run file says, as far as it can change."""
        self._end: End | None = None
        self._paused = self.config.hold or saved is not None
        self._pause_ends_soon = False
        self._steps_allowed = 0
        """Updates that a paused run still makes."""
        self._speed: float | None = None
        self._message = "" if saved is None else saved.notice
        if self.training.batch_size < self.config.train.batch_size:
            self._message = f"Batch size {self.training.batch_size}: all the training examples there are."
        self._rate = Rate()
        self._has_changed = saved is not None and self._observer.has_other_settings
        """Whether beta or the learning rate changed since it was measured last."""
        self._next_change = 0.0
        self._next_look = 0.0
        self._look_after = FIRST_LOOK_S
        self._next_save = time.monotonic() + SAVE_EVERY_S

    @property
    def has_commands(self) -> bool:
        """Whether any command waits."""
        return not self._commands.empty()

    def run(self) -> None:
        """Trains to the end, to a stop, or to the end of input; then saves."""
        for _ in self.turns():
            pass

    def turns(self) -> Iterator[None]:
        """Trains as :meth:`run` does, and hands over right before each update."""
        # What was kept after the last save belongs to updates that are made again, maybe another way.
        self._folder.kept.forget_after(self.training.step)
        try:
            # What waits already is obeyed first: a run that goes on is not reported as paused meanwhile.
            end = self._obey(wait=False)
            self._look_and_keep()
            self._keep_step()
            end = end or (yield from self._train())
            self.training.require_finite_weights()
        except TrainingDiverged as err:
            self._fall_back()
            end = End("diverged", f"Diverged at step {err.step:,}: {err.hint} (step {self.training.step:,}).")
        self._end = end
        self._look()
        self._save()
        if self._folder.unsaved and not self._folder.is_gone:
            # Not as it ended: where it goes on from is not where it stood.
            self._end = End("crashed", f"{end.message} {self._folder.unsaved}")
        self._report("end")

    def _train(self) -> Generator[None, None, End]:
        steps = self.training.steps()
        while True:
            end = self._obey(wait=True)
            if end is not None:
                return end
            began = time.monotonic()
            self._trace_if_slow()
            yield
            step = next(steps, None)
            if step is not None:
                self._observer.add(step, seconds=(time.monotonic() - began) / self.num_together)
            if step is None or step.ended is not None:
                self._keep_step()
                self._observer.measure()
                if self.training.take_best():
                    self._observer.go_back()
                return self._natural_end(None if step is None else step.ended)
            if self._folder.is_gone:
                return End("stopped", f"Stopped at step {step.step:,}: the run was deleted.")
            self._after_step(began)

    def _natural_end(self, ended: str | None) -> End:
        config, ended_at = self.config.train, self.training.ended_at
        went_back = ""
        if ended_at is not None and ended_at > self.training.step:
            went_back = (
                f" It trained to step {ended_at:,}; its weights are those of step {self.training.step:,}, "
            )
            went_back += "the best by the validation ELBO."
        if ended == "stopped_early":
            epochs = "epoch" if config.patience == 1 else "epochs"
            message = f"Stopped early: the validation ELBO has not risen for {config.patience} {epochs}."
            return End("stopped_early", message + went_back)
        done = "the epoch is done" if config.num_epochs == 1 else f"all {config.num_epochs} epochs are done"
        return End("finished", f"Finished: {done}.{went_back}")

    def _trace_if_slow(self) -> None:
        is_slow = self._steps_allowed == 1 if self._paused else (self._speed or math.inf) <= TRACED_SPEED
        if is_slow != (self.training.tracer is not None):
            self.training.tracer = Tracer() if is_slow else None

    def _after_step(self, began: float) -> None:
        if self._has_changed and time.monotonic() >= self._next_change:
            self._measure_change()
        self._keep_step()
        if self._paused:
            self._steps_allowed -= 1
            if self._steps_allowed == 0:
                self._look_and_keep()
            return
        if self._speed is not None:
            self._wait(1.0 / self._speed - (time.monotonic() - began))
        now = time.monotonic()
        self._rate.count(now)
        if now >= self._next_look:
            self._look_and_keep()
        if now >= self._next_save:
            self._save()

    def _wait(self, seconds: float) -> None:
        # A command ends the wait: at one step in two seconds a pause must still be felt at once.
        deadline = time.monotonic() + seconds
        while self._commands.empty() and time.monotonic() < deadline:
            time.sleep(min(0.02, max(0.0, deadline - time.monotonic())))

    def _obey(self, *, wait: bool) -> End | None:
        """Carries out waiting commands, and waits for one while paused; a result ends the run."""
        while True:
            is_idle = wait and self._paused and self._steps_allowed == 0
            try:
                command = self._next_while_paused() if is_idle else self._commands.get(block=False)
            except queue.Empty:
                if not is_idle:
                    return None
                minutes = PAUSE_LIMIT_S // 60
                message = f"Paused for {minutes} minutes at step {self.training.step:,}, and saved."
                return End("interrupted", message)
            end = self._carry_out(command)
            if end is not None:
                return end

    def _next_while_paused(self) -> Command:
        """Waits for a command, and says it before the wait becomes too long; then raises ``queue.Empty``."""
        with contextlib.suppress(queue.Empty):
            return self._commands.get(timeout=max(0.0, PAUSE_LIMIT_S - WARN_S))
        self._pause_ends_soon = True
        self._report("progress")
        self._pause_ends_soon = False
        return self._commands.get(timeout=min(WARN_S, PAUSE_LIMIT_S))

    def _carry_out(self, command: Command) -> End | None:
        match command.get("command"):
            case "stop":
                return End("stopped", f"Stopped at step {self.training.step:,}.")
            case "end_of_input":
                return End("interrupted", f"Interrupted at step {self.training.step:,}: the server stopped.")
            case "pause":
                self._set_paused(True)
                self._save()
                self._report("progress")
            case "resume":
                self._pass_end()
                self._set_paused(False)
            case "step" if command.get("unit") in ("step", "epoch"):
                self._pass_end()
                waiting = self._steps_allowed
                self._set_paused(True)
                self._steps_allowed = waiting + self._num_steps_of(command["unit"], waiting)
                if command["unit"] == "epoch":
                    self._report("progress")
            case "set":
                self._set(command)
            case "save":
                self._save()
                self._report("progress")
            case "leave":
                where = f"at step {self.training.step:,}"
                return End("interrupted", f"Saved {where}: it goes on in a process of its own.")
            case _:
                self._emit({"event": "refused", "message": f"There is no command {shown(command)}."})
        return None

    def _pass_end(self) -> None:
        if self._paused and self.training.is_at_end:
            self.training.forget_end()

    def _num_steps_of(self, unit: str, waiting: int) -> int:
        """Updates of a single step, or to the end of the epoch, after ``waiting`` others."""
        per_epoch = self.training.steps_per_epoch
        return 1 if unit == "step" else per_epoch - (self.training.step + waiting) % per_epoch

    def _set_paused(self, paused: bool) -> None:
        has_changed = paused != self._paused
        self._paused, self._steps_allowed = paused, 0
        if has_changed:
            self._rate = Rate()
            self._look()

    def _set(self, command: Command) -> None:
        try:
            self._change(command)
        except BadInput as err:
            self._emit({"event": "refused", "message": str(err)})
        if "speed" in command:
            speed = command["speed"]
            usable = isinstance(speed, (int, float)) and 0.01 <= speed <= 1e6
            self._speed = float(speed) if usable else None
        self._report("progress")

    def _change(self, command: Command) -> None:
        """Changes beta and learning rate, with a row of the history right before."""
        training = self.training
        beta = check_beta(command["beta"]) if "beta" in command else training.beta
        rate = training.learning_rate
        if "learning_rate" in command:
            rate = check_learning_rate(command["learning_rate"])
        if (beta, rate) != (training.beta, training.learning_rate):
            if not self._has_changed and time.monotonic() >= self._next_change:
                self._observer.measure()
            self._has_changed = True
        if "beta" in command:
            training.set_beta(beta)
        training.set_learning_rate(rate)

    def _measure_change(self) -> None:
        """Measures the first effect of a change; what follows soon is measured together."""
        began = time.monotonic()
        self._observer.measure()
        now = time.monotonic()
        self._has_changed = False
        took = 2.0 * (now - began)  # before the change and after it
        self._next_change = now + max(CHANGES_APART_S, took * (1.0 - CHANGES_SHARE) / CHANGES_SHARE)

    def _look(self) -> None:
        began = time.monotonic()
        self._folder.write_snapshot(self._observer.look())
        self._report("progress")
        now = time.monotonic()
        # The first looks come fast, later ones five times a second, and never more than a tenth of the time.
        self._look_after = min(LOOK_EVERY_S * self.num_together, self._look_after * 1.3)
        # The very first pays for first use.
        busy = 9.0 * self.num_together * (now - began) if self._folder.version > 1 else 0.0
        self._next_look = now + max(self._look_after, busy)

    def _look_and_keep(self) -> None:
        self._look()
        if time.monotonic() >= self._next_keep and self._observer.is_good:
            self._good = self._state()
            self._next_keep = time.monotonic() + KEEP_EVERY_S

    def _keep_step(self) -> None:
        """Keeps the run as it stands for good, where its step is one to keep; its curves get no row."""
        if self._folder.kept.wants(self.training.step):
            snapshot = self._observer.look(adds_row=False)
            self._folder.keep(self._state(snapshot.history), snapshot)

    def _fall_back(self) -> None:
        """Takes the last good state; beta and learning rate stay what they are now."""
        good = self._good
        if good is None:
            return
        now = self.training.state()[1]
        settings = {name: now[name] for name in ("live_beta", "learning_rate", "has_end")}
        self.training.model.load_state_dict(dict(good.weights))
        self.training.load_state(dict(good.state_tensors), {**good.state_scalars, **settings})
        self._observer = _observer(self.training, good)
        self._folder.kept.forget_after(self.training.step)

    def _state(self, history: NDArray[np.float64] | None = None) -> Run:
        """A copy of all that a run needs to go on from here.

        Arguments:
            history: Its rows, one of this step among them; None: those of the run, which get one.
        """
        tensors, scalars = self.training.state()
        if history is None:
            self._observer.measure()  # what goes on from here knows no updates before it
            history = self._observer.history
        return Run(
            config=self.config,
            weights={name: value.clone() for name, value in self.training.model.state_dict().items()},
            history=history,
            later=self._observer.later,
            validation=self._observer.validation,
            status=self._status,
            state_tensors={name: value.clone() for name, value in tensors.items()},
            state_scalars=scalars,
            data_digest=self.training.dataset.digest,
            unknown=self._unknown,
        )

    def _save(self) -> None:
        training = self.training
        training.require_finite_weights()
        # A paused run that is looked at is asked to save itself again and again: its file is right already.
        found = (training.step, training.beta, training.learning_rate, training.num_epochs, self._status)
        if found != self._saved or self._folder.problem:
            had_problem = bool(self._folder.problem)
            self._folder.write_run(self._state())
            if had_problem:
                # A paused run looks no more by itself: once there is room again, its curves are kept, too.
                self._folder.write_snapshot(self._observer.look())
            self._saved = found
        else:
            self._folder.saves += 1
        self._next_save = time.monotonic() + SAVE_EVERY_S

    @property
    def _status(self) -> str:
        if self._end is not None:
            return self._end.status
        return "paused" if self._paused else "running"

    @property
    def _notice(self) -> str:
        return _PAUSE_ENDS if self._pause_ends_soon else self._message

    def _report(self, event: str) -> None:
        training = self.training
        progress = {
            "event": event,
            "status": self._status,
            "step": training.step,
            "num_steps": training.num_steps,
            "epoch": training.epoch,
            "num_epochs": training.num_epochs,
            "patience": training.patience,
            "beta": training.beta,
            "learning_rate": training.learning_rate,
            "speed": self._speed,
            "steps_left": self._steps_allowed,
            "steps_per_second": self._rate.per_second,
            "rows": self._observer.num_rows,
            "version": self._folder.version,
            "saves": self._folder.saves,
            "message": (self._folder.problem or self._notice) if self._end is None else self._end.message,
        }
        self._folder.write_status(progress)
        self._emit(progress)

    def _emit(self, event: dict[str, Any]) -> None:
        emit(self._output, event | ({"run": self._run} if self._run else {}))


def failure(err: Exception) -> dict[str, str] | None:
    """The last word of a run that an error ended; None for one that nobody foresaw."""
    if isinstance(err, BadInput):
        return end_as("diverged" if err.code == "diverged" else "failed", str(err))
    return end_as("crashed", OUT_OF_MEMORY) if is_out_of_memory(err) else None


def end_as(status: str, message: str) -> dict[str, str]:
    """The last word of a run: a status, and one sentence."""
    return {"event": "end", "status": status, "message": message}


def emit(output: TextIO, event: dict[str, Any]) -> None:
    """Writes an event as a line of JSON; nothing happens when the parent has closed the pipe.

    The end of input follows then, and the run is saved there.
    """
    with contextlib.suppress(BrokenPipeError):
        output.write(json.dumps(event) + "\n")
        output.flush()


class Rate:
    """Counts per second over about the last two seconds."""

    def __init__(self) -> None:
        self._marks: list[tuple[float, int]] = []
        self._count = 0

    def count(self, now: float) -> None:
        """Counts one more, at the time ``now`` in seconds."""
        self._count += 1
        if not self._marks or now - self._marks[-1][0] >= 0.1:
            self._marks = [*self._marks[-20:], (now, self._count)]

    @property
    def per_second(self) -> float:
        """The rate, 0 until it is known.

        Example:
            >>> rate = Rate()
            >>> for tenth in range(10):
            ...     rate.count(tenth / 5)
            >>> rate.per_second
            5.0
        """
        if len(self._marks) < 2:
            return 0.0
        (began, first), (ended, last) = self._marks[0], self._marks[-1]
        return (last - first) / (ended - began)
