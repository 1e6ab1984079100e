"""One training in a process of its own, or several together: ``python -m vae_core worker [RUN_DIR...]``.

Commands come as JSON lines on standard input, events leave as JSON lines on standard output. Without
``RUN_DIR`` the worker imports what it needs, says ``ready`` and waits for ``{"command": "run", "dir": ...}``
(or ``"dirs"``): a warm worker starts a run in milliseconds. When its parent closes standard input, it saves
the run and exits. Several are driven by :mod:`vae_core.runs.together`.

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
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, TextIO

import torch

from vae_core.data import load_dataset
from vae_core.errors import BadInput
from vae_core.runs.atomic import sole_writer, write_atomically
from vae_core.runs.driver import END_OF_INPUT, Command, Driver, emit, end_as, failure
from vae_core.runs.together import drive_together

GRACE_S: Final = 20.0
"""Seconds between the end of input and the end of a process that could not save its run meanwhile."""

IN_USE_S: Final = 10.0
"""Seconds to wait for another process of the same run: one whose server was killed saves the run and ends."""


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


def run_worker(run_dirs: Sequence[Path]) -> int:
    """Runs the runs in some folders, or what the first command names; returns the exit code."""
    # Standard output is the protocol: whatever a library prints goes to standard error instead.
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    torch.set_num_threads(1)
    if hasattr(os, "nice"):
        os.nice(5)
    commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
    threading.Thread(target=listen, args=(commands, sys.stdin.buffer), name="commands", daemon=True).start()
    run_dirs = run_dirs or _wait_for_runs(commands, output)
    if len(run_dirs) == 1:
        drive(run_dirs[0], commands, output)
    elif run_dirs:
        drive_together(run_dirs, commands, output, wait_s=IN_USE_S)
    return 0


def drive(run_dir: Path, commands: "queue.SimpleQueue[Command]", output: TextIO) -> None:
    """Drives the run in a folder to its end, as the only process that does; says in one sentence why not."""
    try:
        with sole_writer(run_dir, wait_s=IN_USE_S):
            _drive(run_dir, commands, output)
    except BadInput as err:
        # The folder is that of another process: nothing is written there.
        emit(output, end_as("interrupted", str(err)))
    except OSError as err:
        emit(output, end_as("failed", f"the run's folder cannot be opened ({err.strerror})"))


def _drive(run_dir: Path, commands: "queue.SimpleQueue[Command]", output: TextIO) -> None:
    try:
        Driver(run_dir, commands, output).run()
    except (BadInput, MemoryError, RuntimeError) as err:
        failed = failure(err)
        if failed is None:
            raise
        with contextlib.suppress(OSError):
            write_atomically(run_dir / "status.json", json.dumps(failed).encode(), durable=False)
        emit(output, failed)


def _wait_for_runs(commands: "queue.SimpleQueue[Command]", output: TextIO) -> list[Path]:
    warm_up()
    emit(output, {"event": "ready"})
    command = commands.get()
    if command.get("command") != "run":
        return []
    found = command["dirs"] if isinstance(command.get("dirs"), list) else [command.get("dir")]
    return [Path(str(one)) for one in found if one is not None]
