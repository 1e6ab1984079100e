"""Exact log p(x) of 1000 images beside importance sampling: time, memory, error.

``python -m benchmarks.evidence [IDX_FOLDER]``: with MNIST's IDX files in the folder it measures 784-400-2,
and always the digits of scikit-learn. Each method runs in a process of its own, so that its peak of
memory is its own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
import torch

from benchmarks.report import machine, peak_mb, spread, table
from vae_core.config import ModelConfig, RunConfig, TrainConfig
from vae_core.data import load_data_of
from vae_core.errors import BadInput
from vae_core.evidence.exact import exact_evidence
from vae_core.evidence.importance import iw_bound
from vae_core.model import VAE
from vae_core.runs.runfile import Run, load_run, save_run
from vae_core.training.loop import Training

NUM_DATA: Final = 1000
NUM_SAMPLES: Final = 5000
ROUNDS: Final = {"exact": 3, "importance": 1}
"""Sampling takes a minute for MNIST."""
METHODS: Final = tuple(ROUNDS)


def trained(folder: str | None, *, num_epochs: int) -> Run:
    """A model of digits, or 784-400-2 where there is a folder of images."""
    if folder is None:
        model, dataset = ModelConfig(data_dim=64), "digits"
    else:
        model, dataset = ModelConfig(data_dim=784, hidden_dims=(400,), activation="relu"), "idx"
    train = TrainConfig(num_epochs=num_epochs, batch_size=128)
    config = RunConfig(model=model, dataset=dataset, data_folder=folder, train=train)
    generator = torch.Generator().manual_seed(config.seed)
    training = Training(VAE(model, generator=generator), _data(config), config.train, generator=generator)
    for _ in training.steps():
        pass
    history = torch.zeros(0, 11, dtype=torch.float64).numpy()
    return Run(config=config, weights=training.model.state_dict(), history=history, status="finished")


def measure(run_file: Path, method: str, num_data: int, num_samples: int) -> dict[str, Any]:
    """Seconds of each round, megabytes at the peak beyond what the process had before, and log p(x)."""
    model = load_run(run_file).model()
    x = torch.from_numpy(np.load(run_file.with_suffix(".npy")))[:num_data]
    _estimate(model, x[:2], method, 10)  # imports and memory that only the first call needs
    before = peak_mb()
    seconds, found = [], []
    for _ in range(ROUNDS[method]):
        began = perf_counter()
        found.append(_estimate(model, x, method, num_samples))
        seconds.append(perf_counter() - began)
    values, error = found[0]
    return {
        "seconds": spread(seconds)._asdict(),
        "peak_mb": peak_mb() - before,
        "num_data": len(x),
        "mean": float(values.mean()),
        "values": values.tolist(),
        "error": error,
    }


def _estimate(
    model: VAE, x: torch.Tensor, method: str, num_samples: int
) -> tuple[torch.Tensor, float | None]:
    if method == "exact":
        found = exact_evidence(model, x)
        return found.log_evidence, float(found.error.max())
    noise = torch.Generator().manual_seed(0)
    return iw_bound(model, x, num_samples=num_samples, generator=noise), None


def _data(config: RunConfig) -> Any:
    return load_data_of(config)


def main(arguments: list[str]) -> int:
    """Measures and prints; returns the exit code, 2 where the folder cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evidence", description="Speed of log p(x).")
    parser.add_argument("idx_folder", nargs="?", metavar="IDX_FOLDER", help="folder with MNIST's IDX files")
    parser.add_argument("--quick", action="store_true", help="tries the benchmark, says nothing")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child is not None:
        path, method, num_data, num_samples = options.child
        print(json.dumps(measure(Path(path), method, int(num_data), int(num_samples))))
        return 0
    try:
        _report(options.idx_folder, quick=options.quick)
    except BadInput as err:
        print(err, file=sys.stderr)
        return 2
    return 0


def _report(folder: str | None, *, quick: bool) -> None:
    num_data, num_samples, num_epochs = (20, 50, 1) if quick else (NUM_DATA, NUM_SAMPLES, 10)
    figures: dict[str, Any] = {}
    cases = {"digits": None} | ({"784-400-2": folder} if folder else {})
    # All are trained before any is measured: a folder without images is said at once.
    runs = {name: trained(case, num_epochs=num_epochs) for name, case in cases.items()}
    with tempfile.TemporaryDirectory() as place:
        for name, run in runs.items():
            path = Path(place) / f"{name}.safetensors"
            save_run(path, run, durable=False)
            # The data alone: reading all images would set a peak of memory that hides the measured one.
            np.save(path.with_suffix(".npy"), _data(run.config).x_test[:NUM_DATA].numpy())
            figures[name] = {method: _child(path, method, num_data, num_samples) for method in METHODS}
    for found in figures.values():
        exact, sampled = (torch.tensor(found[method].pop("values")) for method in METHODS)
        found["importance"]["error"] = float((sampled - exact).abs().max())
    print(_table(figures, num_samples))
    print("Error: of the quadrature its own estimate, of the sampling the largest distance from it; nats.\n")
    print(json.dumps({"machine": machine(), "figures": figures}))


def _child(path: Path, method: str, num_data: int, num_samples: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.evidence", "--child", str(path), method]
    done = subprocess.run(
        [*command, str(num_data), str(num_samples)], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


def _table(figures: dict[str, Any], num_samples: int) -> str:
    rows = [["model, method", "data", "s", "MB", "mean log p(x)", "error"]]
    names = {"exact": "exact", "importance": f"importance, K = {num_samples}"}
    for case, found in figures.items():
        for method in METHODS:
            one = found[method]
            numbers = (f"{one['seconds']['median']:.2f}", f"{one['peak_mb']:.0f}", f"{one['mean']:.3f}")
            rows.append([f"{case}, {names[method]}", str(one["num_data"]), *numbers, f"{one['error']:.1e}"])
    return table(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
