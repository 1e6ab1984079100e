"""Cached computations of the page Compare: runs side by side, dimension reductions, races, and surfaces."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard import cached as cache
from dashboard.caching import cached
from dashboard.figures import objects as go
from dashboard.figures.optimisers import Descent, surface_contours
from dashboard.runs.tasks import task_key
from dashboard.subject import Subject, pretrained
from dashboard.theme import ThemeName
from vae_core.config import RunConfig, TrainConfig
from vae_core.labs.reduction.results import Metrics, Reference
from vae_core.labs.scores import MIN_SEEDS

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.data import Dataset
    from vae_core.labs.optimisers import MeanElbo, Race
    from vae_core.labs.reduction.evaluation import EvaluationSet

Array = NDArray[np.float64]
PRETRAINED: Final = "VAE, pretrained"
SURFACE_REACH: Final = 3.0
_PATH_REACH: Final = 4.0
"""From 0, of the means whose ELBO comes from one lattice: momentum carries some out of the picture."""
NUM_STEPS: Final = 60
_SURFACE_POINTS: Final = 33
MAX_PLANE: Final = 1000
"""Examples on a latent plane."""
MIN_COMMON: Final = 20
"""Held-out examples that two runs must share: of fewer no standard error is worth its name."""
GRID: Final = 11
GRID_REACH: Final = 2.5


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
        image_shape: (height, width), or (height, width, 3) in colour; None for points.
        class_names: Of the labels.
        columns: Names of the values of a point; empty where they have none.
        num_train: Training examples used.
        reference: The metrics' values for the examples themselves.
        found: Results of PCA, probabilistic PCA and, where it fits, the example model; PCA and
            probabilistic PCA have no training: as many draws of samples as the others have trainings.
        task_keys: Of the tasks that train the networks on the same data, by the seed of the training.
    """

    x: Array
    labels: NDArray[np.int32]
    shown_labels: NDArray[np.int32]
    hidden: NDArray[np.bool_]
    pairs: Array
    outliers: Array
    image_shape: tuple[int, ...] | None
    class_names: tuple[str, ...]
    columns: tuple[str, ...]
    num_train: int
    reference: Reference
    found: dict[str, tuple[Metrics, ...]]
    task_keys: dict[int, str]


def untrained(data: "Dataset", seed: int, latent_dim: int) -> Untrained:
    """The results of the methods in closed form.

    Arguments:
        data: The data set.
        seed: That it was loaded with.
        latent_dim: J.

    Raises:
        BadInput: The data cannot be reduced to ``latent_dim`` dimensions.
    """
    return _untrained(data.name, data.digest, seed, latent_dim, data)


# Name and seed decide data that come from no files; for the others there is the digest.
@cached("Reducing the data …")
def _untrained(name: str, digest: str, seed: int, latent_dim: int, _data: "Dataset") -> Untrained:
    from vae_core.labs.reduction.evaluation import evaluation_set, reference

    del digest  # part of the key only
    data = _data
    examples = evaluation_set(data, seed=seed)
    labels = np.full(len(examples.x), -1) if examples.labels is None else examples.labels.numpy()
    return Untrained(
        x=examples.x[examples.shown].numpy(),
        labels=labels.astype(np.int32),
        shown_labels=labels[examples.shown.numpy()].astype(np.int32),
        hidden=examples.hidden.numpy(),
        pairs=examples.x[examples.pairs].numpy(),
        outliers=examples.out_of_distribution[:, examples.shown].numpy(),
        image_shape=data.image_shape,
        class_names=data.class_names,
        columns=data.columns,
        num_train=len(examples.x_train),
        reference=reference(examples),
        found=_untrained_results(examples, name, seed, latent_dim),
        task_keys=_task_keys(data, seed, latent_dim),
    )


def seeds_from(seed: int) -> range:
    """Seeds of the trainings that a verdict takes."""
    return range(seed, seed + MIN_SEEDS)


def _untrained_results(
    examples: "EvaluationSet", name: str, seed: int, latent_dim: int
) -> dict[str, tuple[Metrics, ...]]:
    from vae_core.labs.reduction.baselines import fit_pca, fit_ppca
    from vae_core.labs.reduction.evaluation import evaluate_method, resampled
    from vae_core.labs.reduction.networks import Network

    found: dict[str, tuple[Metrics, ...]] = {}
    first, *others = seeds_from(seed)
    for title, method in (
        ("PCA", fit_pca(examples.x_train, latent_dim)),
        ("probabilistic PCA", fit_ppca(examples.x_train, latent_dim)),
    ):
        metrics = evaluate_method(method, examples, seed=first)
        found[title] = (metrics, *(resampled(metrics, method, examples, seed=other) for other in others))
    config = pretrained().config
    # Only with its own seed has it not been trained on the held-out examples.
    if (config.dataset, config.seed, config.model.latent_dim) == (name, seed, latent_dim):
        model = Network(pretrained().model, examples.x_train)
        found[PRETRAINED] = (evaluate_method(model, examples, seed=seed),)
    return found


def _task_keys(data: "Dataset", seed: int, latent_dim: int) -> dict[int, str]:
    from vae_core.labs.reduction.evaluation import data_arrays

    arrays = data_arrays(data).values()
    return {
        training: task_key("reduction", seed, latent_dim, training, *arrays) for training in seeds_from(seed)
    }


def task_inputs(data: "Dataset") -> dict[str, NDArray[Any]]:
    """The arrays that the task takes."""
    from vae_core.labs.reduction.evaluation import data_arrays

    return data_arrays(data)


def common_planes(codes: dict[str, Array]) -> dict[str, Array]:
    """The codes of all methods, aligned to the first by Procrustes; some milliseconds, so it is not kept."""
    from vae_core.labs.reduction.evaluation import common_planes

    return common_planes(codes)


@cached("Training three times …")
def race(runs: tuple[RunConfig, ...], num_data: int) -> "Race":
    """Three trainings that are short enough to wait for."""
    from vae_core.labs.optimisers import race_data, run_race

    return run_race(race_data(runs[0], num_data), runs, on_progress=lambda _: None)


# A quarter to one and a half MB a digit.
@cached(most=40)
def _mean_elbo(index: int) -> "MeanElbo":
    """The ELBO of a held-out digit under the example model over the mean of q."""
    from vae_core.labs.optimisers import MeanElbo

    x, std = _x_and_std(index)
    return MeanElbo(pretrained().model, x, std, reach=_PATH_REACH)


@cached()
def surface(index: int) -> tuple[Array, Array]:
    """Values of both axes, and the ELBO of a held-out digit under the example model at each mean of q."""
    import torch

    axis = torch.linspace(-SURFACE_REACH, SURFACE_REACH, _SURFACE_POINTS)
    with torch.no_grad():
        found = _mean_elbo(index)(torch.cartesian_prod(axis, axis))
    return axis.double().numpy(), found.reshape(_SURFACE_POINTS, _SURFACE_POINTS).numpy()


@cached(most=16)
def contours(index: int, theme: ThemeName) -> list[go.Scatter]:
    """Of that surface, which stays while the start and the learning rates move."""
    axis, heights = surface(index)
    return surface_contours(axis, heights, theme=theme)


@cached()
def descents(index: int, start: tuple[float, float], racers: tuple[TrainConfig, ...]) -> list[Descent]:
    """The paths of the optimisers over that surface, with the same noise."""
    import torch

    from vae_core.labs.optimisers import mean_paths

    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        found = mean_paths(
            _mean_elbo(index), torch.tensor(start), racers, num_steps=NUM_STEPS, generator=noise
        )
    return [Descent(path.means.double().numpy(), path.elbo.numpy()) for path in found]


def _x_and_std(index: int) -> "tuple[Tensor, Tensor]":
    """A held-out digit and the standard deviation of its q(z|x)."""
    import torch

    held_out = cache.encoded(pretrained())
    return torch.from_numpy(held_out.x[index]), torch.from_numpy(held_out.stds[index])


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A run on the held-out examples that all compared runs share, in their order.

    Arguments:
        rows: Where they stand among the run's own held-out examples, shape (n,).
        elbo, reconstruction, kl: Terms of the bound, shape (n,), nats, float64; of a conditional run that of
            log p(x|y), each example with its own y.
        log_class: log p(y) of each example's class, shape (n,), nats; 0 where the run takes no y, NaN where y
            is a number: nothing is known of its density.
        kl_per_dim: Mean KL of each latent dimension, shape (J,), nats; empty for a learned prior.
        num_active: How many latent dimensions are active units.
        means, stds: Of q(z|x) for the first ``MAX_PLANE``, shape (m, J).
        labels: Their classes, shape (m,), -1 for none.
        y: Of a conditional run the class or the number of each of them, shape (m,); of others empty.
    """

    rows: NDArray[np.int64]
    elbo: Array
    reconstruction: Array
    kl: Array
    log_class: Array
    kl_per_dim: Array
    num_active: int
    means: NDArray[np.float32]
    stds: NDArray[np.float32]
    labels: NDArray[np.int32]
    y: Array

    @property
    def bound_of_x(self) -> Array:
        """Of log p(x), shape (n,): log p(x) = log sum_y p(y) p(x|y) is at least log p(x|y) + log p(y)."""
        return self.elbo + self.log_class


@cached()
def share_examples(subjects: tuple[Subject, ...]) -> int:
    """How many held-out examples all of these runs share."""
    from vae_core.data.split import common_rows

    return len(common_rows([subject.data.x_test for subject in subjects])[0])


# 24 runs with 10 000 examples and J = 32 are 9 MB.
@cached("Measuring the runs …")
def side_by_side(subjects: tuple[Subject, ...]) -> tuple[Measured, ...]:
    """All runs on the examples that all of them hold out."""
    from vae_core.data.split import common_rows

    rows = common_rows([subject.data.x_test for subject in subjects])
    return tuple(_measured(subject, index.numpy()) for subject, index in zip(subjects, rows, strict=True))


def _measured(subject: Subject, rows: NDArray[np.int64]) -> Measured:
    import torch

    from vae_core.latent import active_units

    terms = cache.encoded(subject)
    elbo, reconstruction, kl = (
        part[rows].astype(np.float64) for part in (terms.elbo, terms.reconstruction, terms.kl)
    )
    means = terms.means[rows]
    return Measured(
        rows=rows,
        elbo=elbo,
        reconstruction=reconstruction,
        kl=kl,
        log_class=_log_class(subject)[rows],
        kl_per_dim=terms.kl_per_dim[rows].astype(np.float64).mean(0),
        num_active=int(active_units(torch.from_numpy(means)).sum()),
        means=means[:MAX_PLANE],
        stds=terms.stds[rows][:MAX_PLANE],
        labels=terms.labels[rows][:MAX_PLANE],
        y=_y_of(subject, rows[:MAX_PLANE]),
    )


def _y_of(subject: Subject, rows: NDArray[np.int64]) -> Array:
    """The class or the number of some held-out examples of a conditional run; empty of others."""
    if subject.known is None:
        return np.empty(0)
    return subject.values_of_y("held_out").double().numpy()[rows]


def _log_class(subject: Subject) -> Array:
    """log p(y) of the class of each held-out example, shape (n,), nats; 0 without y, NaN of a number.

    By the rule of succession, (n_y + 1) / (n + C) of the n training examples: no class is impossible.
    """
    if subject.config.condition == "none":
        return np.zeros(len(subject.data.x_test))
    if subject.config.condition == "number":
        return np.full(len(subject.data.x_test), np.nan)
    (_, of_training), (_, of_held_out) = subject.examples("training"), subject.examples("held_out")
    assert of_training is not None, "it was trained on its classes"
    assert of_held_out is not None
    counts = of_training.bincount(minlength=subject.config.model.num_conditions).double() + 1
    return (counts / counts.sum()).log()[of_held_out].numpy()


class Plane(NamedTuple):
    """A run's latent plane in the frame of the first run, and its decodings there.

    Arguments:
        points: Posterior means, shape (m, 2); for J = 1 the second is the posterior standard deviation.
        grid: E[x|z] over the plane, shape (rows, columns, D), row 0 at the top.
        residual: Root mean square of what the turn leaves, over all dimensions, in units of z.
        share: The same as a share of the first run's sum of squares.
        is_mirrored: Whether the turn is a reflection.
    """

    points: NDArray[np.float32]
    grid: NDArray[np.float32]
    residual: float
    share: float
    is_mirrored: bool


@cached("Aligning the planes …")
def planes(subjects: tuple[Subject, ...], given: tuple[float | None, ...] = ()) -> tuple[Plane, ...]:
    """The latent planes of all runs, turned onto the two most used dimensions of the first.

    Arguments:
        subjects: The runs.
        given: The y with which the grid of each conditional one is decoded; None for the others. Empty: those
            that stand for themselves.
    """
    import torch

    from vae_core.latent import choose_plane, plane_points, turned_onto
    from vae_core.memory import chunk_rows

    measured = side_by_side(subjects)
    first = measured[0]
    order = list(range(first.means.shape[1]))
    if len(first.kl_per_dim) > 2:
        shown = choose_plane(torch.from_numpy(first.kl_per_dim))
        order = [*shown, *(dim for dim in order if dim not in shown)]
    target = torch.from_numpy(first.means)[:, order]
    found = []
    for number, (subject, one) in enumerate(zip(subjects, measured, strict=True)):
        known = subject.known
        y = given[number] if given else None if known is None else known.default
        turned = turned_onto(torch.from_numpy(one.means), target)
        latent_dim = len(turned.rotation)
        # A grid of large pictures has fewer of them: it stays within one chunk of values.
        side = max(2, min(GRID, int(chunk_rows(subject.config.model.data_dim) ** 0.5)))
        axis = torch.linspace(-GRID_REACH, GRID_REACH, side)
        frame = plane_points(axis, (0, min(1, latent_dim - 1)), latent_dim)
        own = (frame.double() @ turned.rotation.T)[..., : one.means.shape[1]].float()
        flat = own.reshape(-1, own.shape[-1]).numpy()
        grid = cache.decode(subject, flat, None if y is None else np.full(len(flat), y))
        heights = turned.points[:, 1] if latent_dim > 1 else torch.from_numpy(one.stds[:, 0]).double()
        found.append(
            Plane(
                points=torch.stack([turned.points[:, 0], heights], 1).float().numpy(),
                grid=grid.reshape(*frame.shape[:2], -1),
                residual=turned.residual,
                share=turned.share,
                is_mirrored=bool(torch.linalg.det(turned.rotation) < 0),
            )
        )
    return tuple(found)
