"""The interval of values that are all the same."""

from __future__ import annotations

import numpy as np

from wordtrace.statistics.resampling import LEVEL, FloatArray

# Rounding is no spread: what differs by less is the same.
_ROUNDING = 1e-9


def alike(values: FloatArray) -> bool:
    """Tell whether values are the same but for rounding."""
    return bool(np.ptp(values) <= _ROUNDING)


def interval_of_alike(value: float, count: int, least: float, most: float) -> tuple[float, float]:
    """Return the 95 % interval of a mean of which `count` draws all gave `value`.

    Draws that are alike show no spread, but they don't show that there is none. If a share p of
    all draws were different, `count` draws would still all be alike with probability
    (1 − p)^count; so p is at most 1 − 0.025^(1/count), to the same level as either end of a 95 %
    interval. That share may lie anywhere between the bounds. For hits and misses this is the
    interval of Clopper and Pearson: five hits in five give [0.48, 1].

    Parameters
    ----------
    least, most
        Bounds of any value; without them nothing can be said.
    """
    other = 1 - float(((1 - LEVEL) / 2) ** (1 / count))
    return (1 - other) * value + other * least, (1 - other) * value + other * most
