"""How the time of a step grows with each size: ``python -m benchmarks.growth``.

One size at a time moves away from the network that tutorials use for MNIST, 784-400-20-400-784 with batches
of 128; the data are random bytes, for which the time is that of any images. One thread. The last line printed
is JSON with all figures.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch

from benchmarks.report import interleaved, machine, table
from vae_core.config import ModelConfig, TrainConfig
from vae_core.data import Dataset, from_arrays
from vae_core.data.byte_images import ByteImages
from vae_core.model import VAE
from vae_core.training.loop import Training

SIDE: Final = 28
USUAL: Final[Mapping[str, int]] = {"hidden": 400, "J": 20, "batch": 128, "M": 1, "rows": 20_000}
GROWN: Final[Mapping[str, tuple[int, ...]]] = {
    "hidden": (100, 200, 400, 800, 1600),
    "J": (2, 20, 100, 200),
    "batch": (32, 128, 512),
    "M": (1, 10, 100),
    "rows": (1_000, 20_000, 200_000),
}
"""Sizes by name: of the hidden layer; J; examples, and samples of each, in an update; examples in all."""
ROUNDS: Final = 8


def images(rows: int) -> Dataset:
    """Random bytes; a fifth of them is held out."""
    pixels = np.random.default_rng(0).integers(0, 256, (rows, SIDE * SIDE), np.uint8)
    x, generator = ByteImages(torch.from_numpy(pixels)), torch.Generator().manual_seed(0)
    return from_arrays("noise", x, image_shape=(SIDE, SIDE), generator=generator)


def training_of(sizes: Mapping[str, int], dataset: Dataset) -> Training:
    """A training with these sizes."""
    model = ModelConfig(
        data_dim=SIDE * SIDE, hidden_dims=(sizes["hidden"],), latent_dim=sizes["J"], activation="relu"
    )
    config = TrainConfig(num_epochs=None, batch_size=sizes["batch"], num_samples=sizes["M"])
    generator = torch.Generator().manual_seed(0)
    return Training(VAE(model, generator=generator), dataset, config, generator=generator)


def measure(name: str, values: tuple[int, ...], *, rounds: int, seconds: float) -> dict[str, float]:
    """Milliseconds of a step for each value of one size, taking turns with the usual one."""
    candidates = {}
    for value in values:
        sizes = {**USUAL, name: value}
        steps = training_of(sizes, images(sizes["rows"])).steps()
        candidates[str(value)] = lambda steps=steps: next(steps)
    rates = interleaved(rounds, candidates, seconds=seconds)
    return {value: 1000.0 / statistics.median(found) for value, found in rates.items()}


def main(arguments: list[str]) -> int:
    """Measures and prints; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description="Growth of a step.")
    parser.add_argument(
        "--quick", action="store_true", help="few and small: tries the benchmark, says nothing"
    )
    quick = parser.parse_args(arguments).quick
    torch.set_num_threads(1)
    about, figures = machine(), {}
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    for name, values in GROWN.items():
        chosen = values[:2] if quick else values
        found = measure(name, chosen, rounds=1 if quick else ROUNDS, seconds=0.01 if quick else 0.3)
        figures[name] = found
        usual = found[str(USUAL[name] if str(USUAL[name]) in found else chosen[0])]
        rows = [[name, "ms/step", "times the usual"]]
        rows += [[value, f"{ms:.3f}", f"{ms / usual:.2f}"] for value, ms in found.items()]
        print(f"\n{table(rows)}")
    result: dict[str, Any] = {"machine": about, "usual": dict(USUAL), "ms_per_step": figures}
    print(f"\n{json.dumps(result)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
