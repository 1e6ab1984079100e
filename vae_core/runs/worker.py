"""One training in a process of its own: ``python -m vae_core worker [RUN_DIR]``.

Commands come as JSON lines on standard input, events leave as JSON lines on standard output. Without
``RUN_DIR`` the worker imports what it needs, says ``ready`` and waits for ``{"command": "run", "dir": ...}``:
a warm worker starts a run in milliseconds. When its parent closes standard input, it saves the run and exits.

A run that was saved before waits until it is told to ``resume`` or to ``step``: one that had ended goes on
from where it stands, one that had diverged from its last good state; what was ``set`` meanwhile is in force.

Commands: ``run``, ``pause``, ``resume``, ``step`` (``unit``: ``step`` or ``epoch``), ``set`` (``beta``,
``learning_rate``, ``speed``: most steps per second or null), ``save``, ``stop``.
Events: ``ready``, ``progress``, ``refused``, ``end``.

In the run folder: ``config.json`` (given), ``run.safetensors`` (to go on from), ``snapshot.safetensors``
(to draw), ``status.json`` (how it stands); each is written whole or not at all.
"""

import contextlib
import json
import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO, Final, TextIO

import torch

from vae_core.data import load_dataset
from vae_core.errors import BadInput
from vae_core.memory import is_out_of_memory
from vae_core.runs.atomic import sole_writer, write_atomically
from vae_core.runs.driver import END_OF_INPUT, Command, Driver, emit

GRACE_S: Final = 20.0
"""Seconds between the end of input and the end of a process that could not save its run meanwhile."""

IN_USE_S: Final = 10.0
"""Seconds to wait for another process of the same run: one whose server was killed saves the run and ends."""

OUT_OF_MEMORY: Final = (
    "The training ran out of memory: its last save is kept. Start one with a smaller batch, fewer samples or "
    "narrower layers; Resume tries again from the last save."
)


def listen(commands: "queue.SimpleQueue[Command]", lines: BinaryIO) -> None:
    """Passes commands on until the input ends, then ends the process if the run does not do so itself."""
    for line in lines:
        try:
            command = json.loads(line)
        except (ValueError, RecursionError):
            command = {"command": "unreadable"}
        commands.put(command if isinstance(command, dict) else {"command": "unreadable"})
    commands.put(END_OF_INPUT)
    time.sleep(GRACE_S)
    os._exit(3)


def warm_up() -> None:
    """Pays for the first use of the data's library before anybody waits."""
    load_dataset("digits")


def run_worker(run_dir: Path | None) -> int:
    """Runs the run in a folder, or in the one that the first command names; returns the exit code."""
    # Standard output is the protocol: whatever a library prints goes to standard error instead.
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    torch.set_num_threads(1)
    if hasattr(os, "nice"):
        os.nice(5)
    commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
    threading.Thread(target=listen, args=(commands, sys.stdin.buffer), name="commands", daemon=True).start()
    run_dir = run_dir or _wait_for_run(commands, output)
    if run_dir is None:
        return 0
    drive(run_dir, commands, output)
    return 0


def drive(run_dir: Path, commands: "queue.SimpleQueue[Command]", output: TextIO) -> None:
    """Drives the run in a folder to its end, as the only process that does; says in one sentence why not."""
    try:
        with sole_writer(run_dir, wait_s=IN_USE_S):
            _drive(run_dir, commands, output)
    except BadInput as err:
        # The folder is that of another process: nothing is written there.
        emit(output, _end_as("interrupted", str(err)))
    except OSError as err:
        emit(output, _end_as("failed", f"the run's folder cannot be opened ({err.strerror})"))


def _drive(run_dir: Path, commands: "queue.SimpleQueue[Command]", output: TextIO) -> None:
    try:
        Driver(run_dir, commands, output).run()
    except (BadInput, MemoryError, RuntimeError) as err:
        failed = _failure(err)
        if failed is None:
            raise
        with contextlib.suppress(OSError):
            write_atomically(run_dir / "status.json", json.dumps(failed).encode(), durable=False)
        emit(output, failed)


def _failure(err: Exception) -> dict[str, str] | None:
    """The last word of a run that an error ended; None for one that nobody foresaw."""
    if isinstance(err, BadInput):
        return _end_as("diverged" if err.code == "diverged" else "failed", str(err))
    return _end_as("crashed", OUT_OF_MEMORY) if is_out_of_memory(err) else None


def _end_as(status: str, message: str) -> dict[str, str]:
    return {"event": "end", "status": status, "message": message}


def _wait_for_run(commands: "queue.SimpleQueue[Command]", output: TextIO) -> Path | None:
    warm_up()
    emit(output, {"event": "ready"})
    command = commands.get()
    return Path(str(command["dir"])) if command.get("command") == "run" and "dir" in command else None
