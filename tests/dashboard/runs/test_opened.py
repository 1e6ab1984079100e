"""Which runs of others a browser has opened: a file each, of bounded length, whatever it says."""

import json
from pathlib import Path
from typing import Final

from dashboard.runs.opened import MAX_OPENED, Opened
from dashboard.runs.store import digest_of

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
