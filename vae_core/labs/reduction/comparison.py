"""The same questions to every dimension reduction, on the same held-out data."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.data import Dataset
from vae_core.errors import BadInput, TrainingDiverged
from vae_core.labs.reduction.baselines import Reduction, fit_pca
from vae_core.labs.reduction.findings import Findings, Reference, to_arrays
from vae_core.labs.reduction.networks import NETWORKS, NUM_UPDATES, Network, train_network
from vae_core.latent.metrics import (
    class_hits,
    nearest_distance,
    principal_angle,
    procrustes_aligned,
    roc_area,
    trustworthiness,
)
from vae_core.latent.projection import pca_projection

Array = NDArray[np.float64]

MAX_TRAIN: Final = 5000
MAX_HELD_OUT: Final = 500
NUM_SAMPLES: Final = 500
FOREIGN: Final = ("each value from another datum", "inverted", "uniform noise")
NUM_SHOWN: Final = 10
"""Images, pairs of data and (doubled) samples that are kept as pictures."""
WAY_POINTS: Final = 9
_LINE_POINTS: Final = 200


class Yardstick(NamedTuple):
    """What all methods are measured on.

    Arguments:
        x_train: Training data, the first ``MAX_TRAIN``, shape (n_train, D), float64.
        labels_train: Their classes, or None.
        x: Held-out data, the first ``MAX_HELD_OUT``, shape (n, D), float64.
        labels: Their classes, or None.
        pairs: Places of two different held-out data, one pair for each, shape (n, 2).
        hidden: Which values are hidden: the lower half of an image, the second half of the columns.
        foreign: Data that do not belong, one set for each of ``FOREIGN``, shape (kinds, n, D).
        shown: Places of the held-out data to be drawn: one image of each class, or all points.
        seed: Of all draws: each method gets the same noise.
    """

    x_train: Tensor
    labels_train: Tensor | None
    x: Tensor
    labels: Tensor | None
    pairs: Tensor
    hidden: Tensor
    foreign: Tensor
    shown: Tensor
    seed: int


def yardstick(dataset: Dataset, *, seed: int) -> Yardstick:
    """Draws pairs and foreign data for a data set.

    Raises:
        BadInput: Fewer than 3 held-out data, or one column only: nothing can be hidden.
    """
    x, x_train = dataset.x_test[:MAX_HELD_OUT].double(), dataset.x_train[:MAX_TRAIN].double()
    count, data_dim = x.shape
    if count < 3 or data_dim < 2:
        raise BadInput(
            "x",
            f"a comparison needs 3 held-out data of 2 columns, got {count} of {data_dim}",
            "choose more data",
        )
    generator = torch.Generator().manual_seed(seed)
    shift = torch.randint(1, count, (count,), generator=generator)
    pairs = torch.stack([torch.arange(count), (torch.arange(count) + shift) % count], 1)
    labels = (None, None) if dataset.labels_train is None else (dataset.labels_train, dataset.labels_test)
    return Yardstick(
        x_train=x_train,
        labels_train=None if labels[0] is None else labels[0][:MAX_TRAIN],
        x=x,
        labels=None if labels[1] is None else labels[1][:MAX_HELD_OUT],
        pairs=pairs,
        hidden=torch.arange(data_dim) >= (data_dim + 1) // 2,
        foreign=_foreign(x, generator),
        shown=_shown(dataset, count),
        seed=seed,
    )


def _shown(dataset: Dataset, count: int) -> Tensor:
    if dataset.kind == "points":
        return torch.arange(count)
    if dataset.labels_test is None:
        return torch.arange(min(NUM_SHOWN, count))
    labels = dataset.labels_test[:count]
    return torch.stack([(labels == label).nonzero()[0, 0] for label in labels.unique()[:NUM_SHOWN]])


def _foreign(x: Tensor, generator: torch.Generator) -> Tensor:
    """The kinds of ``FOREIGN``: the first keeps what every pixel's values are and loses what joins them."""
    low, high = x.amin(), x.amax()
    shuffled = torch.stack([column[torch.randperm(len(x), generator=generator)] for column in x.T], 1)
    noise = low + (high - low) * torch.rand(x.shape, generator=generator, dtype=torch.float64)
    return torch.stack([shuffled, low + high - x, noise])


def examine(method: Reduction, on: Yardstick) -> Findings:
    """Asks a method all questions.

    Arguments:
        method: Fitted to ``on.x_train``.
        on: The data.
    """
    codes, seen = method.encode(on.x), method.encode(on.x_train)
    samples = method.sample(NUM_SAMPLES, generator=_noise(on))
    reconstructed, completed = method.decode(codes), method.complete(on.x, on.hidden)
    log_prob = method.log_prob(on.x, generator=_noise(on))
    found = {
        "codes": codes,
        "reconstructed": reconstructed[on.shown],
        "completed": completed[on.shown],
        "ways": _ways(method, codes, on.pairs[:NUM_SHOWN]),
        # All of them where they are points, a few where they are images.
        "samples": samples[: max(2 * NUM_SHOWN, 1000 // samples.shape[1])],
        "line": _line(method, codes),
        "reconstruction_error": (on.x - reconstructed).square().sum(1),
        "trust": trustworthiness(on.x, codes, num_neighbours=num_neighbours(len(on.x))),
        "class_hit": _class_hits(codes, seen, on),
        "midpoint_distance": nearest_distance(method.decode(codes[on.pairs].mean(1)), on.x_train),
        "sample_distance": nearest_distance(samples, on.x_train),
        "coverage_distance": nearest_distance(on.x, samples),
        "completion_error": (on.x - completed).square().sum(1),
        "log_prob": codes.new_empty(0) if log_prob is None else log_prob,
        "area_by_error": _areas_by_error(method, on),
        "area_by_density": _areas_by_density(method, on, log_prob),
    }
    return Findings(**{name: value.numpy() for name, value in found.items()})


def common_planes(codes: Mapping[str, Array]) -> dict[str, Array]:
    """The codes of several methods in one plane: each is turned onto the first, never stretched.

    With J > 2 a method is seen along its own two principal components. Size is the same for all: the root
    mean square of the first one's coordinates is 1.

    Arguments:
        codes: Shape (n, J) for each method, J >= 2, row i of the same datum.
    """
    flat = {
        name: torch.from_numpy(z if z.shape[1] == 2 else pca_projection(z.astype(np.float32)).coordinates)
        for name, z in codes.items()
    }
    target = next(iter(flat.values())).double()
    centred = target - target.mean(0)
    target = centred / centred.square().mean().sqrt().clamp(min=1e-12)
    return {name: procrustes_aligned(points.double(), target).numpy() for name, points in flat.items()}


def reference(on: Yardstick) -> Reference:
    """Measures the data themselves."""
    missed = (on.x - on.x_train.mean(0))[:, on.hidden]
    return Reference(
        class_hit=_class_hits(on.x, on.x_train, on).numpy(),
        held_out_distance=nearest_distance(on.x, on.x_train).numpy(),
        midpoint_distance=nearest_distance(on.x[on.pairs].mean(1), on.x_train).numpy(),
        mean_completion_error=missed.square().sum(1).numpy(),
    )


def num_neighbours(num_data: int) -> int:
    """k of the trustworthiness: 10, or fewer where there are few data."""
    return min(10, (num_data - 1) // 2)


def _noise(on: Yardstick) -> torch.Generator:
    return torch.Generator().manual_seed(on.seed + 1)


def _ways(method: Reduction, codes: Tensor, pairs: Tensor) -> Tensor:
    share = torch.linspace(0, 1, WAY_POINTS, dtype=torch.float64)[None, :, None]
    starts, ends = codes[pairs[:, 0], None], codes[pairs[:, 1], None]
    return method.decode((1 - share) * starts + share * ends)


def _line(method: Reduction, codes: Tensor) -> Tensor:
    if codes.shape[1] > 1:
        return codes.new_empty(0)
    low, high = float(codes.min()), float(codes.max())
    return method.decode(torch.linspace(low, high, _LINE_POINTS, dtype=torch.float64)[:, None])


def _class_hits(codes: Tensor, train_codes: Tensor, on: Yardstick) -> Tensor:
    if on.labels is None or on.labels_train is None or len(on.labels_train.unique()) < 2:
        return codes.new_empty(0)
    return class_hits(codes, on.labels, train_codes, on.labels_train)


def _areas_by_error(method: Reduction, on: Yardstick) -> Tensor:
    own, *others = ((x - method.decode(method.encode(x))).square().sum(1) for x in (on.x, *on.foreign))
    return torch.tensor([roc_area(own, other) for other in others], dtype=torch.float64)


def _areas_by_density(method: Reduction, on: Yardstick, log_prob: Tensor | None) -> Tensor:
    areas = []
    if log_prob is not None:
        for other in on.foreign:
            found = method.log_prob(other, generator=_noise(on))
            areas += [] if found is None else [roc_area(-log_prob, -found)]
    return torch.tensor(areas, dtype=torch.float64).reshape(-1, 2)


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


def dataset_of(arrays: Mapping[str, np.ndarray]) -> Dataset:
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
