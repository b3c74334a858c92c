"""The strongest proponents and opponents of a row of scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wordtrace.errors import NumericalError

_SMALL, _STRETCH = 1 << 16, 1 << 10


@dataclass(frozen=True)
class Ranking:
    """The strongest rows and their scores, in the order of :func:`strongest`.

    Attributes
    ----------
    proponents, opponents
        int64: the rows.
    proponent_scores, opponent_scores
        float32: the scores of these rows.
    """

    proponents: npt.NDArray[np.int64]
    opponents: npt.NDArray[np.int64]
    proponent_scores: npt.NDArray[np.float32]
    opponent_scores: npt.NDArray[np.float32]

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Proponents, then opponents."""
        return np.concatenate([self.proponents, self.opponents])

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """The scores of :attr:`rows`."""
        return np.concatenate([self.proponent_scores, self.opponent_scores])


def rank(scores: npt.NDArray[np.float32], count: int, first: int = 0) -> Ranking:
    """Rank a row of scores; the row at place i is called ``first + i``.

    Raises
    ------
    NumericalError
        When a score is NaN, which is neither above nor below 0 and would be left out.
    """
    if len(scores) and np.isnan(scores.max()):
        place = first + int(np.isnan(scores).argmax())
        raise NumericalError(
            f"the score of row {place} is NaN: a file of the index, or of its run, is damaged; "
            "`wordtrace check` names the file."
        )
    proponents, opponents = strongest(scores, count)
    return Ranking(proponents + first, opponents + first, scores[proponents], scores[opponents])


def merge(parts: Sequence[Ranking], count: int) -> Ranking:
    """Join the rankings of consecutive stretches of rows into the ranking of all rows.

    Each part lists its `count` strongest rows, so none of the whole ranking is missing. Equal
    scores stay in the order of their rows, since the sort is stable.
    """
    proponents = np.concatenate([part.proponents for part in parts])
    opponents = np.concatenate([part.opponents for part in parts])
    most = np.concatenate([part.proponent_scores for part in parts])
    least = np.concatenate([part.opponent_scores for part in parts])
    first = np.argsort(-most, kind="stable")[:count]
    last = np.argsort(least, kind="stable")[:count]
    return Ranking(proponents[first], opponents[last], most[first], least[last])


def strongest(
    scores: npt.NDArray[np.floating], count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the rows of the `count` most positive and the most negative scores.

    Parameters
    ----------
    scores
        Shape (examples,).

    Returns
    -------
    proponents, opponents
        int64: rows, strongest first, equal scores by lower row. Proponents have scores above 0,
        opponents below 0.
    """
    return _most(scores, count), _most(-scores, count)


def _most(scores: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.int64]:
    positive = np.flatnonzero(scores > 0) if len(scores) < _SMALL else _over(scores, count)
    if 0 < count < len(positive):
        values = scores[positive]
        # Keep everything at or above the count-th value: the sort below settles ties at the edge.
        edge = np.partition(values, len(values) - count)[len(values) - count]
        positive = positive[values >= edge]
    order = np.argsort(-scores[positive], kind="stable")
    return positive[order][:count]


def _over(scores: npt.NDArray[np.floating], count: int) -> npt.NDArray[np.int64]:
    """Return a small set of rows with scores above 0 that includes the `count` largest.

    This works because the `count`-th largest among the maxima of all stretches is at most the
    `count`-th largest score.
    """
    whole = len(scores) // _STRETCH * _STRETCH
    largest = scores[:whole].reshape(-1, _STRETCH).max(1)
    if not 0 < count < len(largest):
        return np.flatnonzero(scores > 0)
    bound = np.partition(largest, len(largest) - count)[len(largest) - count]
    return np.flatnonzero(scores >= bound if bound > 0 else scores > 0)
