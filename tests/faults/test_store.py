"""Folders of runs that are damaged, of a newer version, deleted while open, or ten thousand."""

import json
import os
import shutil
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from dashboard.formats import plain
from dashboard.runs.job import ACTIVE, RESUMABLE, no_progress
from dashboard.runs.runner import LocalRunner
from dashboard.runs.store import STATUSES, RunStore, digest_of
from tests.page_scripts import TINY, checked, open_page, runner
from tests.run_files import header_of
from vae_core.config import RunConfig
from vae_core.errors import BadInput
from vae_core.runs.runfile import load_run

__all__ = ["runner"]  # a fixture
GOLDEN: Final = Path(__file__).with_name("golden") / "format2"
FILES: Final = ("run.safetensors", "snapshot.safetensors")
ME: Final = "m" * 32
SAID: Final = tuple(no_progress(TINY))
CONFIG: Final = RunConfig.from_json((GOLDEN / "config.json").read_text("utf-8"))


def stored(store: RunStore) -> tuple[str, Path]:
    """A run of mine in the store, and its folder."""
    run_id = store.create(CONFIG, owner=digest_of(ME))
    folder = store.folder(run_id)
    assert folder is not None
    for name in FILES:
        shutil.copyfile(GOLDEN / name, folder / name)
    store.write_status(run_id, {"status": "finished", "step": 5})
    return run_id, folder


def cut(name: str, length: int) -> Callable[[Path], None]:
    return lambda folder: os.truncate(folder / name, length)


def filled(name: str, content: bytes) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return fill


def steps_that_are(value: float) -> Callable[[Path], None]:
    def overwrite(folder: Path) -> None:
        path = folder / "snapshot.safetensors"
        content = bytearray(path.read_bytes())
        history = header_of(bytes(content))["history"]["data_offsets"]
        start = 8 + struct.unpack("<Q", content[:8])[0]
        last = start + history[1] - 88
        content[last : last + 8] = struct.pack("<d", value)
        path.write_bytes(content)

    return overwrite


DAMAGES: Final[dict[str, Callable[[Path], None]]] = {
    **{f"{name} of {length} bytes": cut(name, length) for name in FILES for length in (0, 7, 100, 5000)},
    **{f"{name} with a long header": filled(name, struct.pack("<Q", 2**63) + b"{}") for name in FILES},
    "a snapshot at step NaN": steps_that_are(float("nan")),
    "a snapshot at an infinite step": steps_that_are(float("inf")),
    "a snapshot at a negative step": steps_that_are(-1.0),
    "a status that is a list": filled("status.json", b"[[1]]"),
    "a status of nested lists": filled("status.json", b"[" * 50_000),
    "a status of other types": filled("status.json", b'{"status": [], "step": {}, "beta": null}'),
    "a status of lists": filled("status.json", json.dumps({name: [1] for name in SAID}).encode()),
    "no configuration": lambda folder: (folder / "config.json").unlink(),
    "half a configuration": cut("config.json", 40),
    "an owner of zeros": filled("owner", bytes(64)),
    "a description of nested lists": filled("about.json", b"[" * 50_000),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_run_hides_no_other_one(case: str, tmp_path: Path) -> None:
    registry = LocalRunner(tmp_path, max_running=1)
    try:
        store = registry.store
        (whole, _), (damaged, folder) = stored(store), stored(store)
        DAMAGES[case](folder)
        entries = {entry.run_id: entry for entry in registry.catalog.entries()}
        assert entries[whole].step == 5
        assert set(entries) <= {whole, damaged}
        json.dumps([entry.step for entry in entries.values()], allow_nan=False)
        registry.interrupted(ME)
        store.remove_leftovers()
        seen = registry.view(damaged)
        assert seen is None or seen.run_id == damaged
        path = store.run_file(damaged)
        if case.startswith("run.safetensors") and path is not None:
            with pytest.raises(BadInput, match=r"this file is not a run, or its end is missing|damaged"):
                load_run(path)
    finally:
        registry.close()


UNUSABLE: Final = ([1], {"a": 1}, "1", True, -1, float("nan"), float("inf"), 10**400)


@pytest.mark.parametrize("name", SAID)
def test_a_status_with_a_value_of_another_kind_is_without_it(name: str, tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run_id, folder = stored(store)
    usable = {"status": "finished", "message": "Done.", "step": 5, "beta": 4.0}
    for value in UNUSABLE:
        if isinstance(value, {"message": str, "was_stopped": bool}.get(name, complex)):
            continue
        if value == -1 and name in ("beta", "learning_rate", "speed", "steps_per_second"):
            continue
        (folder / "status.json").write_text(json.dumps(usable | {name: value}))
        rest = {key: said for key, said in usable.items() if key != name}
        assert store.status(run_id) == rest, (name, value)


def test_a_status_is_read_as_it_was_written(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run_id, _ = stored(store)
    for status in (no_progress(CONFIG), no_progress(CONFIG) | {"speed": 2.0, "num_steps": 7, "patience": 3}):
        store.write_status(run_id, status)
        assert store.status(run_id) == status
    assert {*ACTIVE, *RESUMABLE, "failed"} == STATUSES


@pytest.mark.parametrize("page", ["train", "runs", "compare"])
def test_a_status_of_lists_breaks_no_page(page: str, runner: LocalRunner) -> None:
    run_id, folder = stored(runner.store)
    DAMAGES["a status of lists"](folder)
    query = {"compare_view": "runs", "compare_runs": run_id} if page == "compare" else {}
    assert not checked(open_page(page, run=run_id, **query)).error


def test_a_run_of_a_newer_version_says_so_on_a_page(runner: LocalRunner) -> None:
    run_id, folder = stored(runner.store)
    config = json.loads((folder / "config.json").read_text("utf-8")) | {"format": 99}
    (folder / "config.json").write_text(json.dumps(config))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for page in ("train", "elbo"):
        at = checked(open_page(page, run=run_id))
        said = [message.value for message in (*at.error, *at.warning)]
        assert len(said) == 1, page
        assert plain("cannot be opened: the run was made by a newer version: format 99") in said[0], page
        assert plain("update the app; the file is left as it is.") in said[0], page
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("page", ["train", "elbo"])
def test_what_a_file_holds_is_shown_letter_for_letter(page: str, runner: LocalRunner) -> None:
    """An image in a sentence on a refused setting would be fetched by whoever opens the link."""
    run_id, folder = stored(runner.store)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"seed": "![x](//e.net/x.png)"}))
    at = checked(open_page(page, run=run_id))
    (said,) = (message.value for message in (*at.error, *at.warning))
    assert plain("![x](//e.net/x.png)") in said
    assert "![x]" not in said


@pytest.mark.parametrize("page", ["train", "elbo"])
def test_a_run_that_is_deleted_while_it_is_open_no_longer_exists(page: str, runner: LocalRunner) -> None:
    run_id = runner.store.create(TINY)
    folder = runner.store.folder(run_id)
    assert folder is not None
    at = checked(open_page(page, run=run_id))
    assert not (*at.error, *at.warning)
    shutil.rmtree(folder)
    checked(at.run())
    assert ["no longer exists" in said.value for said in (*at.error, *at.warning)] == [True]


def test_a_server_with_ten_thousand_runs_starts_and_answers(tmp_path: Path) -> None:
    """The second start has an index; the first reads all folders, in the background of a real server."""
    store = RunStore(tmp_path)
    first, source = stored(store)
    for number in range(9_999):
        folder = tmp_path / "runs" / f"{number:016x}"
        folder.mkdir()
        for name in ("config.json", "status.json", "owner"):
            os.link(source / name, folder / name)
        os.utime(folder, (1.7e9, 1.7e9))
    os.utime(source, (1.7e9, 1.7e9))
    LocalRunner(tmp_path, max_running=1).catalog.entries()
    began = time.perf_counter()
    registry = LocalRunner(tmp_path, max_running=1)
    try:
        assert registry.interrupted(ME) == []
        assert len(registry.catalog.entries()) == len(store.ids()) == 10_000
        view = registry.view(first)
        assert view is not None
        assert view.step == 5
        seconds = time.perf_counter() - began
    finally:
        registry.close()
    assert seconds < 5, f"{seconds:.1f} s; 0.5 on an idle machine"


def test_an_upload_onto_a_full_disk_leaves_no_half_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = LocalRunner(tmp_path, max_running=1)

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dashboard.runs.store.write_snapshot", full)
    with pytest.raises(BadInput, match=r"the uploaded run cannot be kept \(No space left on device\)"):
        registry.upload((GOLDEN / "run.safetensors").read_bytes(), owner=ME)
    assert registry.store.ids() == []
    registry.close()
