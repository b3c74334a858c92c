"""Shares of hits: exact where there is one query, covered where queries differ."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from wordtrace.statistics.shares import share_interval, surely_over_half


@pytest.mark.parametrize("seeds", [2, 5, 12])
def test_one_query_has_clopper_and_pearsons_interval(seeds: int) -> None:
    for hits in range(seeds + 1):
        found = share_interval((np.arange(seeds) < hits)[None])
        known = stats.binomtest(hits, seeds).proportion_ci(0.95, "exact")
        assert found == pytest.approx((known.low, known.high))
    assert share_interval(np.ones((1, 5), bool)) == pytest.approx((0.478, 1), abs=1e-3)


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
@pytest.mark.parametrize("shape", [(3, 5), (5, 5), (10, 3), (20, 5)])
@pytest.mark.parametrize("alike", [0.0, 0.3, 0.75])
def test_shares_are_covered_however_alike_hits_of_a_query_are(
    shape: tuple[int, int], share: float, alike: float
) -> None:
    """10,000 studies; the correlation of two hits of a query is `alike`."""
    generator = np.random.default_rng(7)
    by_query = np.full((10_000, shape[0], 1), share)
    if alike:
        strength = 1 / alike - 1
        by_query = generator.beta(share * strength, (1 - share) * strength, by_query.shape)
    hits = generator.random((10_000, *shape)) < by_query
    # The interval depends on the counts by query and by seed alone, in any order.
    counts = [np.sort(hits.sum(2), 1), np.sort(hits.sum(1), 1)]
    _, first, place = np.unique(
        np.concatenate(counts, 1), axis=0, return_index=True, return_inverse=True
    )
    # Where nearly all studies differ, the first ones are enough.
    wanted = np.arange(len(first)) if len(first) < 500 else np.unique(place.ravel()[:500])
    inside = np.full(len(first), np.nan)
    for one in wanted:
        low, high = share_interval(hits[first[one]])
        inside[one] = low <= share <= high
    assert np.nanmean(inside[place.ravel()]) > 0.93


def test_many_alike_queries_narrow_it_and_alike_seeds_do_not() -> None:
    right = np.array([[True] * 5, [False] * 5, [True, False, True, False, True]])
    low, high = share_interval(right)
    assert 0 <= low < right.mean() < high <= 1
    many = share_interval(np.tile(right, (30, 1)))
    assert many[1] - many[0] < 0.6 * (high - low)
    # Each query is all or nothing: more seeds tell nothing new.
    few = np.repeat([[True], [False], [True], [False]], 3, 1)
    seeds = share_interval(np.repeat(few[:, :1], 30, 1))
    assert seeds == pytest.approx(share_interval(few), abs=0.06)


@pytest.mark.parametrize("hit", [True, False])
@pytest.mark.parametrize("shape", [(1, 5), (6, 5), (5, 30)])
def test_hits_alone_or_misses_alone_are_not_sure(shape: tuple[int, int], hit: bool) -> None:
    low, high = share_interval(np.full(shape, hit))
    assert high - low == pytest.approx(1 - 0.025 ** (1 / 5))
    assert (high == 1) if hit else (low == 0)


@pytest.mark.parametrize("seeds", [2, 4, 5, 8, 10, 20])
def test_surely_over_half_is_the_exact_binomial_bound(seeds: int) -> None:
    for hits in range(seeds + 1):
        right = np.arange(seeds) < hits
        low = stats.binomtest(hits, seeds, 0.5, "greater").proportion_ci(0.95, "exact").low
        assert surely_over_half(right) == (low > 0.5)
