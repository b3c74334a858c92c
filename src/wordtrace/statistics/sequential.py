"""Intervals that may be looked at after each seed: repeated confidence intervals.

Who stops as soon as an interval excludes zero has many chances to be misled, one a look. The
intervals here are wide enough for that: the chance that any of them misses the true mean is 5 %,
whatever the reason to stop or to go on (Jennison and Turnbull 1989). Each is Student's interval
with a smaller error than 5 %, the "nominal p", which is one for all looks.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from wordtrace.statistics.resampling import LEVEL

#: The number of seeds at the first look; two seeds say next to nothing of their spread.
FIRST_LOOK = 3
_STUDIES = 200_000
_HALVINGS = 30


@lru_cache(maxsize=64)
def nominal_p(most: int, first: int = FIRST_LOOK) -> float:
    """Return the p of the single looks with which all of them together err in 5 % of studies.

    The t statistics of normal values depend on neither their mean nor their spread, so one
    simulation of 200,000 studies, always the same one, serves all.

    Parameters
    ----------
    most
        The number of values at the last look.
    first
        The number of values at the first one, two or more; there is a look after each value.

    Returns
    -------
    float
        Known to about 1 % of itself; 0.05 where there is but one look.
    """
    if most <= first:
        return 1 - LEVEL
    statistics = np.abs(_t_statistics(most, first))
    low, high = 0.0, 1 - LEVEL
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        critical = _critical(middle, np.arange(first, most + 1))
        missed = float((statistics > critical[:, None]).any(0).mean())
        low, high = (middle, high) if missed < 1 - LEVEL else (low, middle)
    return low


def _t_statistics(most: int, first: int) -> npt.NDArray[np.float64]:
    """Return the t statistics of simulated studies, shape (looks, studies)."""
    generator = np.random.default_rng(0)
    total, squares = np.zeros(_STUDIES), np.zeros(_STUDIES)
    found = np.empty((most - first + 1, _STUDIES))
    for count in range(1, most + 1):
        values = generator.standard_normal(_STUDIES)
        total += values
        squares += values**2
        if count >= first:
            mean = total / count
            variance = (squares - count * mean**2) / (count - 1)
            found[count - first] = mean / np.sqrt(variance / count)
    return found


def _critical(p: float, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    from scipy import stats

    found: npt.NDArray[np.float64] = stats.t.ppf(1 - p / 2, counts - 1)
    return found
