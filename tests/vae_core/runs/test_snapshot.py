"""Snapshots come back as they were written, and damaged ones are refused."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from vae_core.errors import BadInput
from vae_core.runs.snapshot import HISTORY_COLUMNS, AtLimits, Snapshot, read_snapshot, write_snapshot

IMAGES: Final = Snapshot(
    step=7,
    epoch=1,
    history=np.array([[np.nan] * len(HISTORY_COLUMNS), list(range(len(HISTORY_COLUMNS)))], np.float64),
    means=np.ones((5, 3), np.float32),
    stds=np.full((5, 3), 0.1, np.float32),
    labels=np.array([0, 1, -1, 1, 0], np.int32),
    kl_per_dim=np.array([0.5, 0.0, 2.0], np.float32),
    plane=(0, 2),
    examples=np.zeros((2, 4), np.float32),
    reconstructions=np.ones((2, 4), np.float32),
    grid=np.zeros((3, 3, 4), np.float32)[::-1],
    grid_axis=np.array([-1, 0, 1], np.float32),
    image_shape=(2, 2),
    class_names=("0", 'ä\n"1'),
    at_limits=AtLimits(low=1, high=2, components=3, scale=1),
)
POINTS: Final = replace(IMAGES, image_shape=None, class_names=(), plane=(0, 0))


@pytest.mark.parametrize("snapshot", [IMAGES, POINTS], ids=["images", "points"])
def test_round_trip(snapshot: Snapshot, tmp_path: Path) -> None:
    path = tmp_path / "snapshot.safetensors"
    write_snapshot(path, snapshot)
    found = read_snapshot(path)
    for field in fields(Snapshot):
        ours, theirs = getattr(snapshot, field.name), getattr(found, field.name)
        assert type(ours) is type(theirs), field.name
        if isinstance(ours, np.ndarray):
            assert ours.dtype == theirs.dtype, field.name
            assert np.array_equal(ours, theirs, equal_nan=True), field.name
        else:
            assert ours == theirs, field.name
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot.safetensors"]


def test_damaged_snapshots_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.safetensors"
    write_snapshot(path, IMAGES)
    content = path.read_bytes()
    damaged = (b"", content[:7], content[:200], content[:-1], b"\xff" * 100, b"{}", content[:8] + content[9:])
    for bad in (*damaged, content.replace(b'"means"', b'"moans"'), content.replace(b"plane", b"plain")):
        path.write_bytes(bad)
        with pytest.raises(BadInput, match=r"the snapshot snapshot\.safetensors cannot be read") as caught:
            read_snapshot(path)
        assert caught.value.code == "snapshot"
    path.unlink()
    with pytest.raises(BadInput):
        read_snapshot(path)


def test_a_temporary_file_left_by_a_crash_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.safetensors"
    (tmp_path / ".snapshot.safetensors.1.tmp").write_bytes(b"half")
    write_snapshot(path, IMAGES)
    assert read_snapshot(path).step == 7
