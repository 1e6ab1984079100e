"""How fast a step of training is beside a plain PyTorch loop: ``python -m benchmarks.training [IDX_FOLDER]``.

The digits come with scikit-learn. With a folder of MNIST's files (or a relative's) the network that tutorials
use for MNIST is measured, too. The last line printed is JSON with all figures.
"""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch

from benchmarks.cases import Case, digits_case, images_case
from benchmarks.plain_loop import PlainLoop
from benchmarks.report import Spread, interleaved, machine, pairwise, spread, table
from vae_core.data import Dataset
from vae_core.elbo import evaluate
from vae_core.errors import BadInput
from vae_core.model import VAE
from vae_core.runs.observer import Observer
from vae_core.runs.snapshot import write_snapshot
from vae_core.training.loop import Training

THREADS = (1, 2)
OBSERVATIONS_PER_SECOND = 5


class Effort(NamedTuple):
    """How long to measure: rounds of each loop, their length, and the trainings compared by held-out loss."""

    rounds: int
    seconds: float
    epochs: int
    seeds: int


FULL = Effort(rounds=12, seconds=0.4, epochs=100, seeds=3)
QUICK = Effort(rounds=2, seconds=0.02, epochs=2, seeds=2)


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
    """Steps per second of our loop and the plain one, and the ratio of each round's pair."""
    ours, plain = _training(case, 0).steps(), _plain(case, 0).steps()
    candidates = {"ours": lambda: next(ours), "plain": lambda: next(plain)}
    with _threads(threads):
        rates = interleaved(effort.rounds, candidates, seconds=effort.seconds)
    ratio = spread(pairwise(rates["ours"], rates["plain"]))
    return {**{name: _speed(values) for name, values in rates.items()}, "ratio": ratio._asdict()}


def measure_observation(case: Case, effort: Effort) -> Spread:
    """Per cent more time for a step while it is observed, with one thread."""
    training = _training(case, 0)
    alone = _training(case, 0).steps()
    with tempfile.TemporaryDirectory() as folder, _threads(1):
        observed = ObservedSteps(training, case.dataset, Path(folder) / "snapshot.safetensors")
        candidates = {"alone": lambda: next(alone), "observed": observed}
        rates = interleaved(effort.rounds, candidates, seconds=effort.seconds)
    return spread([100.0 * (ratio - 1.0) for ratio in pairwise(rates["alone"], rates["observed"])])


def measure_held_out(case: Case, effort: Effort) -> dict[str, Any]:
    """Held-out -ELBO of both loops after the same number of epochs, one value a seed, nats per example."""
    losses: dict[str, list[float]] = {"ours": [], "plain": []}
    x = case.dataset.x_test
    with _threads(1):
        for seed in range(effort.seeds):
            training, plain = _training(case, seed), _plain(case, seed)
            num_steps = effort.epochs * training.steps_per_epoch
            for steps in (training.steps(), plain.steps()):
                for _ in itertools.islice(steps, num_steps):
                    pass
            held_out = evaluate(training.model, x, generator=training.generator)
            losses["ours"].append(-held_out.elbo)
            losses["plain"].append(plain.held_out_loss(x[:]))
    return {"epochs": effort.epochs, **losses}


def measure(case: Case, effort: Effort) -> dict[str, Any]:
    """Speed with each number of threads, and what observing costs."""
    speed = {f"threads_{threads}": measure_speed(case, effort, threads=threads) for threads in THREADS}
    return {**speed, "observation_percent": measure_observation(case, effort)._asdict()}


def speed_table(cases: list[Case], figures: dict[str, Any]) -> str:
    """One row for each case and number of threads."""
    rows = [["data", "network", "batch", "threads", "loop", "steps/s", "ms/step", "ratio", "min", "max"]]
    for case, threads in itertools.product(cases, THREADS):
        found = figures[case.name][f"threads_{threads}"]
        head = [case.name, case.network, str(case.train.batch_size), str(threads)]
        ratio = [f"{found['ratio'][name]:.2f}" for name in ("median", "min", "max")]
        rows.append([*head, "ours", *_shown(found["ours"]), *ratio])
        rows.append([*head, "plain", *_shown(found["plain"]), "1.00", "", ""])
    return table(rows)


def observation_table(cases: list[Case], figures: dict[str, Any]) -> str:
    """One row for each case."""
    rows = [["data", "threads", "overhead", "min", "max"]]
    for case in cases:
        found = figures[case.name]["observation_percent"]
        rows.append([case.name, "1", *(f"{found[name]:.1f} %" for name in ("median", "min", "max"))])
    return table(rows)


def held_out_table(found: dict[str, Any]) -> str:
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
    print(f"{effort.rounds} rounds of {effort.seconds:g} s for each loop, taking turns; medians.\n")
    figures: dict[str, Any] = {case.name: measure(case, effort) for case in cases}
    held_out = measure_held_out(cases[0], effort)
    print(f"{speed_table(cases, figures)}\n")
    print(f"Observed {OBSERVATIONS_PER_SECOND} times a second:\n{observation_table(cases, figures)}\n")
    head = f"Held out, digits, {effort.epochs} epochs, {effort.seeds} seeds, nats per example:"
    print(f"{head}\n{held_out_table(held_out)}\n")
    if len(cases) == 1:
        print("MNIST was left out: name the folder of its IDX files as the argument to measure it, too.\n")
    figures["digits"]["held_out_loss"] = held_out
    print(json.dumps({"machine": about, "effort": effort._asdict(), **figures}))


def _training(case: Case, seed: int) -> Training:
    generator = torch.Generator().manual_seed(seed)
    model = VAE(case.model, generator=generator)
    return Training(model, case.dataset, case.train, generator=generator)


def _plain(case: Case, seed: int) -> PlainLoop:
    return PlainLoop(case.model, case.train, case.dataset.x_train[:], seed=seed)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _speed(rates: list[float]) -> dict[str, float]:
    rate = statistics.median(rates)
    return {"steps_per_second": rate, "ms_per_step": 1000.0 / rate}


def _shown(speed: dict[str, float]) -> list[str]:
    return [f"{speed['steps_per_second']:.0f}", f"{speed['ms_per_step']:.3f}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
