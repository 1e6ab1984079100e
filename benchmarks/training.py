"""How fast a step of training is beside its peers: ``python -m benchmarks.training [IDX_FOLDER]``.

The digits come with scikit-learn; the peer is the published example's loop, with a data loader and without.
With a folder of MNIST's files (or a relative's) the network that tutorials use for MNIST is measured, too,
beside the published PyTorch example as it is. The last line printed is JSON with all figures.
"""

import argparse
import dataclasses
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from benchmarks.cases import Case, digits_case, images_case
from benchmarks.plain_loop import Feed, MatrixProducts, PlainLoop
from benchmarks.report import Step, interleaved, machine, pairwise, spread, table
from vae_core.data import Dataset
from vae_core.data.byte_images import Examples
from vae_core.elbo import evaluate
from vae_core.errors import BadInput
from vae_core.model import VAE
from vae_core.runs.observer import Observer
from vae_core.runs.snapshot import write_snapshot
from vae_core.training.loop import Training
from vae_core.training.products import Products, chosen_products

OBSERVATIONS_PER_SECOND: Final = 5
LOOPS: Final[Mapping[str, str]] = {
    "ours": "ours",
    "observed": "ours, observed",
    "automatic": "ours, automatic differentiation",
    "images": "published example",
    "loader": "its loop, data loader of a tensor",
    "tensor": "its loop, rows of a tensor",
    "products": "matrix products alone",
}
"""What is measured, by the name in the figures."""


class Effort(NamedTuple):
    """How long to measure.

    Arguments:
        rounds: Turns of each loop.
        seconds: Length of a turn.
        threads: Numbers of threads.
        batches: Batch sizes of the images.
        epochs: Of the trainings compared by held-out loss, by the name of the case.
        seeds: How many of those trainings.
    """

    rounds: int
    seconds: float
    threads: tuple[int, ...]
    batches: tuple[int, ...]
    epochs: Mapping[str, int]
    seeds: int


FULL = Effort(12, 0.4, (1, 2), (128, 32, 512), {"digits": 100, "images": 5}, 3)
QUICK = Effort(2, 0.02, (1,), (128,), {"digits": 2, "images": 1}, 2)


class ObservedSteps:
    """Steps of a training that is looked at as the Train page does: each call is one step."""

    def __init__(self, training: Training, dataset: Dataset, path: Path) -> None:
        self._steps = training.steps()
        self._observer = Observer(training, seed=0)
        self._path = path
        self._seconds = 0.0
        self._looks = 0

    def __call__(self) -> None:
        began = time.perf_counter()
        self._observer.add(next(self._steps))
        if self._seconds * OBSERVATIONS_PER_SECOND >= self._looks:
            write_snapshot(self._path, self._observer.look())
            self._looks += 1
        # Its own time only: while another loop has its turn no look falls due.
        self._seconds += time.perf_counter() - began


def measure_speed(case: Case, effort: Effort, *, threads: int) -> dict[str, Any]:
    """Milliseconds a step of each loop, and of each round how many times as long as ours it took."""
    with tempfile.TemporaryDirectory() as folder, _threads(threads):
        candidates = _candidates(case, Path(folder))
        rates = interleaved(effort.rounds, candidates, seconds=effort.seconds)
    return {
        name: {
            "ms_per_step": 1000.0 / statistics.median(values),
            "times_ours": spread(pairwise(rates["ours"], values))._asdict(),
        }
        for name, values in rates.items()
    }


def _candidates(case: Case, folder: Path) -> dict[str, Step]:
    ours, automatic = _training(case, 0).steps(), _training(case, 0, written_out=False).steps()
    observed = ObservedSteps(_training(case, 0), case.dataset, folder / "snapshot.safetensors")
    candidates: dict[str, Step] = {
        "ours": lambda: next(ours),
        "observed": observed,
        "automatic": lambda: next(automatic),
    }
    for feed in _feeds(case):
        steps = _plain(case, 0, feed).steps()
        candidates[feed] = lambda steps=steps: next(steps)  # type: ignore[misc]
    products, chosen = MatrixProducts(case.model, case.train.batch_size), _chosen(case)

    def multiply() -> None:
        with chosen:
            products()

    return candidates | {"products": multiply}


def measure_held_out(case: Case, effort: Effort) -> dict[str, Any]:
    """Held-out -ELBO of ours and of the peers after the same number of epochs, one value a seed, nats."""
    epochs = effort.epochs[case.name]
    losses: dict[str, Any] = {"epochs": epochs, "ours": [], "plain": []}
    x = _floats(case.dataset.x_test)
    with _threads(1):
        for seed in range(effort.seeds):
            # How the examples come changes the order of the draws alone: one of the peers stands for all.
            training, plain = _training(case, seed), _plain(case, seed, "tensor")
            for steps in (training.steps(), plain.steps()):
                for _ in itertools.islice(steps, epochs * training.steps_per_epoch):
                    pass
            losses["ours"].append(-evaluate(training.model, x, generator=training.generator).elbo)
            losses["plain"].append(plain.held_out_loss(x))
    return losses


def measure(case: Case, effort: Effort, batches: tuple[int, ...]) -> dict[str, Any]:
    """Speed with each batch size and number of threads, and what was learned."""
    figures = {}
    for batch, threads in itertools.product(batches, effort.threads):
        sized = case._replace(train=dataclasses.replace(case.train, batch_size=batch))
        figures[f"batch_{batch}_threads_{threads}"] = measure_speed(sized, effort, threads=threads)
    return figures | {"held_out_loss": measure_held_out(case, effort)}


def speed_table(found: Mapping[str, Any]) -> str:
    """One row for each loop: how long a step takes, and how many times faster than it the others are."""
    slowest = next(name for name in ("images", "loader") if name in found)
    rows = [["loop", "ms/step", f"times faster than {LOOPS[slowest]}", "min", "max"]]
    for name, title in LOOPS.items():
        if name in found:
            here, there = found[name]["times_ours"], found[slowest]["times_ours"]
            times = there["median"] / here["median"]
            row = [title, f"{found[name]['ms_per_step']:.3f}", f"{times:.2f}"]
            rows.append([*row, *(f"{there[end]:.2f}" if name == "ours" else "" for end in ("min", "max"))])
    return table(rows)


def held_out_table(found: Mapping[str, Any]) -> str:
    """Mean and standard deviation over seeds of each loop."""
    rows = [["loop", "-ELBO", "std"]]
    for name in ("ours", "plain"):
        rows.append([name, f"{statistics.mean(found[name]):.3f}", f"{statistics.stdev(found[name]):.3f}"])
    return table(rows)


def main(arguments: list[str]) -> int:
    """Measures and prints; returns the exit code, 2 where the folder cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description="Speed of training.")
    parser.add_argument("idx_folder", nargs="?", metavar="IDX_FOLDER", help="folder with MNIST's IDX files")
    parser.add_argument("--quick", action="store_true", help="tiny rounds: tries the benchmark, says nothing")
    options = parser.parse_args(arguments)
    try:
        cases = [digits_case(), *([images_case(options.idx_folder)] if options.idx_folder else [])]
    except BadInput as err:
        print(err, file=sys.stderr)
        return 2
    _report(cases, QUICK if options.quick else FULL)
    return 0


def _report(cases: list[Case], effort: Effort) -> None:
    about = machine()
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    print(f"{effort.rounds} rounds of {effort.seconds:g} s for each loop, taking turns; medians.")
    print(f"Observed {OBSERVATIONS_PER_SECOND} times a second, as the Train page does.\n")
    figures: dict[str, Any] = {}
    for case in cases:
        batches = effort.batches if case.name == "images" else (case.train.batch_size,)
        found = figures[case.name] = measure(case, effort, batches)
        for batch, threads in itertools.product(batches, effort.threads):
            speed = found[f"batch_{batch}_threads_{threads}"]
            print(
                f"{case.name}, {case.network}, batch {batch}, {threads} thread{'s' if threads > 1 else ''}:"
            )
            print(f"{speed_table(speed)}")
            limit, watched = (speed[name]["times_ours"]["median"] for name in ("products", "observed"))
            print(
                f"ours takes {1 / limit:.2f} times the products; observed {100 * watched - 100:.1f} % more.\n"
            )
        held_out = found["held_out_loss"]
        print(f"Held out, {held_out['epochs']} epochs, {effort.seeds} seeds, nats per example:")
        print(f"{held_out_table(held_out)}\n")
    if len(cases) == 1:
        print("MNIST was left out: name the folder of its IDX files as the argument to measure it, too.\n")
    print(json.dumps({"machine": about, "effort": effort._asdict(), **figures}))


def _training(case: Case, seed: int, *, written_out: bool = True) -> Training:
    generator = torch.Generator().manual_seed(seed)
    model = VAE(case.model, generator=generator)
    return Training(model, case.dataset, case.train, generator=generator, written_out=written_out)


def _feeds(case: Case) -> tuple[Feed, ...]:
    return ("images", "tensor") if case.name == "images" else ("loader", "tensor")


def _plain(case: Case, seed: int, feed: Feed) -> PlainLoop:
    x = _floats(case.dataset.x_train)
    if feed == "images":
        assert case.dataset.image_shape is not None
        x = (x * 255).round().to(torch.uint8).view(-1, *case.dataset.image_shape)
    return PlainLoop(case.model, case.train, x, seed=seed, feed=feed)


def _floats(x: Examples) -> Tensor:
    """All examples as one tensor of float32."""
    return x.index_select(0, torch.arange(len(x)))


def _chosen(case: Case) -> Products:
    return chosen_products(case.model, case.train.batch_size)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
