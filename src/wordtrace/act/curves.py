"""Shares of retrainings that are right, with intervals over queries and seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_RESAMPLES = 2000


def curve(
    right: npt.NDArray[np.bool_], base: npt.NDArray[np.bool_] | None = None, seed: int = 0
) -> dict[str, Any]:
    """Return the mean share right, or its difference from `base`, with a 95 % interval.

    A percentile bootstrap that draws queries and seeds, crossed; pairs of a query and a seed stay
    together in a difference.

    Parameters
    ----------
    right, base
        bool, shape (queries, seeds).
    """
    values = right.astype(np.float64) if base is None else right.astype(np.float64) - base
    generator = np.random.default_rng(seed)
    queries, seeds = values.shape
    draws = [
        values[np.ix_(generator.integers(0, queries, queries), generator.integers(0, seeds, seeds))]
        for _ in range(_RESAMPLES)
    ]
    low, high = np.quantile([draw.mean() for draw in draws], [0.025, 0.975])
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


def enough(right: npt.NDArray[np.bool_]) -> bool:
    """Tell whether P(right) is over one half: the 95 % lower bound of Clopper and Pearson is."""
    from scipy.stats import beta

    hits = int(right.sum())
    low = float(beta.ppf(0.05, hits, len(right) - hits + 1)) if hits else 0.0
    return low > 0.5
