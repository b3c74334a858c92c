"""The interval of values that are all the same."""

from __future__ import annotations

import numpy as np

from wordtrace.statistics.resampling import LEVEL, FloatArray

#: Rounding is not spread: values that differ by less count as the same.
ROUNDING = 1e-9


def alike(values: FloatArray) -> bool:
    """Tell whether values are the same but for rounding."""
    return bool(np.ptp(values) <= ROUNDING)


def interval_of_alike(
    value: float, count: int, least: float, most: float, p: float = 1 - LEVEL
) -> tuple[float, float]:
    """Return the interval of a mean, by default of 95 %, when all of `count` draws gave `value`.

    Equal draws show no spread, but they do not prove that there is none. If a share p of all
    draws were different, `count` draws would still all be equal with probability (1 − p)^count. So
    p is at most 1 − 0.025^(1/count), at the level of either end of a 95 % interval, and the
    different draws may lie anywhere between the bounds. For hits and misses this is the interval of
    Clopper and Pearson: five hits in five give [0.48, 1].

    Parameters
    ----------
    least, most
        Bounds of any value; without them the interval has no end.
    p
        How often an interval may miss the mean.
    """
    other = 1 - float((p / 2) ** (1 / count))
    return (1 - other) * value + other * least, (1 - other) * value + other * most
