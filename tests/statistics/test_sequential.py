"""Intervals that may be looked at after each seed."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from wordtrace.statistics.paired import estimate, estimate_between
from wordtrace.statistics.sequential import FIRST_LOOK, nominal_p


def missed(values: np.ndarray, p: float, first: int) -> np.ndarray:
    """Whether SciPy's t test of the mean 0 rejects at any look, for each study (a column)."""
    looks = [
        stats.ttest_1samp(values[:count], 0).pvalue < p for count in range(first, len(values) + 1)
    ]
    return np.any(looks, axis=0)


@pytest.mark.parametrize(("most", "first"), [(5, 3), (12, 3), (8, 4)])
def test_all_looks_together_err_in_five_per_cent(most: int, first: int) -> None:
    """By SciPy's tests of other draws; a bound of four standard errors of this simulation."""
    studies = 40_000
    values = np.random.default_rng(7).normal(size=(most, studies))
    share = missed(values, nominal_p(most, first), first).mean()
    assert share == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / studies))
    assert missed(values, 0.05, first).mean() > 0.07


def test_one_look_is_an_ordinary_interval_and_each_further_one_costs() -> None:
    assert nominal_p(3) == nominal_p(2, 2) == pytest.approx(0.05)
    found = [nominal_p(most) for most in range(FIRST_LOOK, 13)]
    assert all(later < earlier for earlier, later in pairwise(found))


def test_a_repeated_interval_is_scipys_at_the_nominal_p() -> None:
    values = np.random.default_rng(0).normal(0.2, 0.1, 11)
    for p in (0.05, nominal_p(12)):
        expected = stats.ttest_1samp(values, 0).confidence_interval(1 - p)
        found = estimate(values.tolist(), math.inf, p=p)
        assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert estimate(values.tolist(), 0.25, p=0.01).high == 0.25


def test_an_unpaired_interval_is_scipys_of_welch() -> None:
    generator = np.random.default_rng(1)
    after, before = generator.normal(0.5, 0.3, 6), generator.normal(0.2, 0.1, 6)
    for p in (0.05, 0.01):
        test = stats.ttest_ind(after, before, equal_var=False)
        expected = test.confidence_interval(1 - p)
        found = estimate_between(after.tolist(), before.tolist(), math.inf, p)
        assert (found.low, found.high) == pytest.approx(tuple(expected))
        assert found.mean == pytest.approx(0.3, abs=0.3)
        assert found.values == pytest.approx(tuple(after - before))


def test_equal_values_are_not_sure_at_a_look_either() -> None:
    """Nor are two equal groups, whose standard error is 0; a difference of two such is not."""
    assert not estimate([0.2] * 4, 1, p=0.01).excludes_zero
    few, more = estimate([0.2] * 4, 1), estimate([0.2] * 4, 1, p=0.01)
    assert more.low < few.low
    assert not estimate_between([0.7] * 4, [0.5] * 4, 1).excludes_zero
    # Each pair differs by 0.2, but the groups spread.
    spread = estimate_between([0.2, 0.6, 1.0, 0.8], [0.0, 0.4, 0.8, 0.6], 1)
    assert not spread.excludes_zero


@pytest.mark.parametrize("spread", [1.0, 2.0])
def test_unpaired_looks_together_err_in_no_more_than_five_per_cent(spread: float) -> None:
    """One nominal p serves both, also where one group spreads twice as far as the other."""
    most, studies = 8, 20_000
    generator = np.random.default_rng(3)
    after = generator.normal(size=(most, studies))
    before = spread * generator.normal(size=(most, studies))
    wrong = np.zeros(studies, bool)
    for count in range(FIRST_LOOK, most + 1):
        test = stats.ttest_ind(after[:count], before[:count], equal_var=False)
        wrong |= test.pvalue < nominal_p(most)
    assert wrong.mean() < 0.05 + 3 * math.sqrt(0.05 * 0.95 / studies)
