"""Several runs in one process: those of a sweep. Where they are many, they make their updates together.

Each has a driver of its own and is a run as any other: it looks, saves, keeps its steps and ends by itself. A
command with ``run``, the name of a run's folder, is for that run, any other one for all; each event says of
which run it is. What one run alone is told, but to save or to stop, has it leave: it saves itself and ends,
to go on in a process of its own.

Runs that were saved go on in the same way. Where their process was killed each was saved at another step:
those that are ahead wait for the others, so that all make their updates together again.
"""

import contextlib
import json
import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TextIO

from vae_core.config import RunConfig
from vae_core.data import Dataset, load_data_of
from vae_core.errors import BadInput
from vae_core.runs.atomic import sole_writer, write_atomically
from vae_core.runs.driver import Command, Driver, emit, end_as, failure, open_training
from vae_core.runs.runfile import Run
from vae_core.training.loop import Training
from vae_core.training.stacked import LEAST, Stack, StackedTraining, are_alike, fits_together

_STAYS: Final = ("stop", "save", "leave", "end_of_input")
"""What one run can be told without leaving the others."""


def drive_together(
    run_dirs: Sequence[Path],
    commands: "queue.SimpleQueue[Command]",
    output: TextIO,
    *,
    wait_s: float = 10.0,
) -> None:
    """Drives the runs in these folders to their ends, each for itself where they do not fit together.

    Arguments:
        run_dirs: Folders of runs; those that were saved wait for ``resume``, as a run alone does.
        commands: What is asked of them; filled by another thread.
        output: Where events go, one JSON object a line.
        wait_s: Seconds to wait for another process of the same run.
    """
    queues: dict[str, queue.SimpleQueue[Command]] = {path.name: queue.SimpleQueue() for path in run_dirs}
    threading.Thread(target=_pass_on, args=(commands, queues), name="post", daemon=True).start()
    group = _Group(output)
    for path in run_dirs:
        group.add(path, queues[path.name], wait_s=wait_s)
    group.run()


def _pass_on(commands: "queue.SimpleQueue[Command]", queues: dict[str, "queue.SimpleQueue[Command]"]) -> None:
    while True:
        command = commands.get()
        name = command.pop("run", None)
        if name is None:
            for one in queues.values():
                one.put(command)
        elif name in queues:
            queues[name].put(command if command.get("command") in _STAYS else {"command": "leave"})


class _Group:
    """The runs of a process that have not ended."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._data: dict[tuple[object, ...], Dataset] = {}
        self._paths: dict[str, Path] = {}
        self._locks: dict[str, contextlib.ExitStack] = {}
        self._drivers: dict[str, Driver] = {}
        self._turns: dict[str, Iterator[None]] = {}

    def add(self, path: Path, commands: "queue.SimpleQueue[Command]", *, wait_s: float) -> None:
        """Opens a run; one that cannot be opened says why."""
        name = path.name
        try:
            self._locks[name] = contextlib.ExitStack()
            self._locks[name].enter_context(sole_writer(path, wait_s=wait_s))
        except (BadInput, OSError) as err:
            why = (
                f"the run's folder cannot be opened ({err.strerror})"
                if isinstance(err, OSError)
                else str(err)
            )
            emit(self._output, end_as("interrupted", why) | {"run": name})
            return
        self._paths[name] = path
        with self._failing(name):
            self._drivers[name] = Driver(path, commands, self._output, run=name, opened=self._opened)
            self._turns[name] = self._drivers[name].turns()

    def run(self) -> None:
        """Takes turns to the end of the last one."""
        stack: Stack | None = None
        going, stacked = list(self._turns), list[str]()
        while self._turns:
            for name in going:
                self._take_turn(name)
            going = self._next()
            if stack is None or going != stacked:
                for name in going:
                    self._drivers[name].num_together = len(going)
                trainings = [_stacked(self._drivers[name].training) for name in going]
                gains = len(going) >= LEAST and fits_together(trainings)
                stack, stacked = (Stack(trainings) if gains else None), going
            if stack is not None:
                stack.go_ahead()
            # Who waits for the others obeys all the same.
            going = [*going, *(name for name in self._waiting(going) if self._drivers[name].has_commands)]

    def _next(self) -> list[str]:
        """The runs that make the next update: all, or those behind where they can meet the others."""
        left = list(self._turns)
        if len(left) < LEAST:
            return left
        trainings = {name: self._drivers[name].training for name in left}
        first = min(one.step for one in trainings.values())
        behind = [name for name in left if trainings[name].step == first]
        return behind if len(behind) < len(left) and are_alike(list(trainings.values())) else left

    def _waiting(self, going: Sequence[str]) -> list[str]:
        return [name for name in self._turns if name not in going] if len(going) < len(self._turns) else []

    def _take_turn(self, name: str) -> None:
        """A run's part between two updates."""
        with self._failing(name):
            try:
                next(self._turns[name])
            except StopIteration:
                self._drop(name)

    def _drop(self, name: str) -> None:
        """Leaves the run to whoever goes on with it."""
        self._turns.pop(name, None)
        self._locks[name].close()

    @contextlib.contextmanager
    def _failing(self, name: str) -> Iterator[None]:
        """Ends a run alone where it meets an error that is foreseen; the others go on."""
        try:
            yield
        except (BadInput, MemoryError, RuntimeError) as err:
            failed = failure(err)
            if failed is None:
                raise
            with contextlib.suppress(OSError):
                content = json.dumps(failed).encode()
                write_atomically(self._paths[name] / "status.json", content, durable=False)
            self._drop(name)
            emit(self._output, failed | {"run": name})

    def _opened(self, config: RunConfig, saved: Run | None) -> Training:
        """Runs of the same data have them in memory once."""
        validation = config.train.has_validation
        made = (config.num_examples, config.data_noise, config.binarised)
        digest = "" if saved is None else saved.data_digest
        key = (config.dataset, config.seed, config.data_folder, config.data_transposed, validation, *made)
        key = (*key, digest)
        if key not in self._data:
            self._data[key] = load_data_of(config, digest=digest)
        return open_training(config, saved, dataset=self._data[key], kind=StackedTraining)


def _stacked(training: Training) -> StackedTraining:
    assert isinstance(training, StackedTraining)
    return training
