"""Means over queries and seeds with their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wordtrace.statistics.alike import alike, interval_of_alike
from wordtrace.statistics.resampling import FEWEST, LEVEL, FloatArray, ends, resampled_means


@dataclass(frozen=True)
class Mean:
    """A mean over queries and seeds.

    Attributes
    ----------
    low, high
        95 % interval for queries and seeds like these.
    seeds_low, seeds_high
        95 % interval for exactly these queries, which more seeds can narrow.
    """

    mean: float
    low: float
    high: float
    seeds_low: float
    seeds_high: float

    def document(self) -> dict[str, float]:
        """Return it as JSON."""
        return {
            "mean": self.mean,
            "low": self.low,
            "high": self.high,
            "seeds_low": self.seeds_low,
            "seeds_high": self.seeds_high,
        }


def mean(values: FloatArray, bound: float, seed: int = 0) -> Mean:
    """Return the mean and its intervals.

    Parameters
    ----------
    values
        Shape (queries, seeds), two seeds or more.
    bound
        The largest possible distance of a value from 0.
    """
    low, high = interval(values, -bound, bound, seed)
    fixed = interval(values.mean(0, keepdims=True), -bound, bound, seed)
    return Mean(float(values.mean()), low, high, *fixed)


def interval(values: FloatArray, least: float, most: float, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of a mean over queries and seeds like these.

    From 10 queries and 10 seeds on (or 10 seeds of a single query) it is a percentile bootstrap
    interval over both, expanded (:func:`.resampling.tail`). Below it is Student's t interval with
    the standard error of a crossed design (:func:`standard_error`). Values that are all the same
    have :func:`.alike.interval_of_alike`.

    Parameters
    ----------
    values
        Shape (queries, seeds): two seeds or more; a single query is taken as fixed.
    least, most
        Bounds of any value: the interval is cut there.
    """
    queries, seeds = values.shape
    count = seeds if queries == 1 else min(queries, seeds)
    average = float(values.mean())
    if alike(values):
        return interval_of_alike(average, count, least, most)
    if count >= FEWEST:
        low, high = ends(resampled_means(values, seed), count)
    else:
        from scipy import stats

        error, freedom = standard_error(values)
        away = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * error
        low, high = average - away, average + away
    # Rounding must not put the mean outside the interval.
    return float(min(max(low, least), average)), float(max(min(high, most), average))


def standard_error(values: FloatArray) -> tuple[float, float]:
    """Return the standard error of the mean, and its degrees of freedom.

    For a single query it is the standard error over its seeds. Else it is the root of the sum of
    two squares: the standard errors of the queries' means and of the seeds' means. This counts the
    chance of a single pair of query and seed twice, so it is never too small on average. The
    degrees of freedom are Satterthwaite's.

    Parameters
    ----------
    values
        Shape (queries, seeds), not all the same.
    """
    queries, seeds = values.shape
    by_seed = float(values.mean(0).var(ddof=1)) / seeds
    if queries == 1:
        return math.sqrt(by_seed), seeds - 1
    by_query = float(values.mean(1).var(ddof=1)) / queries
    total = by_seed + by_query
    if total == 0:  # rows and columns all have one mean, as in a checkerboard
        single = float(values.var(ddof=1)) / values.size
        return math.sqrt(single), min(queries, seeds) - 1
    parts = by_seed**2 / (seeds - 1) + by_query**2 / (queries - 1)
    return math.sqrt(total), total**2 / parts


def spread(values: FloatArray) -> dict[str, float]:
    """Return standard deviations of values (queries, seeds), as Table 7 has them.

    Returns
    -------
    seeds
        That of the mean over queries, from seed to seed.
    queries
        That of the mean over seeds, from query to query; 0 for a single query.
    """
    by_query = values.mean(1)
    return {
        "seeds": float(values.mean(0).std(ddof=1)),
        "queries": float(by_query.std(ddof=1)) if len(by_query) > 1 else 0.0,
    }
