"""How fast ten thousand runs are listed: ``python -m benchmarks.runs``.

Makes a store of runs that differ in name, tags and owner (their large files are one and the same on the
disk), and lists it: by a server that has no index yet and reads every folder, by one that finds the index of
an earlier one, again by a server that is running and looks whether a folder has changed, and as the whole
page, first and again. Then it changes one run, and measures how soon a list has it. Seconds, and each as a
share of reading every folder. Last come size and time of the steps that are kept over a run of the digits.
The last line printed is JSON with all figures.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Final

from streamlit.testing.v1 import AppTest

from benchmarks import kept_steps
from benchmarks.cases import digits_case
from benchmarks.report import machine, table
from benchmarks.serving import ENTRY
from dashboard.run_list.choice import matching, ordered
from dashboard.runs import runner as runners
from dashboard.runs.about import About
from dashboard.runs.catalog import Catalog
from dashboard.runs.pretrained import PRETRAINED_RUN, PRETRAINED_SNAPSHOT
from dashboard.runs.store import RunStore, digest_of
from vae_core.runs.runfile import load_run

FULL, QUICK = 10_000, 300
TOKEN: Final = "5" * 32
_PATIENCE_S: Final = 120.0


def make_runs(home: Path, count: int) -> None:
    """Fills a store with runs of one browser, which began a minute apart.

    Arguments:
        home: Where the store is.
        count: How many runs.
    """
    store, config = RunStore(home), load_run(PRETRAINED_RUN).config
    first = store.folder(store.create(config, owner=digest_of(TOKEN)))
    assert first is not None
    (first / "status.json").write_text(json.dumps({"status": "finished"}))
    (first / "run.safetensors").write_bytes(PRETRAINED_RUN.read_bytes())
    (first / "snapshot.safetensors").write_bytes(PRETRAINED_SNAPSHOT.read_bytes())
    for number in range(1, count):
        folder = first.with_name(f"{number:016x}")
        folder.mkdir()
        for name in ("config.json", "owner", "status.json", "run.safetensors", "snapshot.safetensors"):
            os.link(first / name, folder / name)
        about = About(
            name=f"Run of lesson {number % 40}", tags=(f"β {number % 7}",), created=1.7e9 + 60 * number
        )
        (folder / "about.json").write_text(about.to_json())
        # As if it had been left alone for a while: what changed just now is read again.
        os.utime(folder, (1.7e9, 1.7e9))


def seconds(work: Callable[[], object]) -> float:
    """How long it takes, once."""
    began = perf_counter()
    work()
    return perf_counter() - began


def measure(home: Path, count: int) -> dict[str, float]:
    """Seconds of each way to list the runs, by name."""
    store, index = RunStore(home), home / "catalog.sqlite"
    found = {"every folder read": seconds(lambda: Catalog(store, index).entries())}
    found["cold, from the index"] = seconds(lambda: Catalog(store, index).entries())
    catalog = Catalog(store, index)
    entries = catalog.entries()
    assert len(entries) == count, len(entries)

    def again() -> object:
        catalog.changed()
        return catalog.entries()

    found["warm"] = min(seconds(again) for _ in range(5))
    found["search and sort"] = seconds(lambda: ordered(matching(entries, "lesson 3 digits"), "elbo"))
    store.write_about(entries[count // 2].run_id, About(name="changed"))
    found["after a change"] = seconds(again)
    assert any(entry.name == "changed" for entry in catalog.entries())
    return found | measure_page(home)


def measure_page(home: Path) -> dict[str, float]:
    """Seconds in which the server draws the page Runs: the first time, and again after a click."""
    runner = runners.LocalRunner(home)
    before, runners._runner = runners._runner, runner
    try:
        at = AppTest.from_file(str(ENTRY), default_timeout=_PATIENCE_S)
        at.session_state["browser"] = TOKEN
        at.switch_page("../pages/runs.py")
        first = seconds(at.run)
        assert not at.exception, at.exception
        assert any("runs" in text.value for text in at.caption)
        runner.catalog.changed()
        return {"page, first": first, "page, again": seconds(at.run)}
    finally:
        runners._runner = before
        runner.close()


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints a table, and last one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runs", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few runs: only whether it works")
    count = QUICK if parser.parse_args(arguments).quick else FULL
    with tempfile.TemporaryDirectory() as home:
        made = seconds(lambda: make_runs(Path(home), count))
        found = measure(Path(home), count)
    whole = found["every folder read"]
    rows = [[name, f"{took:.3f} s", f"{took / whole:.3f}"] for name, took in found.items()]
    print(table([["list", "time", "share"], *rows]))
    marks = kept_steps.QUICK if count == QUICK else kept_steps.FULL
    kept = kept_steps.kept_over_a_run(digits_case(), marks["digits"])
    print(kept_steps.table_of({"digits": kept}))
    figures = {"runs": count, "made_s": made, "seconds": found, "kept": [mark._asdict() for mark in kept]}
    print(json.dumps({"machine": machine(), "figures": figures}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
