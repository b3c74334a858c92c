"""The mean of one value for each seed, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wordtrace.statistics.crossed import interval
from wordtrace.statistics.resampling import FEWEST, LEVEL


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
    kind = "bootstrap" if count >= FEWEST else "t"
    return f"{100 * LEVEL:.0f} % {kind} interval over {count} seeds"


def estimate(values: Sequence[float], bound: float, seed: int = 0) -> Estimate:
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
    """
    sample = np.asarray(values, dtype=np.float64)
    low, high = interval(sample[None], -bound, bound, seed)
    return Estimate(float(sample.mean()), low, high, tuple(sample.tolist()))
