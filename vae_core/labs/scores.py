"""Means over examples with their standard errors, and differences of two means over the same examples."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STANDARD_ERRORS: Final = 2.0
"""A difference below this many of its standard errors is not significant."""


class Score(NamedTuple):
    """A mean over examples, its standard error, and the values; None where it is not a mean over examples."""

    value: float
    standard_error: float
    values: Array | None


def mean_score(values: Array) -> Score | None:
    """Mean and standard error std / sqrt(n) of one value per example; None without values."""
    if len(values) == 0:
        return None
    error = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Score(float(values.mean()), error, values)


class Difference(NamedTuple):
    """One score minus another, and its standard error: of the pairs of values where there are such."""

    value: float
    standard_error: float

    @property
    def is_clear(self) -> bool:
        """Whether it is above ``STANDARD_ERRORS`` of its standard errors."""
        return abs(self.value) > STANDARD_ERRORS * self.standard_error


def difference(one: Score, other: Score) -> Difference:
    """Of the same examples, so the error is that of the mean difference; sqrt(a^2 + b^2) without values.

    For ROC areas of the same examples that is too wide: it calls too few differences clear, not too many.
    """
    value = one.value - other.value
    if one.values is None or other.values is None:
        return Difference(value, math.hypot(one.standard_error, other.standard_error))
    gaps = one.values - other.values
    return Difference(value, float(gaps.std(ddof=1)) / math.sqrt(len(gaps)) if len(gaps) > 1 else math.nan)
