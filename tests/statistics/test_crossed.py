"""Intervals of means over queries and seeds, against SciPy and against what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from wordtrace.statistics import crossed
from wordtrace.statistics.resampling import draws, resampled_means, tail


def test_hand_computed_spreads() -> None:
    values = np.array([[1.0, 3.0], [5.0, 11.0]])
    found = crossed.spread(values)
    # Means by seed 3 and 7, by query 2 and 8.
    assert found["seeds"] == pytest.approx(np.sqrt(8))
    assert found["queries"] == pytest.approx(np.sqrt(18))
    assert crossed.spread(values[:1])["queries"] == 0
    error, freedom = crossed.standard_error(values)
    assert error**2 == pytest.approx(8 / 2 + 18 / 2)
    assert freedom == pytest.approx(13**2 / (4**2 + 9**2))


@pytest.mark.parametrize("count", [2, 5, 9])
def test_few_seeds_of_one_query_give_students_interval(count: int) -> None:
    values = np.random.default_rng(count).normal(2, 3, size=(1, count))
    found = crossed.mean(values, math.inf)
    known = stats.t.interval(0.95, count - 1, values.mean(), stats.sem(values[0]))
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == (found.seeds_low, found.seeds_high)
    assert (found.low, found.high) == pytest.approx(known)


@pytest.mark.parametrize("count", [10, 12, 40])
def test_the_bootstrap_is_expanded_to_students_length(count: int) -> None:
    """Without √(n/(n−1)), ten values' interval would be 5 % shorter."""
    values = stats.norm.ppf((np.arange(count) + 0.5) / count)[None]
    low, high = crossed.interval(values, -math.inf, math.inf)
    known = stats.t.interval(0.95, count - 1, 0, stats.sem(values[0]))
    assert (high - low) / (known[1] - known[0]) == pytest.approx(1, abs=0.025)
    z = stats.norm.ppf(tail(count))
    assert z / stats.t.ppf(0.025, count - 1) == pytest.approx(math.sqrt(count / (count - 1)))


def test_the_bootstrap_agrees_with_scipys_where_there_are_many() -> None:
    values = np.random.default_rng(1).exponential(size=(1, 400))
    found = crossed.mean(values, math.inf)
    known = stats.bootstrap(
        (values[0],), np.mean, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert found.low == pytest.approx(known.low, abs=0.01)
    assert found.high == pytest.approx(known.high, abs=0.01)


def test_resamples_draw_queries_and_seeds_crossed() -> None:
    """One resample of a small table, pair by pair."""
    values = np.random.default_rng(3).normal(size=(4, 3))
    generator = np.random.default_rng(8)
    seeds, queries = draws(generator, 3, 10_000), draws(generator, 4, 10_000)
    found = resampled_means(values, 8)
    for place in (0, 17, 9_999):
        by_hand = [values[query, seed] for query in queries[place] for seed in seeds[place]]
        assert found[place] == pytest.approx(np.mean(by_hand))


@pytest.mark.parametrize("shape", [(12, 6), (5, 3), (20, 2), (14, 12)])
def test_intervals_cover_what_they_promise_with_queries_and_seeds_that_differ(
    shape: tuple[int, int],
) -> None:
    queries, seeds = shape
    generator = np.random.default_rng(4)
    covered = narrow = 0
    for _ in range(300):
        by_query = generator.normal(0, 1, size=(queries, 1))
        by_seed = generator.normal(0, 0.4, size=(1, seeds))
        values = 1.0 + by_query + by_seed + generator.normal(0, 0.5, size=shape)
        found = crossed.mean(values, math.inf)
        covered += found.low <= 1.0 <= found.high
        # An interval over seeds alone does not hold for other queries.
        narrow += found.seeds_low <= 1.0 <= found.seeds_high
    assert 0.91 < covered / 300 <= 1.0
    assert narrow <= covered or seeds == 2


def test_the_interval_over_seeds_covers_these_queries_own_mean() -> None:
    generator = np.random.default_rng(5)
    by_query = generator.normal(0, 3, size=(8, 1))
    covered = 0
    for _ in range(300):
        values = by_query + generator.normal(0, 0.5, size=(8, 3))
        found = crossed.mean(values, math.inf)
        covered += found.seeds_low <= by_query.mean() <= found.seeds_high
    assert 0.92 < covered / 300 < 0.99


@pytest.mark.parametrize("shape", [(1, 5), (3, 5), (12, 16)])
@pytest.mark.parametrize("value", [0.0, 0.3])
def test_values_that_are_alike_have_an_interval(shape: tuple[int, int], value: float) -> None:
    count = shape[1] if shape[0] == 1 else min(shape)
    for noise in (0.0, 1e-13):
        values = value + noise * np.random.default_rng(0).normal(size=shape)
        low, high = crossed.interval(values, -1, 1)
        # Were this share of all draws different, `count` alike would still come in 1 of 40.
        other = (value - low) / (value + 1)
        assert (1 - other) ** count == pytest.approx(0.025)
        assert high == pytest.approx(value + other * (1 - value))


@pytest.mark.parametrize("seeds", [3, 5, 9])
def test_differences_of_hits_of_one_query_are_covered(seeds: int) -> None:
    """Exactly, over all outcomes: each seed is 1 with probability p, else 0."""
    ends = [
        crossed.interval((np.arange(seeds) < hits)[None].astype(float), -1, 1)
        for hits in range(seeds + 1)
    ]
    for share in np.linspace(0.02, 0.98, 49):
        chance = stats.binom.pmf(np.arange(seeds + 1), seeds, share)
        inside = [low <= share <= high for low, high in ends]
        assert chance @ inside > (0.93 if seeds < 9 else 0.89)


def test_a_checkerboard_has_an_interval() -> None:
    values = np.indices((4, 4)).sum(0) % 2 * 1.0
    low, high = crossed.interval(values, 0, 1)
    assert low < 0.5 < high
