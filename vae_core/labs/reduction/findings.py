"""What a dimension reduction answered: arrays alone, readable without torch."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Findings(NamedTuple):
    """What a method answers, float64: pictures of a few data, then numbers for all of them.

    Arguments:
        codes: z of all held-out data, shape (n, J).
        reconstructed: decode(encode(x)) of the data shown, shape (shown, D).
        completed: Those with the hidden values inferred, shape (shown, D).
        ways: Decoded points between the codes of the first pairs, shape (pairs, way points, D).
        samples: Decoded draws, shape (20 or more, D).
        line: For J = 1, decoded codes from one end of the data to the other, shape (points, D); else empty.
        reconstruction_error: ||x - decode(encode(x))||^2, shape (n,).
        trust: Its mean is the trustworthiness, shape (n,).
        class_hit: 1 where the nearest training codes name the class, shape (n,); empty without two classes.
        midpoint_distance: From the decoded middle of a pair's codes to the nearest training datum, (n,).
        sample_distance: From a sample to the nearest training datum, shape (``NUM_SAMPLES``,).
        coverage_distance: From a held-out datum to the nearest sample, shape (n,).
        completion_error: Squared error of the hidden values, shape (n,).
        log_prob: log p(x) or a lower bound, nats, shape (n,); empty without a density.
        area_by_error: ROC area and standard error of each foreign set by reconstruction error, (kinds, 2).
        area_by_density: Likewise by -log p(x); shape (0, 2) without a density.
    """

    codes: Array
    reconstructed: Array
    completed: Array
    ways: Array
    samples: Array
    line: Array
    reconstruction_error: Array
    trust: Array
    class_hit: Array
    midpoint_distance: Array
    sample_distance: Array
    coverage_distance: Array
    completion_error: Array
    log_prob: Array
    area_by_error: Array
    area_by_density: Array


class Reference(NamedTuple):
    """What the data themselves give, the yardstick's ends; shape (n,) each.

    Arguments:
        class_hit: As in ``Findings``, with the nearest training data themselves.
        held_out_distance: From a held-out datum to the nearest training datum.
        midpoint_distance: From the mean of a pair of data to the nearest training datum.
        mean_completion_error: Squared error of the hidden values when they are taken as the training mean.
    """

    class_hit: Array
    held_out_distance: Array
    midpoint_distance: Array
    mean_completion_error: Array


def to_arrays(name: str, found: Findings) -> dict[str, Array]:
    """The findings of a method for an ``.npz`` file: ``NAME.FIELD``."""
    return {f"{name}.{field}": value for field, value in found._asdict().items()}


def from_arrays(name: str, arrays: Mapping[str, NDArray[Any]]) -> Findings:
    """Reads what :func:`to_arrays` made."""
    return Findings(**{field: arrays[f"{name}.{field}"] for field in Findings._fields})
