"""A measure prepared to answer: by word from token gradients, or as a whole from the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from wordtrace.asking.answer import Answer, AnswerByWord, WholeAnswer
from wordtrace.asking.predictions import sparing_threads
from wordtrace.asking.question import Question
from wordtrace.asking.rows import ScoredRows
from wordtrace.asking.search import Search
from wordtrace.measures.position_products import Terms
from wordtrace.measures.protocol import Measure, Queries
from wordtrace.measures.word_level import WordMeasure
from wordtrace.run.run import Run


class Way(Protocol):
    """A measure together with its source; made once, it answers any number of queries."""

    @property
    def name(self) -> str:
        """The measure's name."""
        ...

    @property
    def title(self) -> str:
        """The name, with what an index must hold for it, where the name does not say so."""
        ...

    @property
    def rows(self) -> ScoredRows:
        """The examples that it scores."""
        ...

    @property
    def terms(self) -> Terms | None:
        """What scores are computed from; None if they do not split into words."""
        ...

    def ask(self, queries: Queries) -> Answer:
        """Return the answer to some queries.

        Raises
        ------
        InputError
            When the measure reads texts, and the queries have token ids alone.
        """
        ...

    def parts(self, question: Question) -> list[Question]:
        """Split a question so that the scores of each part fit into the memory allowed.

        It stays whole where gradients are not read from an index, since each part would compute
        them anew.
        """
        ...


@dataclass(frozen=True)
class ByWord:
    """A measure that is a sum over tokens.

    Attributes
    ----------
    memory
        The bytes that the scores of a part may take.
    """

    name: str
    measure: WordMeasure
    run: Run
    rows: ScoredRows
    search: Search
    terms: Terms
    memory: int

    @property
    def title(self) -> str:
        """The name, with the number of positions."""
        k = self.measure.top_k
        return self.name if k is None else f"{self.name} with top_k {k}"

    def ask(self, queries: Queries) -> AnswerByWord:
        """Compute the queries' token gradients, and return an answer that searches by them."""
        if self.measure.about.reads_texts:
            queries.require_texts(self.name)
        with sparing_threads(self.run, queries):
            asked = self.measure.query_tokens(self.run, queries)
        if self.terms.weights is not None:
            asked = [one.weighted(self.terms.weights) for one in asked]
        if self.terms.bases is not None:
            pairs = zip(asked, self.terms.bases, strict=True)
            asked = [one.projected(basis) for one, basis in pairs]
        return AnswerByWord(queries, self.rows, self.measure, self.search, asked)

    def parts(self, question: Question) -> list[Question]:
        """Split a question by the memory that its scores take."""
        if not self.rows.indexed:
            return [question]
        size = max(1, self.memory // (4 * max(1, self.rows.total)))
        starts = range(0, len(question), size)
        return [question.part(start, start + size) for start in starts] or [question]


@dataclass(frozen=True)
class Whole:
    """Any measure, asked for its scores of the run's examples."""

    name: str
    measure: Measure
    run: Run
    rows: ScoredRows
    terms = None

    @property
    def title(self) -> str:
        """The name."""
        return self.name

    def ask(self, queries: Queries) -> WholeAnswer:
        """Return the answer to some queries."""
        if self.measure.about.reads_texts:
            queries.require_texts(self.name)
        return WholeAnswer(queries, self.rows, self.measure, self.run)

    def parts(self, question: Question) -> list[Question]:
        """Return the whole question."""
        return [question]
