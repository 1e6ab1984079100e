"""Cached answers of the methods that need no training, and the data that all are asked about."""

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.runs.tasks import task_key
from dashboard.subject import dataset, pretrained
from vae_core.labs.reduction.results import Reference, Results

if TYPE_CHECKING:
    from vae_core.data import Dataset
    from vae_core.labs.reduction.evaluation import EvaluationSet

Array = NDArray[np.float64]
SHIPPED: Final = "VAE that ships"


class Scene(NamedTuple):
    """What is known before any network is trained.

    Arguments:
        x: Data to be drawn, shape (shown, D).
        labels: Classes of all held-out data, shape (n,), -1 for none.
        shown_labels: Of the data drawn.
        hidden: Which values completion hides, shape (D,).
        pairs: The pairs of interpolation, shape (pairs, 2, D).
        out_of_distribution: The foreign sets, the data drawn of each, shape (kinds, shown, D).
        image_shape: Of the data; None for points.
        class_names: Of the labels.
        num_train: Training data used.
        reference: What the data themselves give.
        found: Results of PCA, probabilistic PCA and, where it fits, the model that ships.
        task: Name of the task that trains the networks on these data.
    """

    x: Array
    labels: NDArray[np.int32]
    shown_labels: NDArray[np.int32]
    hidden: NDArray[np.bool_]
    pairs: Array
    out_of_distribution: Array
    image_shape: tuple[int, int] | None
    class_names: tuple[str, ...]
    num_train: int
    reference: Reference
    found: dict[str, Results]
    task: str


@st.cache_resource(max_entries=16, show_spinner="Reducing the data …")
def scene(name: str, seed: int, folder: str | None, latent_dim: int) -> Scene:
    """The data set, and what needs no training.

    Raises:
        BadInput: The data cannot be reduced to ``latent_dim`` dimensions.
    """
    from vae_core.labs.reduction.evaluation import evaluation_set, reference

    data = dataset(name, seed, folder)
    on = evaluation_set(data, seed=seed)
    labels = np.full(len(on.x), -1) if on.labels is None else on.labels.numpy()
    return Scene(
        x=on.x[on.shown].numpy(),
        labels=labels.astype(np.int32),
        shown_labels=labels[on.shown.numpy()].astype(np.int32),
        hidden=on.hidden.numpy(),
        pairs=on.x[on.pairs].numpy(),
        out_of_distribution=on.out_of_distribution[:, on.shown].numpy(),
        image_shape=data.image_shape,
        class_names=data.class_names,
        num_train=len(on.x_train),
        reference=reference(on),
        found=_untrained(on, name, seed, latent_dim),
        task=_task_name(data, seed, latent_dim),
    )


def _untrained(on: "EvaluationSet", name: str, seed: int, latent_dim: int) -> dict[str, Results]:
    from vae_core.labs.reduction.baselines import fit_pca, fit_ppca
    from vae_core.labs.reduction.evaluation import evaluate_method
    from vae_core.labs.reduction.networks import Network

    found = {
        "PCA": evaluate_method(fit_pca(on.x_train, latent_dim), on),
        "probabilistic PCA": evaluate_method(fit_ppca(on.x_train, latent_dim), on),
    }
    shipped = pretrained()
    config = shipped.config
    # Only with its own seed were these held-out data unknown to it.
    if (config.dataset, config.seed, config.model.latent_dim) == (name, seed, latent_dim):
        found[SHIPPED] = evaluate_method(Network(shipped.model, on.x_train), on)
    return found


def _task_name(data: "Dataset", seed: int, latent_dim: int) -> str:
    from vae_core.labs.reduction.evaluation import data_arrays

    return task_key("reduction", seed, latent_dim, *data_arrays(data).values())


def task_inputs(name: str, seed: int, folder: str | None) -> dict[str, NDArray[Any]]:
    """The data for the task."""
    from vae_core.labs.reduction.evaluation import data_arrays

    return data_arrays(dataset(name, seed, folder))


def common_planes(codes: dict[str, Array]) -> dict[str, Array]:
    """The codes of all methods turned onto the first one's plane; some milliseconds, so it is not kept."""
    from vae_core.labs.reduction.evaluation import common_planes

    return common_planes(codes)
