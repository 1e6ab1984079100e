"""Scores of methods over several trainings, and when the difference of two methods is clear.

A training is one draw of its seed, and another one may be as far from it as two methods are from each other
(Bouthillier et al. 2021, "Accounting for variance in machine learning benchmarks"). So a verdict takes
``MIN_SEEDS`` trainings of each method, and its error has two parts: the variance between the trainings, and
that of the choice of held-out examples.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_core.labs.intervals import combined_degrees, errors_wide

Array = NDArray[np.float64]
MIN_SEEDS: Final = 5
"""Trainings of each method below which no difference is clear."""


class Score(NamedTuple):
    """A mean over examples of one training, its standard error, and the values.

    The values are None where it is not a mean over examples.
    """

    value: float
    standard_error: float
    values: Array | None


def mean_score(values: Array) -> Score | None:
    """Mean and standard error std / sqrt(n) of one value per example; None without values."""
    if len(values) == 0:
        return None
    error = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Score(float(values.mean()), error, values)


class Pooled(NamedTuple):
    """A method's score over K trainings that differ in their seed alone.

    Arguments:
        value: Mean over the trainings.
        standard_error: sqrt(s^2 / K + example_variance) with the variance s^2 between the trainings; of a
            single training sqrt(example_variance) alone.
        by_seed: The score of each training, shape (K,).
        by_example: Mean over the trainings for each example, shape (n,); None where no mean over examples.
        example_variance: Of ``value``, by the choice of examples.
    """

    value: float
    standard_error: float
    by_seed: Array
    by_example: Array | None
    example_variance: float

    @property
    def has_verdicts(self) -> bool:
        """Whether there are enough trainings to say that it differs from another."""
        return len(self.by_seed) >= MIN_SEEDS


def pooled(scores: Sequence[Score]) -> Pooled:
    """The scores of K >= 1 trainings on the same examples as one.

    Example:
        >>> found = pooled([Score(1.0, 0.1, None), Score(3.0, 0.1, None)])
        >>> found.value, round(found.standard_error**2, 6)
        (2.0, 1.01)
    """
    by_seed = np.array([score.value for score in scores])
    values = [score.values for score in scores if score.values is not None]
    by_example = np.mean(values, axis=0) if len(values) == len(scores) else None
    if by_example is None:
        # Trainings are scored on the same examples: averaging them does not lower this part.
        example_variance = float(np.mean([score.standard_error**2 for score in scores]))
    else:
        example_variance = _variance_of_mean(by_example)
    between = _variance_of_mean(by_seed) if len(scores) > 1 else 0.0
    error = math.sqrt(between + example_variance)
    return Pooled(float(by_seed.mean()), error, by_seed, by_example, example_variance)


class Difference(NamedTuple):
    """One method's score minus another's.

    Arguments:
        value: The mean difference.
        standard_error: By the trainings and by the examples, as in :class:`Pooled`.
        degrees: Degrees of freedom of the error (Satterthwaite 1946).
        has_verdict: Whether both methods have ``MIN_SEEDS`` trainings.
    """

    value: float
    standard_error: float
    degrees: float
    has_verdict: bool

    def is_clear(self, *, among: int = 1) -> bool:
        """Whether it is too large for two methods that are the same: a t test of 5 %.

        Arguments:
            among: How many differences are looked at together, so that all of them are without a false one
                as often as one alone would be (Bonferroni).
        """
        if not self.has_verdict:
            return False
        return abs(self.value) > errors_wide(self.degrees, among=among) * self.standard_error


def difference(one: Pooled, other: Pooled) -> Difference:
    """The difference of two methods, training by training and example by example.

    Trainings with the same seed are pairs, and so are the values of the same example: what they share
    cancels. Where one method has more trainings, the first ones count. Scores that are no means over
    examples, such as ROC areas, count as of independent examples, which calls too few differences clear.
    """
    count = min(len(one.by_seed), len(other.by_seed))
    by_seed = one.by_seed[:count] - other.by_seed[:count]
    if one.by_example is None or other.by_example is None:
        of_examples, num_examples = one.example_variance + other.example_variance, math.inf
    else:
        gaps = one.by_example - other.by_example
        of_examples, num_examples = _variance_of_mean(gaps), len(gaps)
    between = _variance_of_mean(by_seed) if count > 1 else 0.0
    degrees = combined_degrees((between, max(1, count - 1)), (of_examples, max(1, num_examples - 1)))
    has_verdict = one.has_verdicts and other.has_verdicts
    return Difference(float(by_seed.mean()), math.sqrt(between + of_examples), degrees, has_verdict)


def _variance_of_mean(values: Array) -> float:
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else math.nan
