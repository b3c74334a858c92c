"""The strongest proponents and opponents of a row of scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_SMALL, _STRETCH = 1 << 16, 1 << 10


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
    positive = np.flatnonzero(scores > 0) if len(scores) < _SMALL else _over(scores, count)
    if 0 < count < len(positive):
        values = scores[positive]
        # Everything at or over the count-th value: ties at the edge are settled by the sort below.
        edge = np.partition(values, len(values) - count)[len(values) - count]
        positive = positive[values >= edge]
    order = np.argsort(-scores[positive], kind="stable")
    return positive[order][:count]


def _over(scores: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """Return rows over 0 among which the `count` largest are, few of many.

    The `count`-th largest of the stretches' largest values is no more than the `count`-th largest
    score.
    """
    whole = len(scores) // _STRETCH * _STRETCH
    largest = scores[:whole].reshape(-1, _STRETCH).max(1)
    if not 0 < count < len(largest):
        return np.flatnonzero(scores > 0)
    bound = np.partition(largest, len(largest) - count)[len(largest) - count]
    return np.flatnonzero(scores >= bound if bound > 0 else scores > 0)
