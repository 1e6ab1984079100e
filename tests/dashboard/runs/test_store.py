"""Run folders: only 16 hex digits name one, a damaged one is none, and old ones go."""

import os
from pathlib import Path
from typing import Final

import pytest

from dashboard.runs import store as run_store
from dashboard.runs.about import About
from dashboard.runs.store import RUN_ID, RunStore, home
from vae_core.config import ModelConfig, RunConfig

CONFIG: Final = RunConfig(model=ModelConfig(data_dim=64, hidden_dims=(8,)), seed=7)
HOSTILE: Final = (
    "",
    ".",
    "..",
    "../../etc",
    "../../etc/passwd",
    "/etc/passwd",
    "a" * 15,
    "a" * 17,
    "A" * 16,
    "a" * 15 + "\n",
    "a" * 16 + "\n",
    "a" * 15 + "\0",
    "a" * 14 + "/.",
    "٣" * 16,
    "ａ" * 16,
    "%2e%2e%2fetc%2fpwd"[:16],
)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path)


def test_new_run_has_a_folder_of_its_own(store: RunStore) -> None:
    first, second = store.create(CONFIG), store.create(CONFIG)
    assert first != second
    for run_id in (first, second):
        folder = store.folder(run_id)
        assert RUN_ID.fullmatch(run_id), run_id
        assert folder is not None
        assert folder.stat().st_mode & 0o077 == 0, "others can read the run"
        assert store.config(run_id) == CONFIG
    assert store.status(first) == {}
    assert (store.run_file(first), store.snapshot(first), store.snapshot_version(first)) == (None,) * 3


@pytest.mark.parametrize("run_id", [*HOSTILE, "0" * 16])
def test_text_that_names_no_run_has_nothing(store: RunStore, run_id: str) -> None:
    store.create(CONFIG)
    found = [store.folder(run_id), store.config(run_id), store.run_file(run_id), store.snapshot(run_id)]
    assert [*found, store.snapshot_version(run_id)] == [None] * 5, run_id
    assert store.status(run_id) == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 100_000])
def test_damaged_files_are_none(store: RunStore, content: bytes) -> None:
    run_id = store.create(CONFIG)
    folder = store.folder(run_id)
    assert folder is not None
    for name in ("config.json", "status.json", "snapshot.safetensors"):
        (folder / name).write_bytes(content)
    assert store.config(run_id) is None
    assert store.status(run_id) == {}
    assert store.snapshot(run_id) is None


def test_strange_files_among_the_runs_are_left_alone(store: RunStore) -> None:
    old, new = store.create(CONFIG), store.create(CONFIG)
    folder = store.folder(old)
    assert folder is not None
    (folder / "a folder in it").mkdir()
    os.utime(folder, (1000, 1000))
    (folder.parent / ".DS_Store").write_bytes(b"\0")
    (folder.parent / ("f" * 16)).write_bytes(b"a file named like a run")
    (folder.parent / "notes").mkdir()
    assert store.ids() == [old, new]
    for text in (*HOSTILE, "f" * 16, "notes", old):
        store.remove(text)
    assert sorted(path.name for path in folder.parent.iterdir()) == sorted(
        [".DS_Store", "f" * 16, new, "notes"]
    )


def test_deleted_run_is_moved_as_a_whole_and_back(store: RunStore, tmp_path: Path) -> None:
    deleted = RunStore(tmp_path, "deleted")
    run_id = store.create(CONFIG, about=About(name="gone"))
    folder = store.folder(run_id)
    assert folder is not None
    os.utime(folder, (1000, 1000))
    assert store.move_to(deleted, run_id)
    assert (store.folder(run_id), store.ids(), deleted.ids()) == (None, [], [run_id])
    assert deleted.times()[run_id] > 1.7e18, "it says when it was deleted"
    assert not store.move_to(deleted, run_id)
    assert deleted.move_to(store, run_id)
    assert (store.about(run_id).name, store.config(run_id)) == ("gone", CONFIG)
    assert not any(store.move_to(deleted, text) for text in HOSTILE)


def test_owner_is_kept_as_a_digest_and_a_damaged_one_is_nobody(store: RunStore) -> None:
    digest = run_store.digest_of("a" * 32)
    run_id = store.create(CONFIG, owner=digest)
    folder = store.folder(run_id)
    assert folder is not None
    assert store.owner(run_id) == digest
    assert not any("a" * 32 in path.read_text("utf-8") for path in folder.iterdir())
    for damaged in (b"", b"a" * 63, b"\xff" * 64):
        (folder / "owner").write_bytes(damaged)
        assert store.owner(run_id) is None


def test_home_that_cannot_be_written_gives_way_to_a_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("VAE_DASHBOARD_HOME", str(tmp_path / "file" / "home"))
    assert run_store.is_temporary()
    assert run_store.kept_folder() == run_store.kept_folder() != home()
    assert RunStore(run_store.kept_folder()).create(CONFIG)
    monkeypatch.setenv("VAE_DASHBOARD_HOME", str(tmp_path / "new"))
    assert (run_store.is_temporary(), run_store.kept_folder()) == (False, tmp_path / "new")


def test_home_is_the_named_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VAE_DASHBOARD_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.delenv("VAE_DASHBOARD_HOME")
    assert home() == Path.home() / ".vae-dashboard"
