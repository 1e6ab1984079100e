"""One entry for every process of its own: the worker that trains, and the table of long computations.

    python -m vae_core worker [RUN_DIR...]
    python -m vae_core task NAME INPUTS.npz RESULT.npz ARGUMENTS...
    python -m vae_core copies FD

Each task of the table reads its arrays and arguments here and calls a plain function that knows no process.
What a task needs is imported by it alone: a worker does not wait for scikit-learn, nor t-SNE for PyTorch.
"""

import gc
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from vae_core.runs.task import GIVEN_Y, Arrays, run_task

if TYPE_CHECKING:
    from vae_core.runs.runfile import Run

Progress = Callable[[float], None]
Task = Callable[[Arrays, Progress, Sequence[str]], Arrays]


def gaps(inputs: Arrays, on_progress: Progress, arguments: Sequence[str]) -> Arrays:
    """``RUN_FILE SEED``: log p(x), the ELBO and its gaps for the examples ``x``."""
    import torch

    from vae_core.evidence import measure_gaps

    run_file, seed = arguments
    state, run = _run(run_file)
    generator = torch.Generator().manual_seed(int(seed))
    found = measure_gaps(
        run.model(), torch.from_numpy(inputs["x"]), generator=generator, on_progress=on_progress
    )
    arrays = {name: value.double().numpy() for name, value in found._asdict().items()}
    return arrays | state | {"step": np.array(run.step)}


def ladder(inputs: Arrays, on_progress: Progress, arguments: Sequence[str]) -> Arrays:
    """``RUN_FILE SEED NUM_COMPONENTS``: the bound of richer and richer q for the examples ``x``.

    With ``axis0`` (and ``axis1``), log q of the first example there.
    """
    import torch

    from vae_core.evidence.ladder import measure_ladder

    run_file, seed, num_components = arguments
    state, run = _run(run_file)
    found = measure_ladder(
        run.model(),
        torch.from_numpy(inputs["x"]),
        num_components=int(num_components),
        axes=[torch.from_numpy(inputs[name]) for name in ("axis0", "axis1") if name in inputs],
        generator=torch.Generator().manual_seed(int(seed)),
        on_progress=on_progress,
    )
    return found | state | {"step": np.array(run.step)}


def evidence(inputs: Arrays, on_progress: Progress, arguments: Sequence[str]) -> Arrays:
    """``SEED RUN_FILE...``: log p(x) and the ELBO of the examples ``x`` under each run, numbered from 0.

    Of a conditional run they are those of log p(x|y), with ``y0``, ``y1``, ... of the examples, as its
    networks take them.
    """
    import torch

    from vae_core.evidence import evidence_and_bound

    seed, *run_files = arguments
    x, arrays = torch.from_numpy(inputs["x"]), {}
    for number, run_file in enumerate(run_files):
        state, run = _run(run_file)
        generator = torch.Generator().manual_seed(int(seed))
        is_given = run.config.model.num_conditions > 0
        rows = torch.cat((x, torch.from_numpy(inputs[f"y{number}"])), 1) if is_given else x
        found = evidence_and_bound(run.model(), rows, generator=generator)
        arrays |= {f"{name}{number}": np.asarray(value) for name, value in found._asdict().items()}
        arrays[f"digest{number}"] = state["digest"]
        on_progress((number + 1) / len(run_files))
    return arrays


def bits_back(inputs: Arrays, on_progress: Progress, arguments: Sequence[str]) -> Arrays:
    """``RUN_FILE SEED PIXELS``: the images ``x`` in a file, decoded again; PIXELS: ``binary`` or ``grey``."""
    import torch

    from vae_core.labs.bits_back import compress_and_decode

    run_file, seed, pixels = arguments
    state, run = _run(run_file)
    found = compress_and_decode(
        run.model(),
        inputs["x"],
        pixels=pixels,  # type: ignore[arg-type]  # one of the two, or grey
        digest=run.digest,
        generator=torch.Generator().manual_seed(int(seed)),
        on_progress=on_progress,
    )
    return found | state | {"step": np.array(run.step)}


def tsne(inputs: Arrays, on_progress: Progress, arguments: Sequence[str]) -> Arrays:
    """``SEED``: t-SNE ``coordinates`` of the ``points``."""
    from vae_core.latent.projection import tsne_projection

    (seed,) = arguments
    return {"coordinates": tsne_projection(inputs["points"], seed=int(seed), on_progress=on_progress)}


def gradients(inputs: Arrays, on_progress: Progress, arguments: Sequence[str]) -> Arrays:
    """``RUN_FILE SEED``: moments of the gradient estimators for one example ``x`` and ``sample_counts``."""
    import torch

    from vae_core.labs.gradients.accuracy import measure_accuracy

    run_file, seed = arguments
    state, run = _run(run_file)
    found = measure_accuracy(
        run.model(),
        torch.from_numpy(inputs["x"]),
        sample_counts=[int(count) for count in inputs["sample_counts"]],
        generator=torch.Generator().manual_seed(int(seed)),
        on_progress=on_progress,
    )
    return {name: value.numpy() for name, value in found.items()} | state


def signal(inputs: Arrays, on_progress: Progress, arguments: Sequence[str]) -> Arrays:
    """``RUN_FILE SEED``: signal-to-noise of the importance-weighted gradient for the mini-batch ``x``."""
    import torch

    from vae_core.labs.gradients.importance_weighted import SIGNAL_COUNTS, gradient_signal

    run_file, seed = arguments
    state, run = _run(run_file)
    found = gradient_signal(
        run.model(),
        torch.from_numpy(inputs["x"]),
        generator=torch.Generator().manual_seed(int(seed)),
        on_progress=on_progress,
    )
    arrays = {"sample_counts": np.fromiter(SIGNAL_COUNTS, int), "ratio": found.ratio.numpy()}
    return arrays | {"error": found.error.numpy(), "step": np.array(run.step)} | state


def weighting(inputs: Arrays, on_progress: Progress, arguments: Sequence[str]) -> Arrays:
    """``NUM_EPOCHS SEED TRAINING_SEED``: digits trained on the importance-weighted bound for each K."""
    from vae_core.config import ModelConfig
    from vae_core.data import load_dataset
    from vae_core.labs.gradients.importance_weighted import compare_trainings

    del inputs
    num_epochs, seed, training_seed = arguments
    return compare_trainings(
        load_dataset("digits", seed=int(seed)),
        ModelConfig(data_dim=64, hidden_dims=(64,)),
        num_epochs=int(num_epochs),
        seed=int(training_seed),
        on_progress=on_progress,
    )


def race(inputs: Arrays, on_progress: Progress, arguments: Sequence[str]) -> Arrays:
    """Trains the ``runs`` (JSON) on the first ``num_data`` training examples (0: all), split by ``split``.

    Data with another ``data_digest`` than the one asked for are refused.
    """
    from vae_core.config import RunConfig
    from vae_core.labs.optimisers import race_data, run_race

    () = arguments
    runs = [RunConfig.from_json(str(text)) for text in inputs["runs"]]
    split = replace(runs[0], seed=int(inputs["split"]))
    data = race_data(split, int(inputs["num_data"]), digest=str(inputs["data_digest"]))
    found = run_race(data, runs, on_progress=on_progress)
    return found._asdict() | dict(inputs)


def priors(inputs: Arrays, on_progress: Progress, arguments: Sequence[str]) -> Arrays:
    """``DATASET NUM_COMPONENTS NUM_EPOCHS SEED TRAINING_SEED``: the same model trained under each prior."""
    from vae_core.data import load_dataset
    from vae_core.labs.priors.learned import train_under_each_prior

    del inputs
    name, num_components, num_epochs, seed, training_seed = arguments
    return train_under_each_prior(
        load_dataset(name, seed=int(seed)),
        num_components=int(num_components),
        num_epochs=int(num_epochs),
        seed=int(training_seed),
        on_progress=on_progress,
    )


def weights(inputs: Arrays, on_progress: Progress, arguments: Sequence[str]) -> Arrays:
    """``OVER PRIOR_STD NUM_STEPS SEED TRAINING_SEED``: a plain VAE and full Bayes on ``num_data`` digits."""
    from vae_core.data import load_dataset
    from vae_core.labs.weights.comparison import Setting, compare

    over, prior_std, num_steps, seed, training_seed = arguments
    setting = Setting(
        num_data=int(inputs["num_data"]),
        over=over,  # type: ignore[arg-type]  # checked by the model
        prior_std=float(prior_std),
        num_steps=int(num_steps),
        seed=int(training_seed),
    )
    return compare(setting, load_dataset("digits", seed=int(seed)), on_progress=on_progress)


def reduction(inputs: Arrays, on_progress: Progress, arguments: Sequence[str]) -> Arrays:
    """``LATENT_DIM SEED TRAINING_SEED``: dimension reductions by networks of the data in ``inputs``."""
    from vae_core.labs.reduction.evaluation import compare, dataset_of

    latent_dim, seed, training_seed = arguments
    return compare(
        dataset_of(inputs),
        int(latent_dim),
        seed=int(seed),
        training_seed=int(training_seed),
        on_progress=on_progress,
    )


def bring(inputs: Arrays, on_progress: Progress, arguments: Sequence[str]) -> Arrays:
    """``CHOICES``: reads the file ``content`` as a data set, within limits of memory and time."""
    from vae_core.data.brought import Choices, preview_of
    from vae_core.data.brought import bring as read
    from vae_core.data.guard import limited
    from vae_core.data.own import arrays_of

    (choices,) = arguments
    # Millions of cells, and no cycles: the collector would go through all of them again and again.
    gc.disable()
    with limited():
        found = read(inputs["content"].tobytes(), Choices.from_json(choices), on_progress=on_progress)
        return {**arrays_of(found, "a file"), **preview_of(found)}


def openml(inputs: Arrays, on_progress: Progress, arguments: Sequence[str]) -> Arrays:
    """``NAME FOLDER``: fills a folder with the IDX files of MNIST or Fashion-MNIST, from the network."""
    from vae_core.data.openml import fetch

    del inputs
    name, folder = arguments
    fetch(name, Path(folder), on_progress=on_progress)
    return {"name": np.array(name)}


TASKS: Final[Mapping[str, Task]] = {
    task.__name__: task
    for task in (
        gaps,
        ladder,
        evidence,
        bits_back,
        tsne,
        gradients,
        signal,
        weighting,
        race,
        priors,
        weights,
        reduction,
        bring,
        openml,
    )
}
"""The long computations, by name."""


def main(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit code, 2 for a command that there is not."""
    match arguments:
        case ["worker", *folders]:
            from vae_core.runs.worker import run_worker

            return run_worker([Path(folder) for folder in folders])
        case ["copies", file]:
            from vae_core.runs.fork_server import serve

            with socket.socket(fileno=int(file)) as theirs:
                return serve(theirs, main)
        case ["task", name, source, target, *rest] if name in TASKS:
            return run_task(Path(source), Path(target), lambda inputs, say: TASKS[name](inputs, say, rest))
    sys.stderr.write(f"{__doc__}\nTasks:\n\n")
    sys.stderr.writelines(f"    {name:<10}{task.__doc__}\n" for name, task in TASKS.items())
    return 2


def _run(run_file: str) -> tuple[dict[str, NDArray[Any]], "Run"]:
    """A run, and the digest of its content: a result says which state of the run it is of.

    ``run_file`` may end with ``GIVEN_Y`` and a number: the model of a conditional run given that y.
    """
    from vae_core.runs.runfile import load_run

    path, is_given, y = run_file.partition(GIVEN_Y)
    run = load_run(Path(path))
    run = run.given(float(y)) if is_given else run
    return {"digest": np.array(run.digest)}, run


if __name__ == "__main__":
    # One thread: with two, small networks are 10 to 100 times slower on a busy machine.
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    # Everything is written by then; tearing PyTorch down in good order would take two seconds more.
    os._exit(main(sys.argv[1:]))
