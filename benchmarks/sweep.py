"""How much faster models are trained together than one by one: ``python -m benchmarks.sweep``.

The digits and the network that the Train page starts with, one thread; models that differ in beta, and in the
seed. The processor's time is measured, which other programs change less than the clock's. Then a sweep as the
Compare page starts it, on one core: from the button to the last file of a run, all in one process and each in
its own. The last line printed is JSON.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.cases import digits_case
from benchmarks.report import machine, pairwise, processor_seconds, spread, table
from dashboard.runs.runner import LocalRunner
from vae_core.config import RunConfig
from vae_core.model import VAE
from vae_core.training.loop import Training
from vae_core.training.stacked import Stack, StackedTraining

COUNTS = (4, 8, 10, 12, 16)
STEPS, ROUNDS = 24, 40
"""Updates of a model in each round."""
RUNS, EPOCHS = 12, 60
WARM_UP_S = 8.0
OWNER = "0" * 32


def measure(count: int, *, seeds: bool, quick: bool) -> dict[str, Any]:
    """Microseconds of an update of one model, alone and together with others, and their ratio by rounds."""
    alone = _begun(Training, 0, beta=1.0).steps()
    trainings = [
        _begun(StackedTraining, number if seeds else 0, beta=0.25 * (number + 1)) for number in range(count)
    ]
    stack, steps = Stack(trainings), [one.steps() for one in trainings]

    def together() -> None:
        stack.go_ahead()
        for one in steps:
            next(one)

    took: dict[str, list[float]] = {"alone": [], "together": []}
    for _ in range(2 if quick else ROUNDS):
        took["alone"].append(processor_seconds(lambda: next(alone), 2 if quick else STEPS))
        took["together"].append(processor_seconds(together, 2 if quick else STEPS) / count)
    return {
        "models": count,
        "microseconds": {name: 1e6 * spread(values).median for name, values in took.items()},
        "ratio": spread(pairwise(took["alone"], took["together"]))._asdict(),
    }


def measure_runs(count: int, epochs: int, *, grouped: bool, quick: bool) -> float:
    """Seconds from the start of a sweep of real runs to the end of the last one, with a worker that waits."""
    case = digits_case()
    train = replace(case.train, num_epochs=epochs)
    configs = [
        RunConfig(model=case.model, train=replace(train, beta=0.5 * (number + 1))) for number in range(count)
    ]
    with tempfile.TemporaryDirectory() as home:
        runner = LocalRunner(Path(home), max_running=1)
        try:
            runner.workers.warm()
            time.sleep(0.0 if quick else WARM_UP_S)
            began = time.perf_counter()
            groups = runner.in_groups(configs) if grouped else [[config] for config in configs]
            ids = [one for group in groups for one in runner.submit_together(group, owner=OWNER)]
            while any((view := runner.view(one)) is not None and view.is_active for one in ids):
                time.sleep(0.02)
            return time.perf_counter() - began
        finally:
            runner.close()


def _begun(kind: type[Training], seed: int, *, beta: float) -> Any:
    case, generator = digits_case(), torch.Generator().manual_seed(seed)
    train = replace(case.train, beta=beta)
    return kind(VAE(case.model, generator=generator), _DATA, train, generator=generator)


_DATA = digits_case().dataset


def main(arguments: list[str]) -> int:
    """Measures and prints; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description="Models together.")
    parser.add_argument("--quick", action="store_true", help="tries the benchmark, says nothing")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    about, case = machine(), digits_case()
    figures = {
        name: [measure(count, seeds=seeds, quick=options.quick) for count in COUNTS]
        for name, seeds in (("beta", False), ("seeds", True))
    }
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    rows = [
        [
            f"{case.network}, batch {case.train.batch_size}",
            "models",
            "alone",
            "together",
            "ratio",
            "min",
            "max",
        ]
    ]
    for name, found in figures.items():
        for one in found:
            ratio = [f"{one['ratio'][part]:.2f}" for part in ("median", "min", "max")]
            micros = [f"{one['microseconds'][part]:.0f} us" for part in ("alone", "together")]
            rows.append([f"different {name}", str(one["models"]), *micros, *ratio])
    print(f"One update of one model, one thread, processor time:\n{table(rows)}\n")
    count, epochs = (2, 1) if options.quick else (RUNS, EPOCHS)
    runs = {
        name: measure_runs(count, epochs, grouped=grouped, quick=options.quick)
        for name, grouped in (("one_by_one", False), ("together", True))
    }
    print(
        f"{count} runs of {epochs} epochs, one core, to the last file: {runs['one_by_one']:.1f} s each in a "
        f"process of its own, {runs['together']:.1f} s in one.\n"
    )
    print(json.dumps({"machine": about, **figures, "seconds": runs}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
