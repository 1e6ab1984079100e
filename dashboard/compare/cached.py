"""Cached computations of the page Compare: dimension reductions without training, races, and surfaces."""

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard.figures.optimisers import Descent
from dashboard.runs.tasks import task_key
from dashboard.subject import dataset, pretrained
from vae_core.config import RunConfig, TrainConfig
from vae_core.labs.reduction.results import Metrics, Reference

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.data import Dataset
    from vae_core.labs.optimisers import Race
    from vae_core.labs.reduction.evaluation import EvaluationSet

Array = NDArray[np.float64]
PRETRAINED: Final = "VAE, pretrained"
SURFACE_REACH: Final = 3.0
NUM_STEPS: Final = 60
_SURFACE_POINTS: Final = 33


class Untrained(NamedTuple):
    """What is known of a data set before any network is trained.

    Where nothing else is said it is of the held-out examples.

    Arguments:
        x: Examples to be drawn, shape (shown, D).
        labels: Classes of all, shape (n,), -1 for none.
        shown_labels: Classes of those drawn.
        hidden: Which values inpainting hides, shape (D,).
        pairs: Pairs to interpolate between, shape (pairs, 2, D).
        outliers: Outliers of each kind to be drawn, shape (kinds, shown, D).
        image_shape: (height, width); None for points.
        class_names: Of the labels.
        num_train: Training examples used.
        reference: The metrics' values for the examples themselves.
        found: Results of PCA, probabilistic PCA and, where it fits, the example model.
        task: Key of the task that trains the networks on the same data.
    """

    x: Array
    labels: NDArray[np.int32]
    shown_labels: NDArray[np.int32]
    hidden: NDArray[np.bool_]
    pairs: Array
    outliers: Array
    image_shape: tuple[int, int] | None
    class_names: tuple[str, ...]
    num_train: int
    reference: Reference
    found: dict[str, Metrics]
    task: str


@st.cache_resource(max_entries=16, show_spinner="Reducing the data …")
def untrained(name: str, seed: int, folder: str | None, latent_dim: int) -> Untrained:
    """The data set, and the results of the methods in closed form.

    Raises:
        BadInput: The data cannot be reduced to ``latent_dim`` dimensions.
    """
    from vae_core.labs.reduction.evaluation import evaluation_set, reference

    data = dataset(name, seed, folder)
    on = evaluation_set(data, seed=seed)
    labels = np.full(len(on.x), -1) if on.labels is None else on.labels.numpy()
    return Untrained(
        x=on.x[on.shown].numpy(),
        labels=labels.astype(np.int32),
        shown_labels=labels[on.shown.numpy()].astype(np.int32),
        hidden=on.hidden.numpy(),
        pairs=on.x[on.pairs].numpy(),
        outliers=on.out_of_distribution[:, on.shown].numpy(),
        image_shape=data.image_shape,
        class_names=data.class_names,
        num_train=len(on.x_train),
        reference=reference(on),
        found=_closed_form(on, name, seed, latent_dim),
        task=_task_key(data, seed, latent_dim),
    )


def _closed_form(on: "EvaluationSet", name: str, seed: int, latent_dim: int) -> dict[str, Metrics]:
    from vae_core.labs.reduction.baselines import fit_pca, fit_ppca
    from vae_core.labs.reduction.evaluation import evaluate_method
    from vae_core.labs.reduction.networks import Network

    found = {
        "PCA": evaluate_method(fit_pca(on.x_train, latent_dim), on),
        "probabilistic PCA": evaluate_method(fit_ppca(on.x_train, latent_dim), on),
    }
    config = pretrained().config
    # Only with its own seed has it not been trained on the held-out examples.
    if (config.dataset, config.seed, config.model.latent_dim) == (name, seed, latent_dim):
        found[PRETRAINED] = evaluate_method(Network(pretrained().model, on.x_train), on)
    return found


def _task_key(data: "Dataset", seed: int, latent_dim: int) -> str:
    from vae_core.labs.reduction.evaluation import data_arrays

    return task_key("reduction", seed, latent_dim, *data_arrays(data).values())


def task_inputs(name: str, seed: int, folder: str | None) -> dict[str, NDArray[Any]]:
    """The arrays that the task takes."""
    from vae_core.labs.reduction.evaluation import data_arrays

    return data_arrays(dataset(name, seed, folder))


def common_planes(codes: dict[str, Array]) -> dict[str, Array]:
    """The codes of all methods, aligned to the first by Procrustes; some milliseconds, so it is not kept."""
    from vae_core.labs.reduction.evaluation import common_planes

    return common_planes(codes)


@st.cache_resource(max_entries=64, show_spinner="Training three times …")
def race(runs: tuple[RunConfig, ...], num_data: int) -> "Race":
    """Three trainings that are short enough to wait for."""
    from vae_core.labs.optimisers import race_data, run_race

    return run_race(race_data(runs[0], num_data), runs, on_progress=lambda _: None)


@st.cache_resource(max_entries=64, show_spinner=False)
def surface(index: int) -> tuple[Array, Array]:
    """Values of both axes, and the ELBO of a held-out digit under the example model at each mean of q."""
    import torch

    from vae_core.labs.optimisers import mean_elbo

    x, std = _x_and_std(index)
    axis = torch.linspace(-SURFACE_REACH, SURFACE_REACH, _SURFACE_POINTS)
    with torch.no_grad():
        found = mean_elbo(pretrained().model, x, torch.cartesian_prod(axis, axis), std)
    return axis.double().numpy(), found.reshape(_SURFACE_POINTS, _SURFACE_POINTS).numpy()


@st.cache_resource(max_entries=64, show_spinner=False)
def descents(index: int, start: tuple[float, float], racers: tuple[TrainConfig, ...]) -> list[Descent]:
    """The paths of the optimisers over that surface, with the same noise."""
    import torch

    from vae_core.labs.optimisers import mean_path

    x, std = _x_and_std(index)
    found = []
    for config in racers:
        noise = torch.Generator().manual_seed(0)
        path = mean_path(
            pretrained().model, x, std, torch.tensor(start), config, num_steps=NUM_STEPS, generator=noise
        )
        found.append(Descent(path.means.double().numpy(), path.elbo.numpy()))
    return found


def _x_and_std(index: int) -> "tuple[Tensor, Tensor]":
    """A held-out digit and the standard deviation of its q(z|x)."""
    import torch

    held_out = cache.encoded(pretrained())
    return torch.from_numpy(held_out.x[index]), torch.from_numpy(held_out.stds[index])
