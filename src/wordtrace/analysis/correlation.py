"""Rank correlation of score matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def spearman(scores: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float64]:
    """Return the rank correlation of each two matrices' rows, a mean over the rows.

    Equal scores share the mean of their ranks. Row by row, so that the ranks of one query alone
    are in memory.

    Returns
    -------
    array
        float64, shape (matrices, matrices), in [-1, 1]; NaN where each row of one is constant.
    """
    from scipy.stats import rankdata

    total = np.zeros((len(scores), len(scores)))
    count = np.zeros_like(total)
    for rows in zip(*scores, strict=True):
        ranks = rankdata(np.stack(rows), axis=1)
        ranks -= ranks.mean(axis=1, keepdims=True)
        norms = np.linalg.norm(ranks, axis=1, keepdims=True)
        there = norms[:, 0] > 0
        ranks = np.divide(ranks, norms, out=np.zeros_like(ranks), where=norms > 0)
        total += ranks @ ranks.T
        count += np.outer(there, there)
    mean = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return np.clip(mean, -1, 1)
