"""Means over queries and seeds with their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_RESAMPLES = 4000


@dataclass(frozen=True)
class Mean:
    """A mean over queries and seeds.

    Attributes
    ----------
    low, high
        95 % interval for queries and seeds like these.
    seeds_low, seeds_high
        95 % interval for these very queries: what more seeds can narrow.
    """

    mean: float
    low: float
    high: float
    seeds_low: float
    seeds_high: float

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "mean": self.mean,
            "low": self.low,
            "high": self.high,
            "seeds_low": self.seeds_low,
            "seeds_high": self.seeds_high,
        }


def mean(values: FloatArray, seed: int = 0) -> Mean:
    """Return the mean and its intervals, by bootstrap over queries and seeds, crossed.

    A resample draws one query fewer and one seed fewer than there are, each with replacement, so
    that its variance is unbiased, and takes every pair of the two. The level is raised as Student's
    t over the normal quantile at the smaller of the two counts, as in :func:`.intervals.estimate`:
    percentiles of a handful would cover too little.

    Parameters
    ----------
    values
        Shape (queries, seeds), two seeds or more.
    """
    queries, seeds = values.shape
    generator = np.random.default_rng(seed)
    by_seed = _shares(generator, seeds)
    fixed = (values.mean(0) @ by_seed.T).ravel()
    if queries == 1:
        both, fewest = fixed, seeds
    else:
        by_query = _shares(generator, queries)
        both, fewest = np.einsum("rq,qs,rs->r", by_query, values, by_seed), min(queries, seeds)
    low, high = np.quantile(both, _tails(fewest))
    seeds_low, seeds_high = np.quantile(fixed, _tails(seeds))
    return Mean(float(values.mean()), float(low), float(high), float(seeds_low), float(seeds_high))


def auc(effects: FloatArray) -> FloatArray:
    """Return the mean over k of effects (k, queries, seeds): shape (queries, seeds)."""
    result: FloatArray = effects.mean(0)
    return result


def spread(values: FloatArray) -> dict[str, float]:
    """Return standard deviations of values (queries, seeds), as Table 7 has them.

    Returns
    -------
    seeds
        Of the mean over queries, from seed to seed.
    queries
        Of the mean over seeds, from query to query; 0 for a single query.
    """
    by_query = values.mean(1)
    return {
        "seeds": float(values.mean(0).std(ddof=1)),
        "queries": float(by_query.std(ddof=1)) if len(by_query) > 1 else 0.0,
    }


def _shares(generator: np.random.Generator, count: int) -> FloatArray:
    """Draw count − 1 of `count` with replacement: the share of each, shape (resamples, count)."""
    drawn = generator.multinomial(count - 1, np.full(count, 1 / count), _RESAMPLES)
    return drawn / (count - 1)


def _tails(count: int) -> tuple[float, float]:
    from scipy import stats

    tail = float(stats.norm.cdf(stats.t.ppf(0.025, count - 1)))
    return tail, 1 - tail
