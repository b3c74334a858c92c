"""Asking for influence through the word embeddings: systems made once, solved for each question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wordtrace.asking.question import Question
from wordtrace.asking.rows import ScoredRows
from wordtrace.asking.search import ByCheckpoint
from wordtrace.measures.influence_we import Curvatures, Influences
from wordtrace.measures.position_products import Terms
from wordtrace.measures.protocol import Queries, Scores
from wordtrace.measures.topn import Ranking, rank
from wordtrace.measures.word_level import TokenPairs


@dataclass(frozen=True)
class BySolving:
    """Influence functions over the word embeddings, asked for a run's examples.

    Attributes
    ----------
    curvatures
        The systems, which are made once for all questions.
    weights
        float32, shape (vocabulary,): what each token's part of a score counts; None for 1.
    """

    name: str
    curvatures: Curvatures
    rows: ScoredRows
    weights: npt.NDArray[np.float32] | None

    @property
    def title(self) -> str:
        """The name."""
        return self.name

    @property
    def terms(self) -> Terms:
        """What scores are computed from."""
        return Terms(None, None, self.weights, None, shared=False)

    def ask(self, queries: Queries) -> SolvedAnswer:
        """Solve for the queries, and return an answer that holds the solutions."""
        return SolvedAnswer(queries, self.rows, self.curvatures.ask(queries, self.weights))

    def parts(self, question: Question) -> list[Question]:
        """Return the whole question."""
        return [question]


@dataclass(frozen=True)
class SolvedAnswer:
    """The answer of influence functions over the word embeddings."""

    queries: Queries
    rows: ScoredRows
    influences: Influences

    def scores(self) -> Scores:
        """Return influences, float32, shape (queries, rows); 0 where an example was removed."""
        scores = self.influences.scores()
        scores[:, self.rows.removed] = 0
        return scores

    def rank(self, top: int) -> list[Ranking]:
        """Return each query's `top` strongest proponents and opponents."""
        return [rank(row, top) for row in self.scores()]

    def words(self, wanted: Sequence[npt.NDArray[np.int64]]) -> list[dict[int, TokenPairs]]:
        """Split the scores of the rows wanted for each query by the example's tokens."""
        return self.influences.words(wanted)

    def by_checkpoint(self, wanted: Sequence[npt.NDArray[np.int64]]) -> list[ByCheckpoint]:
        """Split the scores of the rows wanted for each query by checkpoint."""
        return self.influences.by_checkpoint(wanted)
