"""The strongest proponents and opponents of a row of scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def strongest(
    scores: npt.NDArray[np.float32], count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the rows of the `count` most positive and the most negative scores.

    Parameters
    ----------
    scores
        float32, shape (examples,).

    Returns
    -------
    proponents, opponents
        int64: strongest first, equal scores by lower row; only scores over 0, or under 0.
    """
    return _most(scores, count), _most(-scores, count)


def _most(scores: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    positive = np.flatnonzero(scores > 0)
    if 0 < count < len(positive):
        values = scores[positive]
        # Everything at or over the count-th value: ties at the edge are settled by the sort below.
        edge = np.partition(values, len(values) - count)[len(values) - count]
        positive = positive[values >= edge]
    order = np.argsort(-scores[positive], kind="stable")
    return positive[order][:count]
