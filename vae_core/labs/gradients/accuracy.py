"""Accuracy of the gradient estimators: bias and variance, from some samples or from very many."""

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae_core.errors import BadInput
from vae_core.evidence.exact import MAX_EXACT_DIMS
from vae_core.labs.gradients.estimators import ESTIMATORS, Expectation, draw_samples, estimates
from vae_core.labs.gradients.exact import ExampleElbo, example_elbo, sampled_gradient
from vae_core.labs.intervals import combined_degrees, errors_wide
from vae_core.model import VAE

NUM_SAMPLES: Final = 2**20
PIECE: Final = 2**13
"""Samples at a time."""
TOGETHER: Final = 2 * len(ESTIMATORS)
"""Intervals that are read together: of every estimator, by mean and by std, all from the same noise."""


class Accuracy(NamedTuple):
    """Bias and variance of an estimator of one derivative, over its repetitions.

    Arguments:
        mean: Mean of the estimates.
        variance: Of one estimate.
        bias: ``mean`` less the true derivative.
        half_width: Of the confidence interval of the bias, errors of the truth included.
        repetitions: How many estimates the mean is of.
    """

    mean: float
    variance: float
    bias: float
    half_width: float
    repetitions: int


def accuracy_of(
    found: Tensor, truth: float, *, error: float = 0.0, standard_error: float = 0.0, among: int = 1
) -> Accuracy:
    """Mean, variance and bias of repetitions of an estimate.

    Arguments:
        found: The repetitions, shape (R,), at least two.
        truth: What they estimate.
        error: What the truth may be off by, at most.
        standard_error: Of a truth that was sampled.
        among: How many such intervals are to hold together, with 95 %; ``TOGETHER`` where all estimators are
            read beside each other.
    """
    found = found.double()
    moments = float(found.mean()), float(found.var()), len(found)
    return accuracy_from_moments(
        *moments, truth=truth, error=error, standard_error=standard_error, among=among
    )


def accuracy_from_moments(
    mean: float,
    variance: float,
    count: int,
    *,
    truth: float,
    error: float,
    standard_error: float,
    among: int = 1,
) -> Accuracy:
    """The same from the mean and the variance of ``count`` repetitions.

    The standard error of the mean has count - 1 degrees of freedom: of a few repetitions with large M,
    a normal interval would be too narrow.
    """
    degrees = combined_degrees((variance / count, count - 1), (standard_error**2, math.inf))
    wide = errors_wide(degrees, among=among)
    half_width = wide * math.hypot(math.sqrt(variance / count), standard_error) + error
    return Accuracy(mean, variance, mean - truth, half_width, count)


class Moments(NamedTuple):
    """Of the estimates of each estimator for each M, by mean and by std.

    Arguments:
        size: Number of estimates, shape (len(M), estimators, 1, 1).
        mean: Shape (len(M), estimators, 2, J), the estimators in the order of ``ESTIMATORS``.
        squares: Sum of squared deviations from the mean, of the same shape.
    """

    size: Tensor
    mean: Tensor
    squares: Tensor

    @property
    def variance(self) -> Tensor:
        """Of one estimate."""
        return self.squares / (self.size - 1)

    def merged(self, other: "Moments") -> "Moments":
        """Moments of both sets together (Chan, Golub and LeVeque 1983)."""
        size = self.size + other.size
        shift = other.mean - self.mean
        squares = self.squares + other.squares + shift.square() * (self.size * other.size / size)
        return Moments(size, self.mean + shift * (other.size / size), squares)


def moments_of_estimates(
    expectation: Expectation,
    mean: Tensor,
    std: Tensor,
    *,
    sample_counts: Sequence[int],
    num_samples: int = NUM_SAMPLES,
    generator: torch.Generator,
    on_progress: Callable[[float], None],
) -> Moments:
    """Mean and variance of each estimator's estimates, in memory that does not grow with n.

    Arguments:
        expectation: L.
        mean: Of q, shape (J,).
        std: Of q, shape (J,).
        sample_counts: M, each at most ``PIECE``.
        num_samples: n, rounded up to whole pieces.
        generator: Draws all noise.
        on_progress: Told the share that is done.

    Raises:
        BadInput: No M or one that is too large (code ``num_samples``), and see ``draw_samples``.
    """
    if not sample_counts or max(sample_counts) > PIECE:
        raise BadInput("num_samples", f"each M must be at most {PIECE}", "use a smaller M")
    pieces = -(-num_samples // PIECE)
    found = None
    for number in range(pieces):
        samples = draw_samples(expectation, mean, std, num_samples=PIECE, generator=generator)
        parts = [
            torch.stack(estimates(samples, name, num_samples=count)).double()
            for count in sample_counts
            for name in ESTIMATORS
        ]
        more = _moments(parts, len(sample_counts))
        found = more if found is None else found.merged(more)
        on_progress((number + 1) / pieces)
    assert found is not None
    return found


def _moments(parts: list[Tensor], num_counts: int) -> Moments:
    """Of estimates of shape (2, R, J), R of each part's own."""
    shape = (num_counts, len(ESTIMATORS))
    means, squares = (
        torch.stack(values).unflatten(0, shape)
        for values in (
            [part.mean(1) for part in parts],
            [part.var(1, correction=0) * part.shape[1] for part in parts],
        )
    )
    sizes = torch.tensor([part.shape[1] for part in parts], dtype=torch.float64)
    return Moments(sizes.reshape(*shape, 1, 1), means, squares)


def measure_accuracy(
    model: VAE,
    x: Tensor,
    *,
    sample_counts: Sequence[int],
    num_samples: int = NUM_SAMPLES,
    generator: torch.Generator,
    on_progress: Callable[[float], None],
) -> dict[str, Tensor]:
    """Moments of the estimators for the ELBO of one example, and what they estimate.

    Arguments:
        model: The model.
        x: The example, shape (D,).
        sample_counts: M, each at most ``PIECE``.
        num_samples: n, rounded up to whole pieces.
        generator: Draws all noise.
        on_progress: Told the share that is done.

    Returns:
        ``count``, ``mean`` and ``variance`` as in :class:`Moments`; for J > 2, where no quadrature gives it,
        also ``truth`` and ``truth_error``, both of shape (2, J).
    """
    example = example_elbo(model, x)
    found = moments_of_estimates(
        example.expectation,
        example.mean.float(),
        example.std.float(),
        sample_counts=sample_counts,
        num_samples=num_samples,
        generator=generator,
        on_progress=on_progress,
    )
    result = {"count": found.size, "mean": found.mean, "variance": found.variance}
    return result | _truth(example, num_samples, generator)


def _truth(example: ExampleElbo, num_samples: int, generator: torch.Generator) -> dict[str, Tensor]:
    """As many samples of their own where quadrature is out of reach: both of shape (2, J)."""
    if len(example.mean) <= MAX_EXACT_DIMS:
        return {}
    truth = sampled_gradient(
        example.expectation,
        example.mean.float(),
        example.std.float(),
        num_samples=num_samples,
        generator=generator,
    )
    return {"truth": torch.stack(truth.gradient), "truth_error": torch.stack(truth.standard_error)}
