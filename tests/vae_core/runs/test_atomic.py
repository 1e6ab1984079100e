"""A write that fails leaves the file as it was; tests/attacks kills a process in the middle of one."""

import os
import stat
from pathlib import Path

import pytest

from vae_core.runs.atomic import write_atomically


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old", durable=True)
    with pytest.raises(TypeError):
        write_atomically(path, None, durable=True)  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_durable_write_flushes_the_file_before_it_has_its_name_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    flush, rename = os.fsync, os.replace

    def flushing(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        done.append("folder" if is_folder else f"{os.fstat(descriptor).st_size} bytes")
        flush(descriptor)

    def renaming(source: Path, target: Path) -> None:
        done.append("name")
        rename(source, target)

    monkeypatch.setattr("vae_core.runs.atomic.os.fsync", flushing)
    monkeypatch.setattr("vae_core.runs.atomic.os.replace", renaming)
    write_atomically(tmp_path / "file", b"new", durable=True)
    assert done == ["3 bytes", "name", "folder"]
    done.clear()
    write_atomically(tmp_path / "file", b"new", durable=False)
    assert done == ["name"]
