"""Which runs of others a browser has opened: a file each, of bounded length, whatever it says."""

import json
import os
from pathlib import Path
from typing import Final

from dashboard.runs.opened import MAX_OPENED, Opened
from dashboard.runs.runner import LocalRunner, _look_through
from dashboard.runs.store import RunStore, digest_of
from vae_core.config import ModelConfig, RunConfig

ME: Final = digest_of("m" * 32)


def test_a_browser_keeps_the_latest_runs_that_it_opened(tmp_path: Path) -> None:
    known = Opened(tmp_path / "browsers")
    ids = [f"{number:016x}" for number in range(MAX_OPENED + 3)]
    (tmp_path / "browsers").mkdir()
    (tmp_path / "browsers" / f"{ME}.json").write_text(json.dumps([*ids[:-1], "../x", 7]))
    known.add(ME, ids[-1])
    written = json.loads((tmp_path / "browsers" / f"{ME}.json").read_text())
    assert written == known.ids(ME) == ids[-MAX_OPENED:]
    known.drop(ME, ids[-1])
    assert known.ids(ME) == ids[-MAX_OPENED:-1]
    for hostile in ("../../x", "", "A" * 64):
        known.add(hostile, ids[0])
        assert known.ids(hostile) == []
    assert [path.name for path in tmp_path.rglob("*.json")] == [f"{ME}.json"]


def test_what_is_of_no_use_any_more_is_removed(tmp_path: Path) -> None:
    """Where no run of a browser is kept, and the oldest of too many; what is no such file stays."""
    known, folder = Opened(tmp_path / "browsers"), tmp_path / "browsers"
    known.clean(lambda run_id: False)  # there is no folder yet
    owners = [digest_of(f"{number:032x}") for number in range(5)]
    for number, owner in enumerate(owners):
        known.add(owner, f"{number:016x}")
        known.add(owner, "f" * 16)
        os.utime(folder / f"{owner}.json", ns=(number, number))
    (folder / f"{ME}.json").write_text("no JSON")
    (folder / "notes.txt").write_text("of somebody else")
    known.clean({"f" * 16}.__contains__)
    assert {path.name for path in folder.iterdir()} == {*(f"{owner}.json" for owner in owners), "notes.txt"}
    assert known.ids(owners[0]) == [f"{0:016x}", "f" * 16]
    known.clean({f"{number:016x}" for number in range(4)}.__contains__, most=3)
    assert sorted(path.stem for path in folder.glob("*.json")) == sorted(owners[1:4])


def test_a_server_cleans_when_it_starts(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    here = store.create(RunConfig(model=ModelConfig(data_dim=64)), owner="")
    there = LocalRunner(tmp_path)
    there.opened.add(ME, here)
    other = digest_of("n" * 32)
    there.opened.add(other, "0" * 16)
    _look_through(there)
    assert (there.opened.ids(ME), there.opened.ids(other)) == ([here], [])
    there.close()
