"""The bootstrap over queries and seeds, and how far its tails reach."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

LEVEL = 0.95
#: Resamples of few values never leave their range: below this many the bootstrap covers too little.
FEWEST = 10
_RESAMPLES = 10_000


def draws(generator: np.random.Generator, count: int, resamples: int) -> IntArray:
    """Draw `count` of `count` places with replacement, shape (resamples, count)."""
    return generator.integers(0, count, (resamples, count))


def resampled_means(values: FloatArray, seed: int = 0) -> FloatArray:
    """Return the means of 10,000 resamples of queries and seeds, crossed.

    Each resample draws seeds and queries, both with replacement, and takes every pair of the two;
    a single query, or a single seed, is always drawn.

    Parameters
    ----------
    values
        Shape (queries, seeds).
    """
    queries, seeds = values.shape
    generator = np.random.default_rng(seed)
    by_seed = shares(generator, seeds, _RESAMPLES)
    if queries == 1:
        single: FloatArray = by_seed @ values[0]
        return single
    by_query = shares(generator, queries, _RESAMPLES)
    crossed: FloatArray = np.einsum("rs,rs->r", by_query @ values, by_seed)
    return crossed


def tail(count: int) -> float:
    """Return the part of the resamples that lies outside each end of a 95 % interval.

    A percentile interval of `count` values is too short twice: its variance is (n − 1)/n of the
    unbiased one, and its tails are a normal's. So it is expanded to be about as long as Student's
    (Hesterberg 2015, section 3.2.3): α′/2 = Φ(−√(n/(n−1)) t_{n−1, α/2}).
    """
    from scipy import stats

    quantile = stats.t.ppf((1 - LEVEL) / 2, count - 1)
    return float(stats.norm.cdf(math.sqrt(count / (count - 1)) * quantile))


def ends(resampled: FloatArray, count: int) -> tuple[float, float]:
    """Return the ends of the 95 % interval from resamples of `count` values."""
    part = tail(count)
    low, high = np.quantile(resampled, [part, 1 - part])
    return float(low), float(high)


def shares(generator: np.random.Generator, count: int, resamples: int) -> FloatArray:
    """Return how large a part of each resample each place is, shape (resamples, count)."""
    if count == 1:
        return np.ones((resamples, 1))
    drawn = draws(generator, count, resamples)
    drawn += np.arange(resamples)[:, None] * count
    counts = np.bincount(drawn.ravel(), minlength=resamples * count)
    return counts.reshape(resamples, count) / count
