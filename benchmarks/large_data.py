"""Memory and step time with many images: ``python -m benchmarks.large_data``.

A file of 600,000 random images of 28 x 28 pixels is written to the temporary folder (470 MB) and trained on
in a process of its own; it trained on few images before, so that the rise of its peak is the data's alone.
A step is compared, in processor time, with one on 60,000 images that lie in memory as float32. The last line
printed is JSON.
"""

import argparse
import json
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.cases import images_case
from benchmarks.report import machine, pairwise, peak_mb, processor_seconds, spread, table
from vae_core.model import VAE
from vae_core.training.loop import Training

SIDE = 28
NUM_IMAGES, NUM_OTHERS = 600_000, 60_000
QUICK = 2_000
AT_ONCE = 10_000
ROUNDS, STEPS = 40, 10


def write_images(folder: Path, count: int) -> None:
    """A training part alone, without labels: a fifth of it is held out."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    with (folder / "train-images-idx3-ubyte").open("wb") as file:
        file.write(struct.pack(">4I", 0x0803, count, SIDE, SIDE))
        for start in range(0, count, AT_ONCE):
            rows = min(AT_ONCE, count - start)
            file.write(rng.integers(0, 256, (rows, SIDE * SIDE), np.uint8).tobytes())


def measure(folder: Path, count: int, *, quick: bool) -> dict[str, Any]:
    """Peak memory for each value of the data, seconds to load them, and the time of a step."""
    torch.set_num_threads(1)
    for _ in islice(_training(folder / "few").steps(), 3):  # what a process needs whatever its data are
        pass
    before, began = peak_mb(), time.perf_counter()
    many = _training(folder / "many")
    seconds = time.perf_counter() - began
    steps = many.steps()
    for _ in islice(steps, 3):
        pass
    peak = peak_mb() - before
    others = _training(folder / "others", as_numbers=True).steps()
    took: dict[str, list[float]] = {"bytes": [], "numbers": []}
    for _ in range(2 if quick else ROUNDS):
        took["bytes"].append(processor_seconds(lambda: next(steps), STEPS))
        took["numbers"].append(processor_seconds(lambda: next(others), STEPS))
    return {
        "images": count,
        "seconds_to_load": seconds,
        "peak_mb": peak,
        "bytes_a_value": peak * 2**20 / (count * SIDE * SIDE),
        "ms_per_step": {name: 1000.0 * spread(values).median for name, values in took.items()},
        "ratio": spread(pairwise(took["bytes"], took["numbers"]))._asdict(),
    }


def _training(folder: Path, *, as_numbers: bool = False) -> Training:
    case = images_case(str(folder))
    data, generator = case.dataset, torch.Generator().manual_seed(0)
    if as_numbers:
        data = replace(data, x_train=data.x_train[:], x_test=data.x_test[:])
    return Training(VAE(case.model, generator=generator), data, case.train, generator=generator)


def main(arguments: list[str]) -> int:
    """Measures and prints; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.large_data", description="Memory and step time."
    )
    parser.add_argument("--quick", action="store_true", help="tries the benchmark, says nothing")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child is not None:
        folder, count = options.child
        print(json.dumps(measure(Path(folder), int(count), quick=options.quick)))
        return 0
    count, others = (QUICK, QUICK) if options.quick else (NUM_IMAGES, NUM_OTHERS)
    with tempfile.TemporaryDirectory() as folder:
        for name, size in (("few", QUICK), ("many", count), ("others", others)):
            write_images(Path(folder) / name, size)
        command = [sys.executable, "-m", "benchmarks.large_data", "--child", folder, str(count)]
        command += ["--quick"] if options.quick else []
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    _report(found, others)
    return 0


def _report(found: dict[str, Any], others: int) -> None:
    about, count = machine(), found["images"]
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    print(
        f"{count:,} images of {SIDE} x {SIDE}: {found['peak_mb']:.0f} MB at the peak of the process, "
        f"{found['bytes_a_value']:.3f} bytes a value, loaded in {found['seconds_to_load']:.1f} s.\n"
    )
    ms, ratio = found["ms_per_step"], found["ratio"]
    rows = [
        ["data, 784-400-20-400-784, batch 128, 1 thread", "ms/step", "ratio", "min", "max"],
        [f"{others:,} images as float32", f"{ms['numbers']:.3f}", "1.00", "", ""],
        [
            f"{count:,} images as bytes",
            f"{ms['bytes']:.3f}",
            *(f"{ratio[name]:.3f}" for name in ("median", "min", "max")),
        ],
    ]
    print(f"{table(rows)}\n")
    print(json.dumps({"machine": about, **found}))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
