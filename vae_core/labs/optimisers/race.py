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
from vae_core.data import load_data_of
from vae_core.data.dataset import Dataset
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
        held_out: The held-out ELBO there, by the same noise each time, shape (R, E + 1), nats per example.
        train: Mean ELBO of the epoch's mini-batches, each before its update, shape (R, E), nats per example.
        seconds: Of training, with the measuring of each epoch, shape (R, E + 1).
        diverged: The step whose objective was not finite, 0 where there was none, shape (R,).
    """

    steps: NDArray[np.int64]
    held_out: Array
    train: Array
    seconds: Array
    diverged: NDArray[np.int64]


def run_race(dataset: Dataset, runs: Sequence[RunConfig], *, on_progress: Callable[[float], None]) -> Race:
    """Trains each of ``runs`` to its last epoch, as the run itself would, without early stopping.

    The step size, the optimiser and its momentum may differ. Each starts from a generator with its seed:
    equal seeds give equal initial weights, an equal order of the examples and equal noise.

    Arguments:
        dataset: Training and held-out examples.
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
    held_out, train, seconds, diverged = zip(*lines, strict=True)
    per_epoch = _training(dataset, runs[0]).steps_per_epoch
    steps = np.arange(_num_epochs(runs[0]) + 1, dtype=np.int64) * per_epoch
    return Race(steps, np.stack(held_out), np.stack(train), np.stack(seconds), np.array(diverged, np.int64))


def patience_stop(held_out: Array, patience: int) -> int | None:
    """The epoch at which ``TrainConfig.patience`` ends a training; None: not within these epochs.

    Arguments:
        held_out: The held-out ELBO at the start and after each epoch, shape (E + 1,).
        patience: Epochs without a new best, at least 1.
    """
    best, waited = -np.inf, 0
    for epoch, value in enumerate(held_out[1:], 1):
        if np.isnan(value):
            return None
        waited = 0 if value > best else waited + 1
        best = max(best, value)
        if waited >= patience:
            return epoch
    return None


def change_stop(held_out: Array, tolerance: float) -> int | None:
    """The first epoch that changed the held-out ELBO by less than ``tolerance`` nats; None: there is none.

    Arguments:
        held_out: The held-out ELBO at the start and after each epoch, shape (E + 1,).
        tolerance: Nats per example.
    """
    small = np.flatnonzero(np.abs(np.diff(held_out)) < tolerance)
    return int(small[0]) + 1 if len(small) else None


class Outcome(NamedTuple):
    """The effect of early stopping on one training of a race; epoch 0 is the start.

    Arguments:
        best: The largest held-out ELBO, nats per example.
        best_epoch: Where it was.
        stop: The epoch at which the training would have ended; None: it went on to its last epoch.
        at_stop: The held-out ELBO there (at the end where there is no stop), nats per example.
    """

    best: float
    best_epoch: int
    stop: int | None
    at_stop: float

    @property
    def missed(self) -> float:
        """The largest held-out ELBO of the whole training minus that at the stop, nats per example."""
        return self.best - self.at_stop


def outcome(held_out: Array, stop: int | None) -> Outcome:
    """The best value of a held-out curve of shape (E + 1,), and the value at the stop."""
    best_epoch = int(np.nanargmax(held_out))
    last = int(np.flatnonzero(~np.isnan(held_out))[-1])
    at_stop = held_out[last if stop is None else stop]
    return Outcome(float(held_out[best_epoch]), best_epoch, stop, float(at_stop))


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
    """The run as it begins; its patience, longer than the training, asks for the held-out ELBO alone."""
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
) -> tuple[Array, Array, Array, int]:
    training = _training(dataset, run)
    num_steps = _num_epochs(run) * training.steps_per_epoch
    held_out, train, seconds = np.full((3, _num_epochs(run) + 1), np.nan)
    first = evaluate(training.model, dataset.x_test, generator=torch.Generator().manual_seed(0))
    held_out[0], seconds[0] = first.elbo, 0.0
    batches: list[float] = []
    began = time.perf_counter()
    try:
        for step in training.steps():
            batches.append(step.elbo)
            if step.held_out is not None:
                seconds[step.epoch] = time.perf_counter() - began
                held_out[step.epoch], train[step.epoch] = step.held_out.elbo, np.mean(batches)
                batches.clear()
            if step.step % _TELL_EVERY == 0:
                on_progress(step.step / num_steps)
    except TrainingDiverged as err:
        held_out[~np.isfinite(held_out)] = np.nan
        return held_out, train[1:], seconds, err.step
    return held_out, train[1:], seconds, 0


def race_data(run: RunConfig, num_data: int, *, digest: str = "") -> Dataset:
    """The data set of a run, with the first ``num_data`` training examples alone (0: all).

    Arguments:
        run: What is trained.
        num_data: How many examples.
        digest: That of the data that are asked for; empty: not known.

    Raises:
        BadInput: The data cannot be loaded, or have another digest.
    """
    data = load_data_of(run, digest=digest)
    if not num_data:
        return data
    labels = None if data.labels_train is None else data.labels_train[:num_data]
    return replace(data, x_train=data.x_train[:num_data], labels_train=labels)
