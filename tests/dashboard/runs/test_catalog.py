"""The index of the runs says what the folders say: after changes, damage and restarts."""

import io
import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from PIL import Image

from dashboard.runs import catalog as catalogs
from dashboard.runs.about import About
from dashboard.runs.catalog import Catalog, Entry
from dashboard.runs.pretrained import PRETRAINED_SNAPSHOT
from dashboard.runs.store import RunStore, digest_of
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.runs.snapshot import HISTORY_COLUMNS, Snapshot, last_row, read_snapshot, write_snapshot

CONFIG: Final = RunConfig(model=ModelConfig(data_dim=64, hidden_dims=(8,)), train=TrainConfig(beta=4.0))
ME: Final = digest_of("0" * 32)
LAST: Final = dict(
    zip(
        HISTORY_COLUMNS,
        (120.0, 3.0, -1.0, -1.0, 0.0, -24.5, -20.0, 4.5, 2.0, 1e-3, 9.0, -1.0, -2.0),
        strict=True,
    )
)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path)


def snapshot(**changes: float) -> Snapshot:
    row = np.array([list((LAST | changes).values())])
    return replace(read_snapshot(PRETRAINED_SNAPSHOT), history=np.concatenate([row - 1.0, row]))


def drawn(grid: np.ndarray, image_shape: tuple[int, ...] | None) -> Snapshot:
    """A snapshot with another grid, of shape (rows, columns, D)."""
    examples, axis = np.zeros((1, grid.shape[-1]), np.float32), np.zeros(grid.shape[1], np.float32)
    parts = {"grid": grid, "grid_axis": axis, "examples": examples, "reconstructions": examples}
    return replace(snapshot(), image_shape=image_shape, **parts)


def folder_of(store: RunStore, run_id: str) -> Path:
    folder = store.folder(run_id)
    assert folder is not None
    return folder


def settle(store: RunStore, *ids: str) -> None:
    """Has folders look as if nothing had changed in them for a while."""
    for run_id in ids:
        os.utime(folder_of(store, run_id), (1.7e9, 1.7e9))


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the runs whose folders are read from now on."""
    read: list[str] = []
    original: Callable[[RunStore, str], Entry | None] = catalogs.read_entry

    def counting(store: RunStore, run_id: str) -> Entry | None:
        read.append(run_id)
        return original(store, run_id)

    monkeypatch.setattr(catalogs, "read_entry", counting)
    return read


def test_entry_says_what_the_folder_says(store: RunStore) -> None:
    run_id = store.create(CONFIG, owner=ME, about=About(name="Tuesday"))
    store.write_status(run_id, {"status": "finished"})
    (before,) = Catalog(store).entries()
    assert (before.beta, before.elbo, before.step) == (4.0, None, 0)
    write_snapshot(folder_of(store, run_id) / "snapshot.safetensors", snapshot())
    (entry,) = Catalog(store).entries()
    assert (entry.name, entry.dataset, entry.latent_dim, entry.owner) == ("Tuesday", "digits", 2, ME)
    assert (entry.beta, entry.elbo, entry.step, entry.status) == (2.0, -24.5, 120, "finished")
    files = list(folder_of(store, run_id).iterdir())
    assert entry.num_bytes == sum(path.stat().st_size for path in files)
    assert entry.changed == max(path.stat().st_mtime for path in files)


def test_bound_that_is_none_is_not_shown(store: RunStore) -> None:
    deterministic = replace(CONFIG, model=replace(CONFIG.model, encoder_head="deterministic"))
    for config, changes in ((deterministic, {}), (CONFIG, {"elbo_held_out": float("nan")})):
        run_id = store.create(config)
        write_snapshot(folder_of(store, run_id) / "snapshot.safetensors", snapshot(**changes))
    assert [entry.elbo for entry in Catalog(store).entries()] == [None, None]


def test_last_row_is_that_of_the_whole_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.safetensors"
    write_snapshot(path, snapshot())
    assert last_row(path) == LAST
    content = path.read_bytes()
    for damaged in (b"", content[:7], content[:100], b"\xff" * 200, content.replace(b'"F64"', b'"F32"')):
        path.write_bytes(damaged)
        assert last_row(path) == {}
    assert last_row(tmp_path / "none") == {}


def test_changes_are_seen_and_nothing_else_is_read_again(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = store.create(CONFIG), store.create(CONFIG)
    settle(store, first, second)
    catalog = Catalog(store, tmp_path / "catalog.sqlite")
    assert {entry.run_id for entry in catalog.entries()} == {first, second}
    read = counted(monkeypatch)
    catalog.changed()
    catalog.entries()
    assert read == []
    store.write_about(first, About(name="new"))
    third = store.create(CONFIG)
    catalog.changed()
    assert {entry.run_id: entry.about.name for entry in catalog.entries()} == {
        first: "new",
        second: "",
        third: "",
    }
    assert sorted(read) == sorted([first, third])
    catalog.changed()
    catalog.entries()
    assert len(read) == 4, "a folder that changed just now may change within the same tick of its clock"
    settle(store, first, third)
    store.remove(second)
    read.clear()
    catalog.changed()
    kept = catalog.entries()
    again = Catalog(store, tmp_path / "catalog.sqlite")
    read.clear()
    assert again.entries() == kept
    assert read == [], "the next server reads the folders again"


@pytest.mark.parametrize("damage", ["garbage", "version", "row", "folder"])
def test_damaged_index_is_made_again(store: RunStore, tmp_path: Path, damage: str) -> None:
    run_id = store.create(CONFIG)
    settle(store, run_id)
    path = tmp_path / "catalog.sqlite"
    expected = Catalog(store, path).entries()
    if damage == "garbage":
        path.write_bytes(b"no index" * 1000)
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        with sqlite3.connect(path) as index:
            change = "PRAGMA user_version = 99" if damage == "version" else "UPDATE entries SET entry = '[7]'"
            index.execute(change)
        index.close()
    assert Catalog(store, path).entries() == expected
    assert Catalog(store, path).entries() == expected


def test_surplus_is_nobodys_first_then_the_oldest_and_nothing_that_is_shown(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [store.create(CONFIG, owner=owner) for owner in (ME, ME, ME, None)]
    for age, run_id in enumerate(ids):
        for path in folder_of(store, run_id).iterdir():
            os.utime(path, (1000 + age, 1000 + age))
    catalog = Catalog(store)
    assert catalog.surplus(lambda run_id: False) == []
    monkeypatch.setattr(catalogs, "MAX_KEPT_RUNS", 2)
    assert catalog.surplus(lambda run_id: False) == [ids[3], ids[0]]
    assert catalog.surplus(lambda run_id: run_id == ids[0]) == [ids[3], ids[1]]
    monkeypatch.setattr(catalogs, "MAX_KEPT_RUNS", 100)
    sizes = {entry.run_id: entry.num_bytes for entry in catalog.entries()}
    monkeypatch.setattr(catalogs, "MAX_KEPT_BYTES", sum(sizes.values()) - sizes[ids[3]] - 1)
    assert catalog.surplus(lambda run_id: False) == [ids[3], ids[0]]


def test_list_of_a_browser_is_what_it_owns_and_what_it_opened(store: RunStore) -> None:
    mine, other, opened = (store.create(CONFIG, owner=digest_of(name)) for name in "abb")
    catalog = Catalog(store)
    found = catalog.of_browser(digest_of("a"), [opened, "0" * 16])
    assert {entry.run_id for entry in found} == {mine, opened}
    assert other not in {entry.run_id for entry in found}
    assert catalog.entries([other, other, "../x"]) == [
        entry for entry in catalog.entries() if entry.run_id == other
    ]


def test_thumbnail_is_the_decoded_grid(store: RunStore) -> None:
    run_id = store.create(CONFIG)
    catalog = Catalog(store)
    assert catalog.thumbnail(run_id) is None
    grid = np.zeros((3, 3, 64), np.float32)
    grid[0, 2] = 1.0
    path = folder_of(store, run_id) / "snapshot.safetensors"
    write_snapshot(path, drawn(grid, (8, 8)))
    content = catalog.thumbnail(run_id)
    assert content is not None
    pixels = np.asarray(Image.open(io.BytesIO(content)))
    assert pixels.shape == (96, 96)
    assert (pixels[:32, 64:] == 255).all()
    assert pixels.astype(int).sum() == 32 * 32 * 255
    large = np.zeros((12, 12, 784), np.float32)
    write_snapshot(path, drawn(large, (28, 28)))
    content = catalog.thumbnail(run_id)
    assert content is not None
    assert Image.open(io.BytesIO(content)).size == (112, 112)
    coloured = np.zeros((3, 3, 8 * 6 * 3), np.float32)
    coloured[..., 1::3] = 1.0
    write_snapshot(path, drawn(coloured, (8, 6, 3)))
    content = catalog.thumbnail(run_id)
    assert content is not None
    pixels = np.asarray(Image.open(io.BytesIO(content)))
    assert pixels.shape == (96, 72, 3)
    assert (pixels == (0, 255, 0)).all()
    points = np.array([[[0.0, 0.0], [1.0, 1.0], [np.nan, 0.0]]], np.float32)
    write_snapshot(path, drawn(points, None))
    content = catalog.thumbnail(run_id)
    assert content is not None
    pixels = np.asarray(Image.open(io.BytesIO(content)))
    assert (pixels > 0).sum() == 18, "two dots of nine pixels"
    assert pixels[:56, 56:].any()
    assert not pixels[:56, :56].any(), "the second axis points up"
