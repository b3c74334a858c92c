"""The mean of one value a seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from wordtrace.statistics.paired import estimate, method


@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_an_interval_covers_as_often_as_it_says(count: int) -> None:
    """A plain percentile bootstrap of 2, 3, 5 and 10 normal values covers 50, 70, 83 and 90 %."""
    generator = np.random.default_rng(5)
    trials = 400
    covered = 0
    for _ in range(trials):
        found = estimate(generator.normal(0.3, 1, count).tolist(), math.inf)
        covered += found.low <= 0.3 <= found.high
    assert covered / trials > 0.92


def test_an_interval_of_many_values_is_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(1).normal(size=400)
    found = estimate(values.tolist(), math.inf)
    expected = stats.bootstrap(
        (values,), np.mean, method="percentile", rng=np.random.default_rng(9)
    ).confidence_interval
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(expected.low, abs=0.01)
    assert found.high == pytest.approx(expected.high, abs=0.01)


def test_an_interval_of_a_change_stays_between_minus_one_and_one() -> None:
    found = estimate([0.999, -0.4, 0.999], 1)
    assert found.high == 1
    assert -1 <= found.low < found.mean
    assert estimate([0.999, -0.4, 0.999], math.inf).high > 1


def test_equal_changes_are_not_sure() -> None:
    found = estimate([0.2, 0.2, 0.2], 1)
    assert found.low < 0 < 0.2 < found.high
    assert not found.excludes_zero
    assert estimate([0.5] * 20, 1).excludes_zero


def test_the_method_is_named() -> None:
    assert method(9) == "95 % t interval over 9 seeds"
    assert method(10) == "95 % bootstrap interval over 10 seeds"
