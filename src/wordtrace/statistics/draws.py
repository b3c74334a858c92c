"""Whether some rows do more than rows drawn at random may: what one draw differs by from another.

The interval of a difference speaks of some rows and of the mean of all draws. Rows that were drawn
at random themselves differ from that mean, too: where a training repeats closely, the interval is
narrow and excludes zero for nearly any rows. So an effect has to be larger than what draws differ
by among themselves, over what trainings of the same rows differ by.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from wordtrace.statistics.paired import Estimate
from wordtrace.statistics.resampling import LEVEL

#: The part of studies in which draws seem to differ by more than trainings do though they do not.
_SEEMING = 0.4


@dataclass(frozen=True)
class Draws:
    """What random draws did, beside the rows in question.

    Attributes
    ----------
    count, as_large
        How many draws there are, each trained once; and how many of them moved what is measured at
        least as far as the rows did on average, on their side of the draws' mean.
    spread
        The standard deviation of the effects of single draws, over what trainings of the same rows
        differ by; 0 where they do not seem to differ by more.
    low, high
        The interval of the difference between the rows and another single draw.
    """

    count: int
    as_large: int
    spread: float
    low: float
    high: float

    @property
    def p(self) -> float:
        """How likely a further draw is to do as much: the permutation p-value.

        It is never less than 1 / (count + 1), which is all that so many draws can tell.
        """
        return (1 + self.as_large) / (1 + self.count)

    @property
    def beyond(self) -> bool:
        """Whether the rows do more, or less, than a draw at random may."""
        return self.low > 0 or self.high < 0

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "count": self.count,
            "as_large": self.as_large,
            "p": self.p,
            "spread": self.spread,
            "low": self.low,
            "high": self.high,
            "beyond": self.beyond,
        }


def among_draws(
    rows: Sequence[float],
    draws: Sequence[float],
    difference: Estimate,
    bound: float,
    p: float = 1 - LEVEL,
) -> Draws:
    """Compare the effect of some rows with those of single draws.

    The variance of single draws' values is that of trainings and of draws together; the variance of
    the rows' own values, which are the same rows at each seed, is that of trainings alone. What the
    first is larger by is the variance of draws, `spread`². From so few seeds both are rough: three
    of five studies whose draws do not differ have a `spread` of 0. The interval of the difference
    is then widened by it, by as many standard errors as Student's interval has.

    Parameters
    ----------
    rows, draws
        One value a seed: changes where models are pairs, else the models' values. The rows are the
        same ones at each seed, and each draw is another one.
    difference
        Of the two means, with its interval.
    bound
        The largest possible distance of a difference from 0: the interval is cut there.
    p
        How often the interval of the difference may miss.
    """
    from scipy import stats

    own, drawn = np.asarray(rows, np.float64), np.asarray(draws, np.float64)
    side = np.sign(difference.mean)
    as_large = int(((drawn - own.mean()) * side >= 0).sum())
    variance = drawn.var(ddof=1) - _seeming(len(own)) * own.var(ddof=1)
    spread = math.sqrt(max(0.0, float(variance)))
    more = float(stats.t.ppf(1 - p / 2, len(own) - 1)) * spread
    low = difference.mean - math.hypot(difference.mean - difference.low, more)
    high = difference.mean + math.hypot(difference.high - difference.mean, more)
    return Draws(len(drawn), as_large, spread, max(low, -bound), min(high, bound))


@lru_cache(maxsize=64)
def _seeming(count: int) -> float:
    """Return what two variances of `count` values differ by as a factor, by chance alone."""
    from scipy import stats

    return float(stats.f.ppf(1 - _SEEMING, count - 1, count - 1))
