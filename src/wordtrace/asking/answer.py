"""A measure's answer to queries: scores, rankings, and the words behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from wordtrace.asking.rows import ScoredRows
from wordtrace.asking.search import ByCheckpoint, Search
from wordtrace.errors import CorruptError, NumericalError, option
from wordtrace.measures.accumulate import QueryTokens
from wordtrace.measures.protocol import Measure, Queries, Scores
from wordtrace.measures.topn import Ranking, rank
from wordtrace.measures.word_level import TokenPairs, WordMeasure
from wordtrace.run.run import Run
from wordtrace.run.trainings import apart


class Answer(Protocol):
    """A measure's answer to some queries. Each method computes what it returns."""

    @property
    def queries(self) -> Queries:
        """The queries that are answered."""
        ...

    @property
    def rows(self) -> ScoredRows:
        """The examples that are scored."""
        ...

    def scores(self) -> Scores:
        """Return influences, float32, shape (queries, rows); 0 where an example was removed."""
        ...

    def rank(self, top: int) -> list[Ranking]:
        """Return each query's `top` strongest proponents and opponents."""
        ...

    def words(self, wanted: Sequence[npt.NDArray[np.int64]]) -> list[dict[int, TokenPairs]] | None:
        """Split the scores of the rows wanted for each query by token; None if they can't be."""
        ...

    def by_checkpoint(self, wanted: Sequence[npt.NDArray[np.int64]]) -> list[ByCheckpoint] | None:
        """Split the same scores by checkpoint; None if they can't be."""
        ...


@dataclass(frozen=True)
class AnswerByWord:
    """The answer of a measure that is a sum over tokens."""

    queries: Queries
    rows: ScoredRows
    measure: WordMeasure
    search: Search
    asked: Sequence[QueryTokens]

    def scores(self) -> Scores:
        """Return influences, float32, shape (queries, rows)."""
        return self.search.scores(self.measure, len(self.queries), self.asked)

    def rank(self, top: int) -> list[Ranking]:
        """Return each query's `top` strongest proponents and opponents.

        Raises
        ------
        CorruptError
            When the score of one of them is NaN or infinite: gradients were checked when they were
            stored.
        """
        found = self.search.rank(self.measure, len(self.queries), self.asked, top)
        for one in found:
            strange = ~np.isfinite(one.scores)
            if strange.any():
                raise CorruptError(
                    f"the score of example {self.rows.take(one.rows[strange][:1]).ids[0]!r} is "
                    "NaN or infinite: a file of the index, or of its run, is damaged; "
                    "`wordtrace check` names the file."
                )
        return found

    def words(self, wanted: Sequence[npt.NDArray[np.int64]]) -> list[dict[int, TokenPairs]]:
        """Split the scores of the rows wanted for each query by token."""
        return self.search.words(self.measure, self.asked, wanted)

    def by_checkpoint(self, wanted: Sequence[npt.NDArray[np.int64]]) -> list[ByCheckpoint]:
        """Split the scores of the rows wanted for each query by checkpoint."""
        return self.search.by_checkpoint(self.measure, self.asked, wanted)


@dataclass(frozen=True)
class WholeAnswer:
    """The answer of a measure with scores that do not split into words."""

    queries: Queries
    rows: ScoredRows
    measure: Measure
    run: Run

    def scores(self) -> Scores:
        """Return influences, float32, shape (queries, rows).

        Raises
        ------
        NumericalError
            When one is NaN or infinite; the message names the example.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            scores = self._mean()
            scores[:, self.rows.removed] = 0
            total = scores.sum(dtype=np.float64)
        if not np.isfinite(total):
            row = np.flatnonzero(~np.isfinite(scores).all(0))[:1]
            raise NumericalError(
                f"the score of example {self.rows.take(row).ids[0]!r} is NaN or infinite: weights "
                "or gradients are beyond what 32 bits hold; the training diverged: train again "
                f"with a lower {option('learning_rate')}."
            )
        return scores

    def _mean(self) -> Scores:
        """Return the mean of the scores over the run's trainings, mostly one."""
        if not self.measure.about.reads_model:
            return self.measure.score(self.run, self.queries)
        each = apart(self.run)
        scores = self.measure.score(each[0], self.queries)
        for one in each[1:]:
            scores += self.measure.score(one, self.queries)
        return scores if len(each) == 1 else scores / np.float32(len(each))

    def rank(self, top: int) -> list[Ranking]:
        """Return each query's `top` strongest proponents and opponents."""
        return [rank(row, top) for row in self.scores()]

    def words(self, wanted: Sequence[npt.NDArray[np.int64]]) -> None:
        """Return None."""
        return

    def by_checkpoint(self, wanted: Sequence[npt.NDArray[np.int64]]) -> None:
        """Return None."""
        return
