"""Several trainings from the same initial weights, with the same order of the examples and the same noise."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vae_core.config import RunConfig
from vae_core.data import load_data_of, with_conditions
from vae_core.data.byte_images import Examples, part_of
from vae_core.data.dataset import Dataset, with_validation
from vae_core.elbo import evaluate
from vae_core.errors import BadInput, TrainingDiverged
from vae_core.model import VAE
from vae_core.training.loop import Training

MAX_UPDATES: Final = 1_000_000
_TELL_EVERY: Final = 50
Array = NDArray[np.float64]


class Race(NamedTuple):
    """What R trainings did in E epochs; NaN after the end of one that diverged.

    Arguments:
        steps: Updates made at the start and at the end of each epoch, shape (E + 1,).
        validation: The ELBO of the validation part there, by the same noise each time, shape (R, E + 1), nats
            per example: by it stops and best epochs are chosen.
        held_out: The held-out ELBO there, of the same shape: only reported.
        train: Mean ELBO of the epoch's mini-batches, each before its update, shape (R, E), nats per example.
        seconds: Of training, with the measuring of each epoch's validation ELBO, shape (R, E + 1).
        diverged: The step whose objective was not finite, 0 where there was none, shape (R,).
    """

    steps: NDArray[np.int64]
    validation: Array
    held_out: Array
    train: Array
    seconds: Array
    diverged: NDArray[np.int64]


def run_race(dataset: Dataset, runs: Sequence[RunConfig], *, on_progress: Callable[[float], None]) -> Race:
    """Trains each of ``runs`` to its last epoch, as the run itself would, without early stopping.

    The step size, the optimiser and its momentum may differ. Each starts from a generator with its seed:
    equal seeds give equal initial weights, an equal order of the examples and equal noise.

    Arguments:
        dataset: Training, validation and held-out examples.
        runs: With the same number of epochs and the same batch size.
        on_progress: Told the share that is done.

    Raises:
        BadInput: The runs differ in length or have none, there are too many updates, or the data do not suit
            the model.
    """
    _check(dataset, runs)
    lines = []
    for number, run in enumerate(runs):
        _warm_up(dataset, run)
        say = partial(_say, on_progress, number, len(runs))
        lines.append(_line(dataset, run, say))
    on_progress(1.0)
    validation, held_out, train, seconds, diverged = zip(*lines, strict=True)
    per_epoch = _training(dataset, runs[0]).steps_per_epoch
    steps = np.arange(_num_epochs(runs[0]) + 1, dtype=np.int64) * per_epoch
    return Race(
        steps,
        np.stack(validation),
        np.stack(held_out),
        np.stack(train),
        np.stack(seconds),
        np.array(diverged, np.int64),
    )


def patience_stop(validation: Array, patience: int) -> int | None:
    """The epoch at which ``TrainConfig.patience`` ends a training; None: not within these epochs.

    Arguments:
        validation: The validation ELBO at the start and after each epoch, shape (E + 1,).
        patience: Epochs without a new best, at least 1.
    """
    best, waited = -np.inf, 0
    for epoch, value in enumerate(validation[1:], 1):
        if np.isnan(value):
            return None
        waited = 0 if value > best else waited + 1
        best = max(best, value)
        if waited >= patience:
            return epoch
    return None


def change_stop(validation: Array, tolerance: float) -> int | None:
    """The first epoch that changed the validation ELBO by less than ``tolerance`` nats; None: there is none.

    Arguments:
        validation: The validation ELBO at the start and after each epoch, shape (E + 1,).
        tolerance: Nats per example.
    """
    small = np.flatnonzero(np.abs(np.diff(validation)) < tolerance)
    return int(small[0]) + 1 if len(small) else None


class Outcome(NamedTuple):
    """The effect of early stopping on one training of a race: epochs by validation, numbers by held-out.

    Arguments:
        best: The held-out ELBO at the best epoch of the whole training, nats per example.
        best_epoch: The epoch with the highest validation ELBO; 0, the start, only where no other is known.
        stop: The epoch at which the training would have ended; None: it went on to its last epoch.
        kept: The held-out ELBO of the weights that the training would have kept, nats per example.
        kept_epoch: Their epoch, the best one up to the stop.
    """

    best: float
    best_epoch: int
    stop: int | None
    kept: float
    kept_epoch: int

    @property
    def missed(self) -> float:
        """What the stop cost, nats of held-out ELBO per example; below 0 where chance has it so."""
        return self.best - self.kept


def outcome(validation: Array, held_out: Array, stop: int | None) -> Outcome:
    """What a stop keeps and what it misses, from curves of shape (E + 1,)."""
    best = _best_epoch(validation)
    kept = best if stop is None else _best_epoch(validation[: stop + 1])
    return Outcome(float(held_out[best]), best, stop, float(held_out[kept]), kept)


def _best_epoch(validation: Array) -> int:
    epochs = validation[1:]
    return 1 + int(np.nanargmax(epochs)) if np.isfinite(epochs).any() else 0


def _check(dataset: Dataset, runs: Sequence[RunConfig]) -> None:
    if len({(run.train.num_epochs, run.train.batch_size) for run in runs}) != 1:
        raise BadInput("runs", "the runs of a race must have equal epochs and batch sizes", "set them equal")
    updates = sum(_num_epochs(run) * _training(dataset, run).steps_per_epoch for run in runs)
    if updates > MAX_UPDATES:
        message = f"the race needs {updates:,} updates, the limit is {MAX_UPDATES:,}"
        raise BadInput("num_epochs", message, "take fewer epochs or larger batches")


def _num_epochs(run: RunConfig) -> int:
    if run.train.num_epochs is None:
        raise BadInput("num_epochs", "a run of a race needs a number of epochs", "choose one")
    return run.train.num_epochs


def _training(dataset: Dataset, run: RunConfig) -> Training:
    """The run as it begins; its patience, longer than the training, asks for the validation ELBO alone."""
    generator = torch.Generator().manual_seed(run.seed)
    model = VAE(run.model, generator=generator)
    config = replace(run.train, patience=min(_num_epochs(run) + 1, 1_000_000))
    return Training(model, dataset, config, generator=generator)


def _warm_up(dataset: Dataset, run: RunConfig) -> None:
    """One update that is discarded: the first one of a process loads the kernels, and must not be timed."""
    next(_training(dataset, run).steps(), None)


def _say(on_progress: Callable[[float], None], number: int, count: int, share: float) -> None:
    on_progress((number + share) / count)


def _line(
    dataset: Dataset, run: RunConfig, on_progress: Callable[[float], None]
) -> tuple[Array, Array, Array, Array, int]:
    training = _training(dataset, run)
    parts = (training.dataset.x_validation, training.dataset.x_test)
    num_steps = _num_epochs(run) * training.steps_per_epoch
    validation, held_out, train, seconds = np.full((4, _num_epochs(run) + 1), np.nan)
    validation[0], held_out[0] = (_elbo(training.model, part) for part in parts if part is not None)
    seconds[0], diverged = 0.0, 0
    batches: list[float] = []
    began = time.perf_counter()
    try:
        for step in training.steps():
            batches.append(step.elbo)
            if step.validation is not None:
                now = time.perf_counter()
                seconds[step.epoch] = now - began
                validation[step.epoch], train[step.epoch] = step.validation.elbo, np.mean(batches)
                held_out[step.epoch] = _elbo(training.model, dataset.x_test)
                began += time.perf_counter() - now
                batches.clear()
            if step.step % _TELL_EVERY == 0:
                on_progress(step.step / num_steps)
    except TrainingDiverged as err:
        for curve in (validation, held_out):
            curve[~np.isfinite(curve)] = np.nan
        diverged = err.step
    return validation, held_out, train[1:], seconds, diverged


def _elbo(model: VAE, x: Examples) -> float:
    return evaluate(model, x, generator=torch.Generator().manual_seed(0)).elbo


def race_data(run: RunConfig, num_data: int, *, digest: str = "") -> Dataset:
    """The data set of a run with a validation part, and the first ``num_data`` training examples (0: all).

    Arguments:
        run: What is trained.
        num_data: How many examples.
        digest: That of the data that are asked for; empty: not known.

    Raises:
        BadInput: The data cannot be loaded, or have another digest.
    """
    data = with_conditions(load_data_of(run, digest=digest), run.condition, run.condition_on)
    if data.x_validation is None:
        data = with_validation(data, seed=run.seed)
    if not num_data:
        return data
    labels = None if data.labels_train is None else data.labels_train[:num_data]
    return replace(data, x_train=part_of(data.x_train, slice(num_data)), labels_train=labels)
