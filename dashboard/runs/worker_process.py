"""One worker process as the server sees it: commands in, events out, an end that is always reached."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
GRACE_S: Final = 30.0
"""How long a worker may take to save its run before it is killed.

On two cores with a whole class a worker that is told to stop while it still starts needs more than ten.
"""


class WorkerProcess:
    """``python -m vae_core worker`` with pipes to it.

    Arguments:
        arguments: The run folder, or nothing for a warm worker that waits for its run.
    """

    def __init__(self, *arguments: str) -> None:
        threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vae_core", "worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **threads},
            # Ctrl-C in the server's terminal is for the server; the worker sees its input end and saves.
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def send(self, command: dict[str, Any]) -> None:
        """Writes a command; one to a worker that has just ended is lost, and its reader says how it ended."""
        stdin = self._process.stdin
        if stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                stdin.write(json.dumps(command) + "\n")
                stdin.flush()

    def events(self) -> Iterator[dict[str, Any]]:
        """What the worker says, until it ends; lines that are no JSON are passed over. For one reader."""
        if self._process.stdout is not None:
            with self._process.stdout as lines:
                for line in lines:
                    with contextlib.suppress(ValueError):
                        yield json.loads(line)

    def end_input(self) -> None:
        """Tells the worker to save its run and to end."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def kill(self) -> None:
        """Ends the process at once."""
        self._process.kill()

    def wait(self) -> int:
        """Waits for the end, at most ``GRACE_S``, then kills; returns the exit code."""
        try:
            self._process.wait(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            self.kill()
        code = self._process.wait()
        self.end_input()
        return code


def num_cores() -> int:
    """Cores that this process may use: a container often has fewer than the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
