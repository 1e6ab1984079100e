"""Gradient estimators measured at one (mean, std): every estimator, for every M; histograms for one M."""

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from vae_core.labs.gradients.accuracy import Accuracy
    from vae_core.labs.gradients.estimators import Estimator, Expectation, Gradient, Samples
    from vae_core.labs.gradients.exact import Truth

Array = NDArray[np.float64]
Pair = tuple[float, float]
"""By mean and by std."""
SAMPLE_COUNTS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_DRAWN: Final = 2**14
"""Estimates that go into a histogram, at most."""


class Histogram(NamedTuple):
    """Of estimates: edges of shape (bins + 1,), heights of shape (bins,), the highest 1."""

    edges: Array
    heights: Array


Histograms = dict[str, tuple[Histogram, Histogram]]
"""By estimator: of its estimates by mean and by std."""


class Cost(NamedTuple):
    """Seconds for one z where thousands are computed together, of f and of f with its derivative."""

    value: float
    slope: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Derivatives by mean and by std, in this order, and how well each estimator finds them.

    Arguments:
        truth: The true derivatives.
        squared_truth: Those with z = mean + std^2 eps; None where they are not known.
        value, squared_value: The expectation, and what it is with z = mean + std^2 eps.
        standard_error: Of a truth that was sampled, else 0.
        error: Estimated error of a quadrature, else 0.
        explicit: The derivatives with the samples held constant.
        accuracy: By (M, estimator): of both derivatives.
        num_samples: Values of z drawn.
    """

    truth: Pair
    squared_truth: Pair | None
    value: float
    squared_value: float | None
    standard_error: Pair
    error: Pair
    explicit: Pair
    accuracy: "dict[tuple[int, Estimator], tuple[Accuracy, Accuracy]]"
    num_samples: int


def seconds_per_z(expectation: "Expectation", z: "Tensor") -> Cost:
    """The fastest of three measurements, each of as many of the z as have room at once."""
    import torch

    from vae_core.labs.gradients.estimators import value_and_slope

    z = z[: expectation.at_once]

    def seconds(slope: bool) -> float:
        began = perf_counter()
        if slope:
            value_and_slope(expectation, z)
        else:
            with torch.no_grad():
                expectation.f(z)
        return (perf_counter() - began) / len(z)

    return Cost(*(min(seconds(slope) for _ in range(3)) for slope in (False, True)))


def measured(samples: "Samples", truth: "Truth", squared: "Truth | None", dim: int) -> Measured:
    """All estimators in one latent dimension; ``squared`` is the truth for z = mean + std^2 eps, if known."""
    from vae_core.labs.gradients.accuracy import TOGETHER, Accuracy, accuracy_of
    from vae_core.labs.gradients.estimators import estimates_by_count

    right, error, sampling = (_pair(part, dim) for part in truth[1:])

    def measure(part: int, values: "Tensor") -> Accuracy:
        return accuracy_of(
            values, right[part], error=error[part], standard_error=sampling[part], among=TOGETHER
        )

    found = {}
    for count, each in estimates_by_count(samples, SAMPLE_COUNTS):
        for name, estimate in each.items():
            found[count, name] = measure(0, estimate.mean[:, dim]), measure(1, estimate.std[:, dim])
    return Measured(
        truth=right,
        squared_truth=None if squared is None else _pair(squared.gradient, dim),
        value=float(truth.value),
        squared_value=None if squared is None else float(squared.value),
        standard_error=sampling,
        error=error,
        explicit=_pair(samples.explicit, dim),
        accuracy=found,
        num_samples=len(samples.eps),
    )


def histograms(samples: "Samples", dim: int, count: int) -> Histograms:
    """Of the estimates with M = ``count`` in one latent dimension, by mean and by std."""
    from vae_core.labs.gradients.estimators import ESTIMATORS, estimates

    found: Histograms = {}
    for name in ESTIMATORS:
        by_mean, by_std = (part[:, dim] for part in estimates(samples, name, num_samples=count))
        found[name] = _histogram(by_mean), _histogram(by_std)
    return found


def _pair(gradient: "Gradient", dim: int) -> Pair:
    return float(gradient.mean[dim]), float(gradient.std[dim])


def _histogram(estimates: "Tensor") -> Histogram:
    """From the 0.5 % to the 99.5 % quantile; a single bin where all are equal."""
    values = estimates[:_DRAWN].double().numpy()
    low, high = np.quantile(values, [0.005, 0.995])
    if high - low <= 1e-6 * max(1.0, abs(low)):
        return Histogram(np.array([low, low]), np.ones(1))
    num_bins = int(np.clip(2 * len(values) ** (1 / 3), 8, 60))
    counts, edges = np.histogram(values, num_bins, (low, high))
    return Histogram(edges, counts / max(1, counts.max()))
