"""Evaluation of dimension reductions: the same metrics for each, on the same held-out examples."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vae_core.data import Dataset
from vae_core.errors import BadInput, TrainingDiverged
from vae_core.labs.reduction.baselines import Reduction, fit_pca
from vae_core.labs.reduction.networks import NETWORKS, NUM_UPDATES, Network, train_network
from vae_core.labs.reduction.results import Metrics, Reference, to_arrays
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
OUT_OF_DISTRIBUTION: Final = ("each value from another example", "inverted", "uniform noise")
NUM_SHOWN: Final = 10
"""Images, pairs of examples and (doubled) samples that are kept as pictures."""
INTERPOLATION_POINTS: Final = 9
_LINE_POINTS: Final = 200


class EvaluationSet(NamedTuple):
    """What all methods are evaluated on.

    Arguments:
        x_train: Training examples, the first ``MAX_TRAIN``, shape (n_train, D), float64.
        labels_train: Their classes, or None.
        x: Held-out examples, the first ``MAX_HELD_OUT``, shape (n, D), float64.
        labels: Their classes, or None.
        pairs: Indices of two different held-out examples, one pair for each, shape (n, 2).
        hidden: Which values inpainting infers: the lower half of an image, the second half of the columns.
        out_of_distribution: One set for each of ``OUT_OF_DISTRIBUTION``, shape (kinds, n, D).
        shown: Indices of the held-out examples to be drawn: one image of each class, or all points.
    """

    x_train: Tensor
    labels_train: Tensor | None
    x: Tensor
    labels: Tensor | None
    pairs: Tensor
    hidden: Tensor
    out_of_distribution: Tensor
    shown: Tensor


def evaluation_set(dataset: Dataset, *, seed: int) -> EvaluationSet:
    """Draws pairs and out-of-distribution examples for a data set.

    Raises:
        BadInput: Fewer than 3 held-out examples, or one column only: nothing can be hidden.
    """
    x, x_train = dataset.x_test[:MAX_HELD_OUT].double(), dataset.x_train[:MAX_TRAIN].double()
    count, data_dim = x.shape
    if count < 3 or data_dim < 2:
        raise BadInput(
            "x",
            f"an evaluation needs 3 held-out examples of 2 columns, got {count} of {data_dim}",
            "choose a larger data set",
        )
    generator = torch.Generator().manual_seed(seed)
    shift = torch.randint(1, count, (count,), generator=generator)
    pairs = torch.stack([torch.arange(count), (torch.arange(count) + shift) % count], 1)
    labels = (None, None) if dataset.labels_train is None else (dataset.labels_train, dataset.labels_test)
    return EvaluationSet(
        x_train=x_train,
        labels_train=None if labels[0] is None else labels[0][:MAX_TRAIN],
        x=x,
        labels=None if labels[1] is None else labels[1][:MAX_HELD_OUT],
        pairs=pairs,
        hidden=torch.arange(data_dim) >= (data_dim + 1) // 2,
        out_of_distribution=_out_of_distribution(x, generator),
        shown=_shown(dataset, count),
    )


def _shown(dataset: Dataset, count: int) -> Tensor:
    if dataset.kind == "points":
        return torch.arange(count)
    if dataset.labels_test is None:
        return torch.arange(min(NUM_SHOWN, count))
    labels = dataset.labels_test[:count]
    return torch.stack([(labels == label).nonzero()[0, 0] for label in labels.unique()[:NUM_SHOWN]])


def _out_of_distribution(x: Tensor, generator: torch.Generator) -> Tensor:
    """The kinds of ``OUT_OF_DISTRIBUTION``; the first has the marginals of x, but not its dependences."""
    low, high = x.amin(), x.amax()
    shuffled = torch.stack([column[torch.randperm(len(x), generator=generator)] for column in x.T], 1)
    noise = low + (high - low) * torch.rand(x.shape, generator=generator, dtype=torch.float64)
    return torch.stack([shuffled, low + high - x, noise])


def evaluate_method(method: Reduction, examples: EvaluationSet, *, seed: int) -> Metrics:
    """Computes all metrics of a method.

    Arguments:
        method: Fitted to ``examples.x_train``.
        examples: The evaluation set.
        seed: Of its samples; methods with equal seeds get the same noise.
    """
    codes, train_codes = method.encode(examples.x), method.encode(examples.x_train)
    samples = method.sample(NUM_SAMPLES, generator=_noise(seed))
    reconstructed, inpainted = method.decode(codes), method.inpaint(examples.x, examples.hidden)
    log_prob = method.log_prob(examples.x, generator=_noise(seed))
    found = {
        "codes": codes,
        "reconstructed": reconstructed[examples.shown],
        "inpainted": inpainted[examples.shown],
        "interpolations": _interpolations(method, codes, examples.pairs[:NUM_SHOWN]),
        # All of them where they are points, a few where they are images.
        "samples": samples[: max(2 * NUM_SHOWN, 1000 // samples.shape[1])],
        "line": _line(method, codes),
        "reconstruction_error": (examples.x - reconstructed).square().sum(1),
        "trust": trustworthiness(examples.x, codes, num_neighbours=num_neighbours(len(examples.x))),
        "class_hit": _class_hits(codes, train_codes, examples),
        "midpoint_distance": nearest_distance(method.decode(codes[examples.pairs].mean(1)), examples.x_train),
        "sample_distance": nearest_distance(samples, examples.x_train),
        "coverage_distance": nearest_distance(examples.x, samples),
        "inpainting_error": (examples.x - inpainted).square().sum(1),
        "log_prob": codes.new_empty(0) if log_prob is None else log_prob,
        "area_by_error": _areas_by_error(method, examples),
        "area_by_density": _areas_by_density(method, examples, log_prob, seed),
    }
    return Metrics(**{name: value.numpy() for name, value in found.items()})


def resampled(found: Metrics, method: Reduction, examples: EvaluationSet, *, seed: int) -> Metrics:
    """The metrics of a method without a training, with other samples: all else that it has is exact."""
    samples = method.sample(NUM_SAMPLES, generator=_noise(seed))
    return found._replace(
        sample_distance=nearest_distance(samples, examples.x_train).numpy(),
        coverage_distance=nearest_distance(examples.x, samples).numpy(),
    )


def common_planes(codes: Mapping[str, Array]) -> dict[str, Array]:
    """The codes of several methods in one plane: each is rotated onto the first, never stretched.

    With J > 2 a method is projected on its own two principal components. Size is the same for all: the root
    mean square of the first one's coordinates is 1.

    Arguments:
        codes: Shape (n, J) for each method, J >= 2, row i of the same example.
    """
    flat = {
        name: torch.from_numpy(z if z.shape[1] == 2 else pca_projection(z.astype(np.float32)).coordinates)
        for name, z in codes.items()
    }
    target = next(iter(flat.values())).double()
    centred = target - target.mean(0)
    target = centred / centred.square().mean().sqrt().clamp(min=1e-12)
    return {name: procrustes_aligned(points.double(), target).numpy() for name, points in flat.items()}


def reference(examples: EvaluationSet) -> Reference:
    """The same metrics of the data themselves."""
    missed = (examples.x - examples.x_train.mean(0))[:, examples.hidden]
    return Reference(
        class_hit=_class_hits(examples.x, examples.x_train, examples).numpy(),
        held_out_distance=nearest_distance(examples.x, examples.x_train).numpy(),
        midpoint_distance=nearest_distance(examples.x[examples.pairs].mean(1), examples.x_train).numpy(),
        mean_inpainting_error=missed.square().sum(1).numpy(),
    )


def num_neighbours(num_data: int) -> int:
    """k of the trustworthiness: 10, or fewer where there are few examples."""
    return min(10, (num_data - 1) // 2)


def _noise(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed + 1)


def _interpolations(method: Reduction, codes: Tensor, pairs: Tensor) -> Tensor:
    share = torch.linspace(0, 1, INTERPOLATION_POINTS, dtype=torch.float64)[None, :, None]
    starts, ends = codes[pairs[:, 0], None], codes[pairs[:, 1], None]
    return method.decode((1 - share) * starts + share * ends)


def _line(method: Reduction, codes: Tensor) -> Tensor:
    if codes.shape[1] > 1:
        return codes.new_empty(0)
    low, high = float(codes.min()), float(codes.max())
    return method.decode(torch.linspace(low, high, _LINE_POINTS, dtype=torch.float64)[:, None])


def _class_hits(codes: Tensor, train_codes: Tensor, examples: EvaluationSet) -> Tensor:
    if examples.labels is None or examples.labels_train is None or len(examples.labels_train.unique()) < 2:
        return codes.new_empty(0)
    return class_hits(codes, examples.labels, train_codes, examples.labels_train)


def _areas_by_error(method: Reduction, examples: EvaluationSet) -> Tensor:
    own, *others = (
        (x - method.decode(method.encode(x))).square().sum(1)
        for x in (examples.x, *examples.out_of_distribution)
    )
    return torch.tensor([roc_area(own, other) for other in others], dtype=torch.float64)


def _areas_by_density(
    method: Reduction, examples: EvaluationSet, log_prob: Tensor | None, seed: int
) -> Tensor:
    areas = []
    if log_prob is not None:
        for other in examples.out_of_distribution:
            found = method.log_prob(other, generator=_noise(seed))
            areas += [] if found is None else [roc_area(-log_prob, -found)]
    return torch.tensor(areas, dtype=torch.float64).reshape(-1, 2)


_EVALUATION_SHARE: Final = 0.2
"""Share of the progress of a network that its evaluation takes."""


def data_arrays(dataset: Dataset) -> dict[str, np.ndarray]:
    """The part of a data set that the evaluation uses, as arrays."""
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
        image_shape=None if shape is None else tuple(int(side) for side in shape),
        class_names=(),
        notes=(),
    )


def compare(
    dataset: Dataset,
    latent_dim: int,
    *,
    seed: int,
    training_seed: int,
    on_progress: Callable[[float], None],
    num_updates: int = NUM_UPDATES,
) -> dict[str, np.ndarray]:
    """Trains and evaluates each of ``NETWORKS``, and ``angle``: between the linear VAE's subspace and PCA's.

    Arguments:
        dataset: The data.
        latent_dim: J.
        seed: Of the evaluation set's draws.
        training_seed: Of each training, and of its samples.
        on_progress: Told the share that is done.
        num_updates: Of each network.

    Raises:
        BadInput: The data cannot be reduced so, or a training diverged.
    """
    examples, pca = evaluation_set(dataset, seed=seed), fit_pca(dataset.x_train[:], latent_dim)
    result: dict[str, np.ndarray] = {}
    for number, name in enumerate(NETWORKS):

        def say(share: float, number: int = number) -> None:
            on_progress((number + (1 - _EVALUATION_SHARE) * share) / len(NETWORKS))

        try:
            model = train_network(
                name, dataset, latent_dim, seed=training_seed, on_progress=say, num_updates=num_updates
            )
        except TrainingDiverged as err:
            raise BadInput("diverged", f"the {name} diverged", "scale the data down") from err
        if name == "linear VAE":
            angle = principal_angle(model.decoder.weights[0].detach(), pca.directions)
            result["angle"] = np.array(angle)
        found = evaluate_method(Network(model, examples.x_train), examples, seed=training_seed)
        result |= to_arrays(name, found)
        on_progress((number + 1) / len(NETWORKS))
    return result
