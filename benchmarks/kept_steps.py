"""Size and time of the steps that are kept over a run: ``python -m benchmarks.kept_steps [IDX_FOLDER]``.

Trains as a worker does, with its looks and saves, and takes the time that keeping steps takes of it, so that
the share is of one and the same run. At some steps it notes how many are kept, how many bytes they have, and
the share until then; last, what an endless run ends with: the most bytes that are ever kept. With a folder of
IDX files it does the same for images of their size. The last line printed is JSON with all figures.
"""

import argparse
import io
import json
import queue
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Final, NamedTuple

import torch

from benchmarks.cases import Case, digits_case, images_case
from benchmarks.report import machine, table
from vae_core.config import RunConfig
from vae_core.errors import BadInput
from vae_core.runs.driver import Command, Driver
from vae_core.runs.kept import LIMIT_BYTES, KeptSteps

FULL: Final = {"digits": (96, 1024, 8192, 32_768), "images": (64, 1024, 4096)}
QUICK: Final = {"digits": (8, 32), "images": (16, 64)}


class Mark(NamedTuple):
    """What is kept of a run when it has come to a step.

    Arguments:
        step: Updates made.
        kept: Steps that are kept.
        megabytes: Of all their files.
        seconds: That keeping took so far.
        share: Of the time since the beginning.
    """

    step: int
    kept: int
    megabytes: float
    seconds: float
    share: float


class TimedDriver(Driver):
    """A run that times how it keeps its steps, and stops at the last of some marks.

    Arguments:
        run_dir: The run folder.
        marks: Steps at which to note what is kept, ascending.
    """

    def __init__(self, run_dir: Path, marks: Sequence[int]) -> None:
        self._waiting: queue.SimpleQueue[Command] = queue.SimpleQueue()
        super().__init__(run_dir, self._waiting, io.StringIO())
        self._kept_in = KeptSteps(run_dir / "kept")
        self._bytes_in = run_dir / "kept"
        self._marks = list(marks)
        self._keeping_s = 0.0
        self._began = perf_counter()
        self.found: list[Mark] = []

    def _keep_step(self) -> None:
        began = perf_counter()
        super()._keep_step()
        now = perf_counter()
        self._keeping_s += now - began
        if self.training.step == self._marks[0]:
            size = sum(path.stat().st_size for path in self._bytes_in.iterdir())
            share = self._keeping_s / (now - self._began)
            kept = len(self._kept_in.steps())
            self.found.append(Mark(self.training.step, kept, size / 2**20, self._keeping_s, share))
            self._marks.pop(0)
            if not self._marks:
                self._marks = [-1]
                self._waiting.put({"command": "stop"})


def kept_over_a_run(case: Case, marks: Sequence[int], folder: str | None = None) -> list[Mark]:
    """Trains a run and says what is kept of it at each mark.

    Arguments:
        case: The run.
        marks: Steps, ascending.
        folder: Of the IDX files, where the case is of such.
    """
    name = "digits" if folder is None else "idx"
    config = RunConfig(model=case.model, train=replace(case.train), dataset=name, data_folder=folder)
    with tempfile.TemporaryDirectory() as run_dir:
        (Path(run_dir) / "config.json").write_text(config.to_json())
        driver = TimedDriver(Path(run_dir), marks)
        driver.run()
    return driver.found


def table_of(found: Mapping[str, Sequence[Mark]]) -> str:
    """What is kept of each run, as aligned columns."""
    head = ("run", "step", "kept", "MB", "time", "share")
    return table([head, *(_row(name, mark) for name, of_run in found.items() for mark in of_run)])


def _row(name: str, mark: Mark) -> tuple[str, ...]:
    size, time, share = f"{mark.megabytes:.1f}", f"{mark.seconds:.2f} s", f"{100 * mark.share:.1f} %"
    return name, f"{mark.step:,}", str(mark.kept), size, time, share


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints a table, and last one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kept_steps", description=__doc__)
    parser.add_argument("folder", nargs="?", help="a folder of IDX files, for images of their size")
    parser.add_argument("--quick", action="store_true", help="a few updates: only whether it works")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    marks = QUICK if asked.quick else FULL
    try:
        cases = {"digits": (digits_case(), None)}
        if asked.folder is not None:
            cases["images"] = (images_case(asked.folder), asked.folder)
    except BadInput as err:
        print(err, file=sys.stderr)
        return 2
    found = {name: kept_over_a_run(case, marks[name], folder) for name, (case, folder) in cases.items()}
    print(table_of(found))
    print(f"Of a run at most {LIMIT_BYTES / 2**20:.0f} MB are kept, however long it trains.")
    figures = {name: [mark._asdict() for mark in of_run] for name, of_run in found.items()}
    told = {"benchmark": "kept_steps", "limit_bytes": LIMIT_BYTES, "figures": figures, "machine": machine()}
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
