"""Files that are written whole or not at all, and folders in which one process writes."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from vae_core.errors import BadInput

if sys.platform != "win32":
    import fcntl

LEFTOVER_S: Final = 60.0
"""Seconds after which a temporary file is one whose writer was killed."""


def write_atomically(path: Path, content: bytes, *, durable: bool) -> None:
    """Writes a file whole or not at all: a reader sees the old content or the new, never half.

    Arguments:
        path: The file; a temporary one appears beside it for a moment.
        content: Its bytes.
        durable: Whether it must also survive a loss of power (costs a disk flush).
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_native_id()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
        if durable:
            _flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Removes the temporary files that writers left in a folder when they were killed."""
    with contextlib.suppress(OSError):
        for path in folder.glob(".*.tmp"):
            with contextlib.suppress(OSError):
                if abs(time.time() - path.stat().st_mtime) > LEFTOVER_S:
                    path.unlink()


@contextlib.contextmanager
def sole_writer(folder: Path, *, wait_s: float) -> Iterator[None]:
    """Keeps other processes out that ask for the same; a process that ends, however it does, lets others in.

    Without such locks (on Windows, and on some file systems) no process is kept out.

    Arguments:
        folder: What is written to.
        wait_s: How long to wait for another process that is about to end.

    Raises:
        BadInput: (code ``in_use``) Another process writes there.
        OSError: There is no such folder.
    """
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor, time.monotonic() + wait_s)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, deadline: float) -> None:
    while sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            if time.monotonic() >= deadline:
                message = "this run is in use: another process trains it"
                raise BadInput("in_use", message, "go on when that has ended, or take a copy") from err
            time.sleep(0.05)
        except OSError:
            return  # a file system without locks
        else:
            return


def _flush_folder(folder: Path) -> None:
    # The name of a new file is content of its folder. Windows opens no folders, and needs no flush.
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
