"""A real worker process for tests: commands in, events out, and a limit on every wait."""

import contextlib
import json
import queue
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, Final

from dashboard.runs.worker_process import PROGRAM, spawn
from tests.polling import DEADLINE_S
from vae_core.config import RunConfig

ROOT: Final = Path(__file__).resolve().parents[1]
Event = dict[str, Any]


class Process:
    """A worker process and the events it has sent.

    Arguments:
        arguments: Of Python, other than those of a worker without a run, which is a copy of what has loaded.
    """

    def __init__(self, *arguments: str) -> None:
        # A Popen, or a Copy, which has no standard error of its own.
        self.process: Any = (
            Popen([sys.executable, *arguments], cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True)
            if arguments
            else spawn([*PROGRAM, "worker"])
        )
        self.events: list[Event] = []
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(json.loads(line))
        self._queue.put(None)

    def write(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.buffer.write(line + b"\n")
        self.process.stdin.buffer.flush()

    def send(self, command: str, **values: object) -> None:
        self.write(json.dumps({"command": command, **values}).encode())

    def wait(self, wanted: Callable[[Event], bool]) -> Event:
        """The next event that is wanted."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            event = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
            assert event is not None, f"the worker ended; its last event was {self.events[-1:]}"
            self.events.append(event)
            if wanted(event):
                return event

    def run(self, folder: Path, config: RunConfig) -> None:
        (folder / "config.json").write_text(config.to_json())
        self.wait(lambda event: event["event"] == "ready")
        self.send("run", dir=str(folder))

    def now(self) -> Event:
        """How the run stands, by a command's round trip: whatever was sent before has been carried out."""
        self.send("save")
        before = max(event.get("saves", 0) for event in self.events)
        return self.wait(lambda event: event.get("saves", 0) > before)

    def end(self) -> Event:
        """The last event, after which the process has ended well."""
        event = self.wait(lambda event: event["event"] == "end")
        assert self.process.wait(DEADLINE_S) == 0
        return event

    def close_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        for pipe in (self.process.stdin, self.process.stdout, getattr(self.process, "stderr", None)):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
