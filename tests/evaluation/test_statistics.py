"""Intervals of means over queries and seeds, against SciPy and against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from wordtrace.evaluation import statistics


def test_hand_computed_spreads() -> None:
    values = np.array([[1.0, 3.0], [5.0, 11.0]])
    found = statistics.spread(values)
    # Means by seed 3 and 7, by query 2 and 8.
    assert found["seeds"] == pytest.approx(np.sqrt(8))
    assert found["queries"] == pytest.approx(np.sqrt(18))
    assert statistics.spread(values[:1])["queries"] == 0


@pytest.mark.parametrize("count", [5, 12, 40])
def test_seeds_of_one_query_give_students_interval(count: int) -> None:
    values = np.random.default_rng(count).normal(2, 3, size=(1, count))
    found = statistics.mean(values)
    known = stats.t.interval(0.95, count - 1, values.mean(), stats.sem(values[0]))
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == (found.seeds_low, found.seeds_high)
    ratio = (found.high - found.low) / (known[1] - known[0])
    # Percentiles of a handful are a little shorter than a normal's tails.
    assert 0.8 < ratio < 1.1


def test_the_bootstrap_agrees_with_scipys_where_there_are_many() -> None:
    values = np.random.default_rng(1).exponential(size=(1, 400))
    found = statistics.mean(values)
    known = stats.bootstrap(
        (values[0],), np.mean, method="percentile", n_resamples=4000, rng=np.random.default_rng(2)
    ).confidence_interval
    assert found.low == pytest.approx(known.low, abs=0.01)
    assert found.high == pytest.approx(known.high, abs=0.01)


def test_intervals_cover_what_they_promise_with_queries_and_seeds_that_differ() -> None:
    generator = np.random.default_rng(4)
    covered = narrow = 0
    for _ in range(300):
        by_query = generator.normal(0, 1, size=(12, 1))
        by_seed = generator.normal(0, 0.4, size=(1, 6))
        values = 1.0 + by_query + by_seed + generator.normal(0, 0.5, size=(12, 6))
        found = statistics.mean(values)
        covered += found.low <= 1.0 <= found.high
        # An interval over seeds alone does not hold for other queries.
        narrow += found.seeds_low <= 1.0 <= found.seeds_high
    assert 0.92 < covered / 300 <= 1.0
    assert narrow / 300 < covered / 300


def test_the_interval_over_seeds_covers_these_queries_own_mean() -> None:
    generator = np.random.default_rng(5)
    by_query = generator.normal(0, 3, size=(8, 1))
    covered = 0
    for _ in range(300):
        values = by_query + generator.normal(0, 0.5, size=(8, 7))
        found = statistics.mean(values)
        covered += found.seeds_low <= by_query.mean() <= found.seeds_high
    assert 0.90 < covered / 300 < 0.99
