"""Long computations other than training: processes in the background, in a queue; results are files."""

import contextlib
import hashlib
import itertools
import json
import os
import re
import signal
import sys
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.runs.scheduler import Place, Scheduler, scheduler
from dashboard.runs.store import digest_of, kept_folder
from dashboard.runs.worker_process import Process, spawn
from vae_core.errors import BadInput

RESULT_VERSION: Final = 5
"""Of the arrays that tasks write. Raise it when they change, and results of older versions are not found."""
MAX_KEPT_RESULTS: Final = 300
MAX_KEPT_BYTES: Final = 2**30
"""Of all kept results: of most a hundred kilobytes, of large images some megabytes each."""
TASK_BYTES: Final = 500 * 2**20
"""Of the process of a task: libraries, data and the arrays of the largest one."""
LIMIT_S: Final = 30 * 60.0
"""Seconds after which a task is ended: unlike a training it hands its core over to nobody."""
LATE: Final = (
    f"It was stopped after {LIMIT_S / 60:.0f} minutes, since others want the core: choose fewer epochs, "
    "fewer examples or a smaller network."
)
_KEY: Final = re.compile(r"[0-9a-f]{16,64}")
Arrays = dict[str, NDArray[Any]]
Part = str | int | float | None | NDArray[Any]


def task_key(name: str, *parts: Part) -> str:
    """What a task's result is found by: 32 hex digits of its name, its inputs and ``RESULT_VERSION``.

    Equal inputs have equal keys in every session and after a restart of the server, so a result is shared.

    Arguments:
        name: Of the task.
        parts: All that its numbers depend on; an array counts with its type, shape and values.
    """
    digest = hashlib.sha256()
    for part in (RESULT_VERSION, name, *parts):
        is_array = isinstance(part, np.ndarray)
        head = f"{part.dtype} {part.shape}" if is_array else type(part).__name__
        content = np.ascontiguousarray(part).tobytes() if is_array else repr(part).encode()
        # With its length before it, no part runs into the next.
        digest.update(f"{head} {len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()[:32]


class Progress(NamedTuple):
    """How far a task is.

    Arguments:
        done: The share that is done.
        queue_position: Its number in the queue; 0: it is at work.
        rate: The share that it does in a second, since its first word: none of the start of its process;
            0: not known yet.
    """

    done: float
    queue_position: int
    rate: float = 0.0


@dataclass(slots=True)
class _Task:
    """A task from its start to its end.

    Arguments:
        command: Of its process.
        source: The file of its inputs.
        waiters: Digests of the tokens of the browsers that wait for its result.
    """

    command: list[str]
    source: Path
    waiters: set[str]
    place: Place | None = None
    process: Process | None = None
    first_word: tuple[float, float] | None = None
    done: float = 0.0
    error: str | None = None
    is_cancelled: bool = False
    is_lasting: bool = False
    is_late: bool = False
    is_over: bool = False


class Tasks:
    """Runs the tasks of :mod:`vae_core.__main__` and keeps their results below ``root/tasks``.

    Arguments:
        root: Where to keep them; made when it is not there.
        limit: How many work at a time where the scheduler is of these tasks alone.
        scheduler: Shared with the trainings; None: of these tasks alone.
    """

    def __init__(self, root: Path, *, limit: int | None = None, scheduler: Scheduler | None = None) -> None:
        self._folder = root / "tasks"
        self._inputs = self._folder / "inputs"
        self._inputs.mkdir(parents=True, exist_ok=True)
        for left in self._inputs.iterdir():
            # Of a server that was killed: nobody reads them any more.
            with contextlib.suppress(OSError):
                left.unlink()
        self._numbers = itertools.count()
        self._scheduler = Scheduler(cores=limit) if scheduler is None else scheduler
        self._lock = self._scheduler.lock
        self._tasks: dict[str, _Task] = {}

    def start(
        self, key: str, name: str, *arguments: str, inputs: Arrays, owner: str, memory: int = 0
    ) -> None:
        """Begins ``python -m vae_core task NAME``; where the same is at work already, waits for that one.

        Arguments:
            key: Hex digits that say what is computed: the result is found by them.
            name: The task, one of the table in :mod:`vae_core.__main__`.
            arguments: Its arguments.
            inputs: Arrays for it.
            owner: Token of the browser that wants the result.
            memory: Bytes that it needs beside the usual ones.
        """
        if _KEY.fullmatch(key) is None:
            raise ValueError(f"a task's key is made of hex digits, got {key[:40]!r}")
        waiter = digest_of(owner)
        with self._lock:
            task = self._at_work(key)
            if task is not None:
                task.waiters.add(waiter)
                return
            # Of its own: a task that was cancelled is still tidying up when the next of its key begins.
            source = self._inputs / f"{key}-{os.getpid()}-{next(self._numbers)}.npz"
            files = (str(source), str(self._file(key)))
            command = [sys.executable, "-m", "vae_core", "task", name, *files, *arguments]
            task = self._tasks[key] = _Task(command, source, {waiter})
        try:
            np.savez(source, allow_pickle=False, **inputs)
            with self._lock:
                if task.is_over:
                    self._close(task, None)
                else:
                    self._enter(task, waiter, memory)
        except BadInput as err:
            self._close(task, str(err))
        except OSError as err:
            self._close(task, f"Its inputs cannot be written ({err.strerror}): free some disk space.")

    def progress(self, key: str) -> Progress | None:
        """How far the task is; None when it is not at work."""
        with self._lock:
            task = self._at_work(key)
            if task is None:
                return None
            rate = 0.0
            if task.first_word is not None:
                since, done = task.first_word
                rate = (task.done - done) / max(time.monotonic() - since, 1e-3)
            return Progress(task.done, self._scheduler.position(task.place), rate)

    def is_wanted_by(self, key: str, owner: str) -> bool:
        """Whether the browser with this token waits for the task's result."""
        with self._lock:
            task = self._at_work(key)
            return task is not None and digest_of(owner) in task.waiters

    def error(self, key: str) -> str | None:
        """Why the task failed when it ran last; None when it did not."""
        task = self._tasks.get(key)
        return None if task is None else task.error

    def is_worth_repeating(self, key: str) -> bool:
        """Whether a task that failed may succeed another time: not where its inputs are what is wrong."""
        task = self._tasks.get(key)
        return task is None or not task.is_lasting

    def result(self, key: str) -> Arrays | None:
        """The arrays of the last time that the task succeeded; None when there are none."""
        path = self._file(key)
        if _KEY.fullmatch(key) is None or not path.exists():
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return dict(arrays)
        except OSError:
            return None
        except (EOFError, ValueError, KeyError, zipfile.BadZipFile):
            # No result any more: the task counts as one that has never been run, and can be started again.
            with contextlib.suppress(OSError):
                path.unlink()
            return None

    def is_done(self, key: str) -> bool:
        """Whether there is a result, without reading it; a damaged one counts until it is read."""
        return _KEY.fullmatch(key) is not None and self._file(key).exists()

    def cancel(self, key: str, *, owner: str) -> None:
        """The browser with this token no longer waits; the work ends when nobody does any more."""
        with self._lock:
            task = self._at_work(key)
            if task is None:
                return
            task.waiters.discard(digest_of(owner))
            if task.waiters:
                return
            task.is_cancelled = task.is_over = True
            if task.process is not None:
                task.process.kill()
            elif task.place is not None and task.place.state == "waiting":
                self._scheduler.leave(task.place)
                self._close(task, None)

    def _at_work(self, key: str) -> _Task | None:
        task = self._tasks.get(key)
        return None if task is None or task.is_over else task

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.npz"

    def _enter(self, task: _Task, waiter: str, memory: int) -> None:
        def begin() -> None:
            threading.Thread(target=self._run, args=(task,), name="task", daemon=True).start()

        task.place = Place(owner=waiter, memory=TASK_BYTES + memory, borrows=True, begin=begin)
        self._scheduler.enter(task.place)

    def _run(self, task: _Task) -> None:
        error: str | None = "The computation ended unexpectedly. Try again."
        try:
            process = spawn(task.command)
            with self._lock:
                task.process = process
                if task.is_cancelled:
                    process.kill()
            limit = threading.Timer(LIMIT_S, self._end_late, (task, process))
            limit.daemon = True
            limit.start()
            with process:
                self._listen(task, process)
            limit.cancel()
            code = process.wait()
            error = _what_to_do(code) if code and not task.is_cancelled and task.error is None else None
            if task.is_late and code:
                task.error, error = None, LATE
            elif code < 0 and code != -signal.SIGKILL:  # what made a library crash does so again
                task.is_lasting = True
        except OSError as err:
            error = f"The computation could not start ({err.strerror}). Try again."
        finally:
            self._close(task, error)
            self._forget_oldest()

    def _end_late(self, task: _Task, process: Process) -> None:
        task.is_late = True
        process.kill()

    def _close(self, task: _Task, error: str | None) -> None:
        """Ends a task, whatever became of it."""
        with contextlib.suppress(OSError):
            task.source.unlink(missing_ok=True)
        with self._lock:
            task.error = error or task.error
            task.is_over = True
            if task.place is not None:
                self._scheduler.leave(task.place)

    def _listen(self, task: _Task, process: Process) -> None:
        for line in process.stdout or ():
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                message = json.loads(line)
                task.done = float(message.get("done", task.done))
                task.first_word = task.first_word or (time.monotonic(), task.done)
                task.error = message.get("error")
                task.is_lasting = message.get("is_lasting") is True

    def _forget_oldest(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            kept = sorted(self._folder.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
            room = MAX_KEPT_BYTES
            for number, path in enumerate(kept):
                room -= path.stat().st_size
                # The newest stays, whatever its size: somebody waits for it.
                if number and (number >= MAX_KEPT_RESULTS or room < 0):
                    path.unlink(missing_ok=True)
            over = [key for key, task in self._tasks.items() if task.is_over]
            for key in over[: max(0, len(over) - MAX_KEPT_RESULTS)]:
                del self._tasks[key]


def _what_to_do(code: int) -> str:
    """One sentence or two on a process that ended with a code other than 0, by itself."""
    if code == -signal.SIGKILL:  # it ends what the system kills because it has no memory left
        hint = "Try again. If the machine was out of memory, choose something smaller."
    elif code < 0:
        # A crash within a library: what it was given crashes it again.
        return (
            f"The computation crashed (signal {-code}): choose other data or other settings, then try again."
        )
    else:
        hint = "Try again."
    return f"The computation ended unexpectedly (code {code}). {hint}"


_tasks: Tasks | None = None
_lock = threading.Lock()


def tasks() -> Tasks:
    """The tasks of this server."""
    global _tasks
    with _lock:
        if _tasks is None:
            _tasks = Tasks(kept_folder(), scheduler=scheduler())
        return _tasks
