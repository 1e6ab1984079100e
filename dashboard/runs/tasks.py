"""Long computations other than training: processes in the background, in a queue; results are files."""

import contextlib
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.runs.store import home
from dashboard.runs.worker_process import ROOT, num_cores

RESULT_VERSION: Final = 2
"""Of the arrays that tasks write. Raise it when they change, and results of older versions are not found."""
MAX_KEPT_RESULTS: Final = 300
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
    """How far a task is: the share that is done, and how many tasks it waits for (0: it is at work)."""

    done: float
    waits_for: int


@dataclass(slots=True)
class _Task:
    command: list[str]
    source: Path
    process: subprocess.Popen[str] | None = None
    done: float = 0.0
    error: str | None = None
    is_cancelled: bool = False
    is_over: bool = False


class Tasks:
    """Runs the tasks of :mod:`vae_core.__main__` and keeps their results below ``root/tasks``.

    Arguments:
        root: Where to keep them; made when it is not there.
        limit: How many work at a time; the others wait for their turn.
    """

    def __init__(self, root: Path, *, limit: int) -> None:
        self._folder = root / "tasks"
        self._inputs = self._folder / "inputs"
        self._inputs.mkdir(parents=True, exist_ok=True)
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._turn = threading.Semaphore(limit)
        self._tasks: dict[str, _Task] = {}

    def start(self, key: str, name: str, *arguments: str, inputs: Arrays) -> None:
        """Begins ``python -m vae_core task NAME``; nothing when the same computation is at work already.

        Arguments:
            key: Hex digits that say what is computed: the result is found by them.
            name: The task, one of the table in :mod:`vae_core.__main__`.
            arguments: Its arguments.
            inputs: Arrays for it.
        """
        if _KEY.fullmatch(key) is None:
            raise ValueError(f"a task's key is made of hex digits, got {key[:40]!r}")
        with self._lock:
            if self._at_work(key) is not None:
                return
            # Of its own: a task that was cancelled is still tidying up when the next of its key begins.
            source = self._inputs / f"{key}-{os.getpid()}-{next(self._numbers)}.npz"
            np.savez(source, allow_pickle=False, **inputs)
            files = (str(source), str(self._file(key)))
            command = [sys.executable, "-m", "vae_core", "task", name, *files, *arguments]
            task = self._tasks[key] = _Task(command, source)
        threading.Thread(target=self._run, args=(task,), name=f"task {key}", daemon=True).start()

    def progress(self, key: str) -> Progress | None:
        """How far the task is; None when it is not at work."""
        with self._lock:
            task = self._at_work(key)
            if task is None:
                return None
            if task.process is not None:
                return Progress(task.done, 0)
            ahead = list(self._tasks.values())
            ahead = ahead[: ahead.index(task)]
            return Progress(0.0, max(1, sum(not other.is_over for other in ahead)))

    def error(self, key: str) -> str | None:
        """Why the task failed when it ran last; None when it did not."""
        task = self._tasks.get(key)
        return None if task is None else task.error

    def result(self, key: str) -> Arrays | None:
        """The arrays of the last time that the task succeeded; None when there are none."""
        path = self._file(key)
        if _KEY.fullmatch(key) is None or not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None

    def cancel(self, key: str) -> None:
        """Ends the work on a task."""
        with self._lock:
            task = self._tasks.get(key)
            if task is None or task.is_over:
                return
            task.is_cancelled = task.is_over = True
            if task.process is not None:
                task.process.kill()

    def _at_work(self, key: str) -> _Task | None:
        task = self._tasks.get(key)
        return None if task is None or task.is_over else task

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.npz"

    def _run(self, task: _Task) -> None:
        with self._turn:
            with self._lock:
                process = task.process = None if task.is_cancelled else _spawn(task.command)
            if process is not None:
                with process:
                    self._listen(task, process)
                if process.returncode and not task.is_cancelled and task.error is None:
                    task.error = f"The computation ended unexpectedly (code {process.returncode}). Try again."
        task.source.unlink(missing_ok=True)
        self._forget_oldest()
        task.is_over = True

    def _listen(self, task: _Task, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            with contextlib.suppress(ValueError, TypeError, AttributeError):
                message = json.loads(line)
                task.done = float(message.get("done", task.done))
                task.error = message.get("error")

    def _forget_oldest(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            kept = sorted(self._folder.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
            for path in kept[MAX_KEPT_RESULTS:]:
                path.unlink(missing_ok=True)


def _spawn(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        # Ctrl-C in the server's terminal is for the server; the task ends when its input does.
        start_new_session=True,
    )


_tasks: Tasks | None = None
_lock = threading.Lock()


def tasks() -> Tasks:
    """The tasks of this server."""
    global _tasks
    with _lock:
        if _tasks is None:
            _tasks = Tasks(home(), limit=max(1, num_cores() - 1))
        return _tasks
