"""Shares of hits over queries and seeds, with their intervals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from wordtrace.statistics.crossed import standard_error
from wordtrace.statistics.resampling import LEVEL

BoolArray = npt.NDArray[np.bool_]


def share_interval(hits: BoolArray) -> tuple[float, float]:
    """Return the 95 % interval of a share of hits, for queries and seeds like these.

    The interval of Korn and Graubard (1998): that of Clopper and Pearson, not for the hits as they
    were counted but for as many independent ones as say the same, p(1 − p)/SE², where SE is that
    of the crossed design (:func:`.crossed.standard_error`): hits of one query are alike, and so may
    be those of one seed. Because SE itself is estimated, the number is lowered by the square of
    t_{n−1}/t_{degrees of freedom}. It never counts more than the n = queries × seeds there are.
    For one query it is Clopper and Pearson's own interval. Hits alone, or misses alone, show no
    spread; they count as the fewer of queries and seeds.

    (Wilson's interval is shorter, but covers its level only on average over shares.)

    Parameters
    ----------
    hits
        Shape (queries, seeds).
    """
    from scipy import stats

    queries, seeds = hits.shape
    fewest = seeds if queries == 1 else min(queries, seeds)
    values = hits.astype(np.float64)
    share = float(values.mean())
    if queries == 1 or share in (0.0, 1.0):
        count = float(fewest)
    else:
        error, freedom = standard_error(values)
        upper = (1 + LEVEL) / 2
        shrink = stats.t.ppf(upper, hits.size - 1) / stats.t.ppf(upper, freedom)
        count = min(max(share * (1 - share) / error**2 * shrink**2, 1.0), float(hits.size))
    found = share * count
    outside = (1 - LEVEL) / 2
    low = float(stats.beta.ppf(outside, found, count - found + 1)) if share > 0 else 0.0
    high = float(stats.beta.ppf(1 - outside, found + 1, count - found)) if share < 1 else 1.0
    return low, high


def surely_over_half(hits: BoolArray) -> bool:
    """Tell whether P(hit) is over one half: the 95 % lower bound of Clopper and Pearson is.

    Parameters
    ----------
    hits
        Shape (seeds,).
    """
    from scipy.stats import beta

    count = int(hits.sum())
    low = float(beta.ppf(1 - LEVEL, count, len(hits) - count + 1)) if count else 0.0
    return low > 0.5
