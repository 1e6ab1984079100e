"""Paired differences against SciPy's tests of pairs."""

import numpy as np
import pytest
from scipy.stats import sem, ttest_ind, ttest_rel

from vae_core.labs.scores import Score, difference, mean_score


def test_errors_are_scipy_s() -> None:
    generator = np.random.Generator(np.random.PCG64(0))
    common = generator.normal(scale=5.0, size=80)
    one, other = common + generator.normal(size=80), common + 0.3 + generator.normal(size=80)
    first, second = mean_score(one), mean_score(other)
    assert first is not None
    assert second is not None
    assert first.standard_error == pytest.approx(float(sem(one)), rel=1e-12)
    found = difference(first, second)
    expected = ttest_rel(one, other).statistic
    assert found.value / found.standard_error == pytest.approx(float(expected), rel=1e-12)
    apart = difference(Score(*first[:2], None), Score(*second[:2], None))
    unpaired = ttest_ind(one, other, equal_var=False).statistic
    assert apart.value / apart.standard_error == pytest.approx(float(unpaired), rel=1e-12)
    assert found.standard_error < apart.standard_error / 3
