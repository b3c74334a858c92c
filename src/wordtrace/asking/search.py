"""The search through token gradients for a measure by word, wherever the gradients are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from wordtrace.index.folder import IndexFolder
from wordtrace.measures.accumulate import QueryTokens
from wordtrace.measures.protocol import Scores
from wordtrace.measures.pruned import strongest_rows
from wordtrace.measures.source import AtCheckpoint, Indexed, PostingSource
from wordtrace.measures.topn import Ranking, rank
from wordtrace.measures.tracin_we import TracInWE
from wordtrace.measures.word_level import TokenPairs, WordMeasure
from wordtrace.run.run import Run

IntArray = npt.NDArray[np.int64]

#: Row → its score's part at each checkpoint, in their order; they sum to the score.
ByCheckpoint = dict[int, tuple[float, ...]]


# From so many rows on, and up to so many queries at once, bounds save more than they cost.
_MANY, _TOGETHER = 20_000, 2


class Search(Protocol):
    """Looks through the token gradients of all examples for a measure by word.

    `asked` holds the queries' token gradients at each checkpoint, in the stored dimensions. Removed
    examples have no influence.
    """

    def scores(self, measure: WordMeasure, count: int, asked: Sequence[QueryTokens]) -> Scores:
        """Return influences, float32, shape (`count` queries, examples)."""
        ...

    def rank(
        self, measure: WordMeasure, count: int, asked: Sequence[QueryTokens], top: int
    ) -> list[Ranking]:
        """Return each query's `top` strongest rows."""
        ...

    def words(
        self, measure: WordMeasure, asked: Sequence[QueryTokens], wanted: Sequence[IntArray]
    ) -> list[dict[int, TokenPairs]]:
        """Split the scores of the rows wanted for each query."""
        ...

    def by_checkpoint(
        self, measure: WordMeasure, asked: Sequence[QueryTokens], wanted: Sequence[IntArray]
    ) -> list[ByCheckpoint]:
        """Split the scores of the rows wanted for each query by checkpoint."""
        ...


class LocalSearch:
    """Looks through an index or a stream in this process.

    Parameters
    ----------
    removed
        int64: the rows of removed examples.
    """

    def __init__(self, source: PostingSource, run: Run, removed: IntArray) -> None:
        self._source, self._run, self._removed = source, run, removed

    @classmethod
    def of_index(cls, index: IndexFolder, run: Run) -> LocalSearch:
        """Look through a whole index."""
        return cls(Indexed(index), run, index.removed)

    def scores(self, measure: WordMeasure, count: int, asked: Sequence[QueryTokens]) -> Scores:
        """Return influences, float32, shape (`count` queries, examples)."""
        scores = measure.score_from(self._source, self._run, count, asked)
        scores[:, self._removed] = 0
        return scores

    def rank(
        self, measure: WordMeasure, count: int, asked: Sequence[QueryTokens], top: int
    ) -> list[Ranking]:
        """Return each query's `top` strongest rows."""
        source = self._source
        # Weights are what makes most postings matter little; many queries share what they read.
        if (
            isinstance(measure, TracInWE)
            and isinstance(source, Indexed)
            and measure.weights
            and source.examples >= _MANY
            and count <= _TOGETHER
        ):
            each = [[one.of(query) for one in asked] for query in range(count)]
            sizes, removed = source.sizes, self._removed
            return [strongest_rows(source, sizes, one, top, removed)[0] for one in each]
        return [rank(row, top) for row in self.scores(measure, count, asked)]

    def words(
        self, measure: WordMeasure, asked: Sequence[QueryTokens], wanted: Sequence[IntArray]
    ) -> list[dict[int, TokenPairs]]:
        """Split the scores of the rows wanted for each query."""
        source = self._source.only(np.unique(np.concatenate(wanted)))
        return measure.words_from(source, self._run, asked, wanted)

    def by_checkpoint(
        self, measure: WordMeasure, asked: Sequence[QueryTokens], wanted: Sequence[IntArray]
    ) -> list[ByCheckpoint]:
        """Split the scores of the rows wanted for each query by checkpoint."""
        source = self._source.only(np.unique(np.concatenate(wanted)))
        steps = [
            measure.words_from(AtCheckpoint(source, place), self._run, asked, wanted)
            for place in range(len(source.etas))
        ]
        return [
            {
                int(row): tuple(sum(step[query][int(row)].values(), 0.0) for step in steps)
                for row in rows
            }
            for query, rows in enumerate(wanted)
        ]
