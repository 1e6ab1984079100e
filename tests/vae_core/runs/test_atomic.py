"""A write that fails leaves the file as it was; tests/attacks kills a process in the middle of one."""

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
