"""The processes of the core as the server sees them; of a worker: commands in, events out, always an end."""

import contextlib
import json
import os
import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import IO, Any, Final

from dashboard.runs.fork_server import Copy, ForkServer

ROOT: Final = Path(__file__).resolve().parents[2]
PROGRAM: Final = [sys.executable, "-m", "vae_core"]
GRACE_S: Final = 30.0
"""How long a worker may take to save its run before it is killed.

On two cores with a whole class a worker that is told to stop while it still starts needs more than ten.
"""
MAX_UNREAD: Final = 10_000
"""Commands that wait for a worker that does not read; more are dropped, and only Stop helps such a worker."""
_Lines = queue.SimpleQueue[str | None]


Process = Popen[str] | Copy
_fork_server: Final = ForkServer()


def fork_server() -> ForkServer:
    """What makes copies, for all of this server."""
    return _fork_server


def spawn(command: Sequence[str]) -> Process:
    """Starts a process of the core with one thread and pipes to it, text: a copy where one can be made.

    Raises:
        OSError: It cannot be started.
    """
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    if list(command[: len(PROGRAM)]) == PROGRAM and _fork_server.is_possible:
        with contextlib.suppress(OSError):
            return _fork_server.begin(command[len(PROGRAM) :], env)
    return Popen(
        command,
        stdin=PIPE,
        stdout=PIPE,
        text=True,
        cwd=ROOT,
        env=env,
        # Ctrl-C in the server's terminal is for the server; the process sees its input end.
        start_new_session=True,
    )


class WorkerProcess:
    """``python -m vae_core worker`` with pipes to it.

    Arguments:
        arguments: The run folders, or nothing for a warm worker that waits for its run.

    Raises:
        OSError: The process cannot be started.
    """

    def __init__(self, *arguments: str) -> None:
        self._process = spawn([*PROGRAM, "worker", *arguments])
        self._lines: _Lines = queue.SimpleQueue()
        # A pipe that nobody reads blocks its writer: that must be this thread, and nothing that waits for it.
        writer = threading.Thread(
            target=_write, args=(self._lines, self._process.stdin), name="commands", daemon=True
        )
        writer.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def send(self, command: dict[str, Any]) -> None:
        """Sends a command and returns at once; one to a worker that has just ended is lost."""
        if self._lines.qsize() < MAX_UNREAD:
            self._lines.put(json.dumps(command) + "\n")

    def events(self) -> Iterator[dict[str, Any]]:
        """What the worker says, until it ends; lines that are no JSON are passed over. For one reader."""
        if self._process.stdout is not None:
            with self._process.stdout as lines:
                for line in lines:
                    with contextlib.suppress(ValueError):
                        yield json.loads(line)

    def end_input(self) -> None:
        """Tells the worker to save its run and to end."""
        self._lines.put(None)

    def kill(self) -> None:
        """Ends the process at once."""
        self._process.kill()

    def wait(self) -> int:
        """Waits for the end, at most ``GRACE_S``, then kills; returns the exit code."""
        try:
            self._process.wait(timeout=GRACE_S)
        except TimeoutExpired:
            self.kill()
        code = self._process.wait()
        self.end_input()
        return code


class Member:
    """One run of a worker process that has several.

    Arguments:
        process: The process of all of them.
        run_id: The run's own id.
    """

    def __init__(self, process: WorkerProcess, run_id: str) -> None:
        self._process = process
        self._run_id = run_id

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def send(self, command: dict[str, Any]) -> None:
        """Sends a command to this run, or to all of the process where it has ``all``; returns at once."""
        command = dict(command)
        if not command.pop("all", False):
            command["run"] = self._run_id
        self._process.send(command)

    def end_input(self) -> None:
        """Tells all runs of the process to save themselves and to end."""
        self._process.end_input()

    def kill(self) -> None:
        """Ends the process at once, and with it all of its runs."""
        self._process.kill()

    def wait(self) -> int:
        """Waits for the end of the process; see :meth:`WorkerProcess.wait`."""
        return self._process.wait()


def _write(lines: _Lines, pipe: IO[str] | None) -> None:
    """Passes lines on until there is a None; then closes the pipe."""
    while pipe is not None and (line := lines.get()) is not None:
        try:
            pipe.write(line)
            pipe.flush()
        except (OSError, ValueError):
            # The worker has ended; its reader says how.
            break
    if pipe is not None:
        with contextlib.suppress(OSError, ValueError):
            pipe.close()
