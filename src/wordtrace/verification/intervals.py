"""Confidence intervals over paired retrainings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LEVEL = 0.95
_RESAMPLES = 10_000
# Resamples of few values never leave their range: below this many the bootstrap covers too little.
_FEWEST = 10


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval and the values it came from.

    Attributes
    ----------
    low, high
        The ends of the 95 % interval.
    values
        One for each seed.
    """

    mean: float
    low: float
    high: float
    values: tuple[float, ...]

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0

    def document(self) -> dict[str, Any]:
        """Return the estimate as JSON."""
        return {
            "mean": self.mean,
            "low": self.low,
            "high": self.high,
            "values": list(self.values),
        }


def method(count: int) -> str:
    """Name the interval that :func:`estimate` gives for `count` values."""
    kind = "bootstrap" if count >= _FEWEST else "t"
    return f"{100 * LEVEL:.0f} % {kind} interval over {count} seeds"


def estimate(values: Sequence[float], bound: float = math.inf, seed: int = 0) -> Estimate:
    """Return the mean and its 95 % interval.

    From 10 values on it is a percentile bootstrap interval whose level is raised so that it covers
    as a t-interval would (the expanded percentile interval of Hesterberg 2015, section 3.2.3:
    α′/2 = Φ(−√(n/(n−1)) t_{n−1, α/2})). Below 10 it is Student's t-interval itself: with 2 values
    it is very wide, as it should be.

    Parameters
    ----------
    values
        At least two, one for each seed; pairs must be differenced before.
    bound
        No value can be further from 0: the interval is cut there.
    """
    from scipy import stats

    sample = np.asarray(values, dtype=np.float64)
    count = len(sample)
    quantile = stats.t.ppf((1 - LEVEL) / 2, count - 1)
    if count < _FEWEST:
        mean = float(sample.mean())
        away = float(abs(quantile) * sample.std(ddof=1) / math.sqrt(count))
        low, high = max(mean - away, -bound), min(mean + away, bound)
        return Estimate(mean, low, high, tuple(sample.tolist()))
    tail = stats.norm.cdf(math.sqrt(count / (count - 1)) * quantile)
    found = stats.bootstrap(
        (sample,),
        np.mean,
        n_resamples=_RESAMPLES,
        confidence_level=1 - 2 * tail,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = found.confidence_interval
    return Estimate(float(sample.mean()), float(low), float(high), tuple(sample.tolist()))
