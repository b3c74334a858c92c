"""The mean of one value for each seed, or the difference of two such means, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wordtrace.statistics.alike import ROUNDING, alike, interval_of_alike
from wordtrace.statistics.crossed import interval
from wordtrace.statistics.resampling import FEWEST, LEVEL, FloatArray


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


def method(count: int, *, paired: bool = True) -> str:
    """Name the interval of `count` values: of :func:`estimate`, or :func:`estimate_between`."""
    kind = "bootstrap" if count >= FEWEST else "t"
    return f"{100 * LEVEL:.0f} % {kind if paired else 'Welch'} interval over {count} seeds"


def estimate(
    values: Sequence[float], bound: float, seed: int = 0, p: float | None = None
) -> Estimate:
    """Return the mean and its 95 % interval.

    From 10 values on it is a percentile bootstrap interval whose level is raised so that it covers
    as a t interval would. Below 10 it is Student's t interval itself: with 2 values it is very
    wide, as it should be. Values that are all the same have an interval too
    (:func:`.alike.interval_of_alike`).

    Parameters
    ----------
    values
        At least two, one for each seed; pairs must be differenced before.
    bound
        The largest possible distance of a value from 0: the interval is cut there.
    p
        How often the interval may miss the mean, where it is one of several looks
        (:func:`.sequential.nominal_p`): then it is Student's t interval whatever the number.
    """
    sample = np.asarray(values, dtype=np.float64)
    if p is None:
        low, high = interval(sample[None], -bound, bound, seed)
    else:
        count = len(sample)
        error = float(sample.std(ddof=1)) / math.sqrt(count)
        low, high = _ends(sample, error, count - 1, bound, p)
    return Estimate(float(sample.mean()), low, high, tuple(sample.tolist()))


def estimate_between(
    after: Sequence[float], before: Sequence[float], bound: float, p: float = 1 - LEVEL
) -> Estimate:
    """Return the difference of two means and its interval, where the values are no pairs.

    It is Welch's t interval: the two may spread differently.

    Parameters
    ----------
    after, before
        At least two each, as many in the one as in the other.
    bound
        The largest possible distance of a difference from 0: the interval is cut there.
    p
        How often the interval may miss the difference.
    """
    first, second = np.asarray(after, np.float64), np.asarray(before, np.float64)
    count = len(first)
    parts = np.array([first.var(ddof=1), second.var(ddof=1)]) / count
    error = math.sqrt(parts.sum())
    freedom = parts.sum() ** 2 / (parts**2).sum() * (count - 1) if error else count - 1
    sample = first - second
    low, high = _ends(sample, error, freedom, bound, p)
    return Estimate(float(sample.mean()), low, high, tuple(sample.tolist()))


def _ends(
    sample: FloatArray, error: float, freedom: float, bound: float, p: float
) -> tuple[float, float]:
    """Return the ends of Student's interval of a mean with a standard error."""
    from scipy import stats

    mean = float(sample.mean())
    if alike(sample) and error <= ROUNDING:
        return interval_of_alike(mean, len(sample), -bound, bound, p)
    away = float(stats.t.ppf(1 - p / 2, freedom)) * error
    # Rounding must not put the mean outside the interval.
    return min(max(mean - away, -bound), mean), max(min(mean + away, bound), mean)
