"""Scores over seeds and examples against SciPy's tests, and methods that are compared with themselves."""

from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import sem, t, ttest_1samp, ttest_rel

from vae_core.labs.intervals import LEVEL
from vae_core.labs.scores import MIN_SEEDS, Difference, Pooled, Score, difference, mean_score, pooled

Array = NDArray[np.float64]
NUM_EXAMPLES: Final = 200


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def of(values: Array) -> Pooled:
    """Of trainings and examples, shape (K, n)."""
    scores = [mean_score(row) for row in values]
    assert all(scores)
    return pooled([score for score in scores if score])


def trainings(generator: np.random.Generator, hard: Array, *, seed_std: float, count: int) -> Array:
    """K trainings of one method: examples that are hard for all, a shift for each seed, and noise."""
    shifts = generator.normal(scale=seed_std, size=(count, 1))
    return hard + shifts + generator.normal(scale=0.3, size=(count, len(hard)))


def test_the_error_of_one_training_is_scipy_s() -> None:
    values = seeded().normal(size=80)
    score = mean_score(values)
    assert score is not None
    assert score.standard_error == pytest.approx(float(sem(values)), rel=1e-12)
    assert of(values[None]).standard_error == pytest.approx(score.standard_error, rel=1e-12)
    assert mean_score(np.empty(0)) is None


def test_the_error_of_many_trainings_has_both_variances() -> None:
    """Against the spread of 4000 scores, each of new seeds and new examples: within 5 %."""
    generator, found = seeded(), []
    for _ in range(4000):
        hard = generator.normal(scale=2.0, size=NUM_EXAMPLES)
        found.append(of(trainings(generator, hard, seed_std=0.2, count=MIN_SEEDS)))
    spread = np.std([score.value for score in found])
    assert float(np.sqrt(np.mean([score.standard_error**2 for score in found]))) == pytest.approx(
        spread, rel=0.05
    )
    assert spread > 1.1 * 2.0 / NUM_EXAMPLES**0.5, "the examples alone would explain less"


def test_without_noise_of_the_examples_it_is_scipy_s_test_of_pairs() -> None:
    one, other = seeded(1).normal(size=6), seeded(2).normal(size=6) + 0.5
    gap = difference(*(pooled([Score(value, 0.0, None) for value in each]) for each in (one, other)))
    expected = ttest_rel(one, other)
    assert gap.value / gap.standard_error == pytest.approx(float(expected.statistic), rel=1e-12)
    assert gap.degrees == 5
    for among in (1, 10):
        limit = float(t.ppf(1 - LEVEL / 2 / among, 5)) * gap.standard_error
        just = [gap._replace(value=sign * limit * share) for sign in (-1, 1) for share in (0.999, 1.001)]
        assert [each.is_clear(among=among) for each in just] == [False, True, False, True]


def test_without_variance_between_seeds_it_is_scipy_s_test_of_examples() -> None:
    values = seeded().normal(size=80) + 0.2
    gap = difference(of(np.tile(values, (MIN_SEEDS, 1))), of(np.zeros((MIN_SEEDS, 80))))
    expected = ttest_1samp(values, 0.0)
    assert gap.value / gap.standard_error == pytest.approx(float(expected.statistic), rel=1e-12)
    assert gap.degrees == pytest.approx(79)


def test_what_all_examples_share_cancels() -> None:
    hard = 5 * seeded().normal(size=NUM_EXAMPLES)
    one, other = (
        of(trainings(seeded(seed), hard + shift, seed_std=0.01, count=MIN_SEEDS))
        for seed, shift in ((1, 0.0), (2, 0.1))
    )
    gap = difference(one, other)
    assert gap.is_clear()
    assert gap.standard_error < 0.1 * one.standard_error
    apart = difference(one._replace(by_example=None), other._replace(by_example=None))
    assert apart.standard_error == pytest.approx(
        np.sqrt(one.example_variance + other.example_variance), rel=0.01
    )


@pytest.mark.parametrize("seed_std", [0.0, 0.05, 0.5])
@pytest.mark.parametrize("has_values", [True, False])
def test_a_method_compared_with_itself_is_clear_in_at_most_5_percent(
    seed_std: float, has_values: bool
) -> None:
    """2000 comparisons: 130 of them are 6.5 %, 3 standard errors above 5 %.

    With the variance of the examples alone, seeds that differ by 0.5 make two of three comparisons clear.
    """
    generator, num_clear, by_examples = seeded(), 0, 0
    for _ in range(2000):
        hard = generator.normal(scale=2.0, size=NUM_EXAMPLES)
        values = [trainings(generator, hard, seed_std=seed_std, count=MIN_SEEDS) for _ in range(2)]
        one, other = map(of, values)
        if not has_values:
            one, other = (each._replace(by_example=None) for each in (one, other))
        num_clear += difference(one, other).is_clear()
        by_examples += abs(ttest_rel(values[0][0], values[1][0]).statistic) > 2
    assert num_clear <= 130
    if seed_std > 0.1:
        assert by_examples > 1200
    if has_values and seed_std > 0.1:
        assert num_clear > 40, "a test that never speaks would pass, too"


def test_none_of_several_methods_that_are_the_same_is_called_better() -> None:
    """Five methods have ten differences: of 1000 times, any is clear in at most 72 (5 % and 3 errors)."""
    generator, num_clear = seeded(), 0
    for _ in range(1000):
        hard = generator.normal(size=50)
        same = [of(trainings(generator, hard, seed_std=0.3, count=MIN_SEEDS)) for _ in range(5)]
        gaps = [difference(one, other) for k, one in enumerate(same) for other in same[:k]]
        num_clear += any(gap.is_clear(among=len(gaps)) for gap in gaps)
    assert num_clear <= 72


@pytest.mark.parametrize("count", [1, MIN_SEEDS - 1])
def test_fewer_trainings_have_no_verdict(count: int) -> None:
    hard = seeded().normal(size=NUM_EXAMPLES)
    few, many = of(np.tile(hard + 9, (count, 1))), of(np.tile(hard, (MIN_SEEDS, 1)))
    for gap in (difference(few, many), difference(many, few)):
        assert abs(gap.value) == pytest.approx(9)
        assert not gap.has_verdict
        assert not gap.is_clear()
    assert difference(many, of(np.tile(hard + 9, (MIN_SEEDS, 1)))).is_clear()


def test_no_difference_at_all_is_not_clear() -> None:
    same = of(np.ones((MIN_SEEDS, 10)))
    assert not difference(same, same).is_clear()
    assert not Difference(1.0, float("nan"), 4.0, has_verdict=True).is_clear()
