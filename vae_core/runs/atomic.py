"""Files that are written whole or not at all."""

import os
from pathlib import Path


def write_atomically(path: Path, content: bytes, *, durable: bool) -> None:
    """Writes a file whole or not at all: a reader sees the old content or the new, never half.

    Arguments:
        path: The file; a temporary one appears beside it for a moment.
        content: Its bytes.
        durable: Whether it must also survive a loss of power (costs a disk flush).
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
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


def _flush_folder(folder: Path) -> None:
    # The name of a new file is content of its folder. Windows opens no folders, and needs no flush.
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
