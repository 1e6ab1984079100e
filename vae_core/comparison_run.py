"""Trains the networks of the comparison and asks them its questions, as a task of :mod:`vae_core.task`.

``python -m vae_core.comparison_run DATA.npz RESULT.npz J SEED``; the data are ``data_arrays`` of a data set.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import torch

from vae_core.baselines import fit_pca
from vae_core.comparison import MAX_HELD_OUT, MAX_TRAIN, examine, yardstick
from vae_core.data import Dataset
from vae_core.errors import BadInput, TrainingDiverged
from vae_core.findings import to_arrays
from vae_core.geometry import principal_angle
from vae_core.reduction import NETWORKS, NUM_UPDATES, Network, train_network
from vae_core.task import Arrays, run_task

ANSWERS: Final = 1
"""Number of the way of asking: one more whenever kept results would no longer be what is computed here."""
_EXAMINING: Final = 0.2
"""Share of the time of a network that its questions take."""


def data_arrays(dataset: Dataset) -> dict[str, np.ndarray]:
    """The part of a data set that is compared on, for the task."""
    arrays = {"x_train": dataset.x_train[:MAX_TRAIN].numpy(), "x_test": dataset.x_test[:MAX_HELD_OUT].numpy()}
    if dataset.labels_train is not None and dataset.labels_test is not None:
        arrays["labels_train"] = dataset.labels_train[:MAX_TRAIN].numpy()
        arrays["labels_test"] = dataset.labels_test[:MAX_HELD_OUT].numpy()
    if dataset.image_shape is not None:
        arrays["image_shape"] = np.array(dataset.image_shape)
    return arrays


def dataset_of(arrays: Arrays) -> Dataset:
    """What :func:`data_arrays` wrote, as a data set without names and notes."""
    labels = [
        torch.from_numpy(arrays[name]) if name in arrays else None for name in ("labels_train", "labels_test")
    ]
    shape = arrays.get("image_shape")
    return Dataset(
        name="the data",
        x_train=torch.from_numpy(arrays["x_train"]),
        x_test=torch.from_numpy(arrays["x_test"]),
        labels_train=labels[0],
        labels_test=labels[1],
        image_shape=None if shape is None else (int(shape[0]), int(shape[1])),
        class_names=(),
        notes=(),
    )


def compare(
    dataset: Dataset,
    latent_dim: int,
    *,
    seed: int,
    on_progress: Callable[[float], None],
    num_updates: int = NUM_UPDATES,
) -> dict[str, np.ndarray]:
    """The findings of each of ``NETWORKS``, and ``angle``: between the linear VAE's subspace and PCA's.

    Arguments:
        dataset: The data.
        latent_dim: J.
        seed: Of the yardstick's draws and of each training.
        on_progress: Told the share that is done.
        num_updates: Of each network.

    Raises:
        BadInput: The data cannot be reduced so, or a training left the finite numbers.
    """
    on, pca = yardstick(dataset, seed=seed), fit_pca(dataset.x_train, latent_dim)
    result: dict[str, np.ndarray] = {}
    for number, name in enumerate(NETWORKS):

        def say(share: float, number: int = number) -> None:
            on_progress((number + (1 - _EXAMINING) * share) / len(NETWORKS))

        try:
            model = train_network(
                name, dataset, latent_dim, seed=seed, on_progress=say, num_updates=num_updates
            )
        except TrainingDiverged as err:
            raise BadInput("diverged", f"the {name} diverged", "scale the data down") from err
        if name == "linear VAE":
            angle = principal_angle(model.decoder.weights[0].detach(), pca.directions)
            result["angle"] = np.array(angle)
        result |= to_arrays(name, examine(Network(model, on.x_train), on))
        on_progress((number + 1) / len(NETWORKS))
    return result


def main(arguments: list[str]) -> int:
    """Compares on the data of a file."""
    source, target, latent_dim, seed = arguments

    def work(inputs: Arrays, say: Callable[[float], None]) -> Arrays:
        torch.set_num_threads(1)
        return compare(dataset_of(inputs), int(latent_dim), seed=int(seed), on_progress=say)

    return run_task(Path(source), Path(target), work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
