"""Evaluation results of dimension reductions: arrays alone, readable without torch."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Metrics(NamedTuple):
    """All metrics of one method, float64: pictures of a few examples, then numbers for all of them.

    Arguments:
        codes: z of all held-out examples, shape (n, J).
        reconstructed: decode(encode(x)) of the examples shown, shape (shown, D).
        inpainted: Those with the hidden values inferred, shape (shown, D).
        interpolations: Decoded points on the lines between the codes of pairs, shape (pairs, points, D).
        samples: Decoded draws, shape (20 or more, D).
        line: For J = 1, decoded codes from the smallest to the largest, shape (points, D); else empty.
        reconstruction_error: ||x - decode(encode(x))||^2, shape (n,).
        trust: Its mean is the trustworthiness, shape (n,).
        class_hit: 1 where the nearest training codes name the class, shape (n,); empty without two classes.
        midpoint_distance: From the decoded middle of a pair's codes to the nearest training example, (n,).
        sample_distance: From a sample to the nearest training example, shape (``NUM_SAMPLES``,).
        coverage_distance: From a held-out example to the nearest sample, shape (n,).
        inpainting_error: Squared error of the hidden values, shape (n,).
        log_prob: log p(x) or a lower bound, nats, shape (n,); empty without a density.
        area_by_error: ROC area and standard error for each out-of-distribution set by reconstruction
            error, shape (kinds, 2).
        area_by_density: Likewise by -log p(x); shape (0, 2) without a density.
    """

    codes: Array
    reconstructed: Array
    inpainted: Array
    interpolations: Array
    samples: Array
    line: Array
    reconstruction_error: Array
    trust: Array
    class_hit: Array
    midpoint_distance: Array
    sample_distance: Array
    coverage_distance: Array
    inpainting_error: Array
    log_prob: Array
    area_by_error: Array
    area_by_density: Array


class Reference(NamedTuple):
    """The metrics of the data themselves, to compare with; shape (n,) each.

    Arguments:
        class_hit: As in ``Metrics``, with the nearest training examples themselves.
        held_out_distance: From a held-out example to the nearest training example.
        midpoint_distance: From the mean of a pair of examples to the nearest training example.
        mean_inpainting_error: Squared error of the hidden values when they are taken as the training mean.
    """

    class_hit: Array
    held_out_distance: Array
    midpoint_distance: Array
    mean_inpainting_error: Array


def to_arrays(name: str, found: Metrics) -> dict[str, Array]:
    """The results of a method for an ``.npz`` file: ``NAME.FIELD``."""
    return {f"{name}.{field}": value for field, value in found._asdict().items()}


def from_arrays(name: str, arrays: Mapping[str, NDArray[Any]]) -> Metrics:
    """Reads what :func:`to_arrays` made."""
    return Metrics(**{field: arrays[f"{name}.{field}"] for field in Metrics._fields})
