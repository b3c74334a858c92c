"""Scores of queries by any measure, from the index where it can answer, else from the run."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labels
from wordtrace.errors import InputError, option
from wordtrace.execute.threads import one_thread
from wordtrace.explain.question import Question
from wordtrace.gradients.tokens import check_top_k
from wordtrace.index.folder import IndexFolder
from wordtrace.measures.accumulate import QueryTokens
from wordtrace.measures.names import measure
from wordtrace.measures.options import Options
from wordtrace.measures.protocol import Measure, Queries, Scores, make_queries
from wordtrace.measures.searcher import Spread
from wordtrace.measures.source import Indexed, Streamed, as_stored
from wordtrace.measures.topn import Ranking, rank
from wordtrace.measures.word_level import TokenPairs, WordMeasure
from wordtrace.models import predict
from wordtrace.run.run import Run

# Multiplications of a pass (weights beside the embedding × positions) that are soon done.
_SMALL = 100_000_000


@dataclass(frozen=True)
class Predictions:
    """What the final model says of some queries.

    Attributes
    ----------
    given
        bool, shape (queries,): whether the label explained was given.
    labels
        The labels predicted.
    probability, of_predicted
        float64, shape (queries,): of the labels explained and of those predicted; NaN for numbers.
    """

    given: npt.NDArray[np.bool_]
    labels: Labels
    probability: npt.NDArray[np.float64]
    of_predicted: npt.NDArray[np.float64]


Source = Indexed | Spread | Streamed


class Scorer:
    """A run's examples, or those of its index, scored by a measure.

    Parameters
    ----------
    index
        None: every measure streams gradients from the run.
    """

    def __init__(self, run: Run, index: IndexFolder | None) -> None:
        self.run, self.index = run, index

    def default(self, name: str | None, top_k: int | None) -> tuple[str, int]:
        """Fill in what the caller left open by what the index holds."""
        held = self.index.manifest.top_k if self.index is not None else 10
        if name is None:
            name = "tracin-we" if held is None and top_k is None else "tracin-we-topk"
        check_top_k(top_k)
        return name, top_k if top_k is not None else held or 10

    @property
    def etas(self) -> list[float]:
        """The weight η_c of each checkpoint: the index's own, else the learning rate."""
        if self.index is None:
            return [checkpoint.learning_rate for checkpoint in self.run.checkpoints]
        return [source.eta for source in self.index.manifest.checkpoints]

    def source(self, chosen: Measure, spread: Spread | None = None) -> Source | None:
        """Return where a measure by word takes gradients from; None for another measure.

        Parameters
        ----------
        spread
            The index on a cluster, to be asked instead of this process.

        Raises
        ------
        InputError
            When the cluster is to be asked what the index does not hold.
        """
        if isinstance(chosen, WordMeasure):
            if self.index is not None and self.index.manifest.top_k == chosen.top_k:
                return spread or Indexed(self.index)
            if spread is None:
                return Streamed(self.run, chosen.top_k, etas=self.etas)
        elif spread is None:
            return None
        held = spread.index.manifest.top_k
        raise InputError(
            f"{option('executor', 'ray')} asks the index alone, which answers the measures "
            f"tracin-we… with {option('top_k')} {held or 'all'}; leave it out, and this machine "
            "computes the answer."
        )

    def holds(self, name: str | None, *, top_k: int | None = None, **options: Any) -> bool:
        """Whether the index answers a measure."""
        name, k = self.default(name, top_k)
        return is_indexed(self.source(measure(name, Options(top_k=k, **options))))

    def score_by_name(
        self,
        queries: Queries,
        name: str | None,
        top_k: int | None,
        spread: Spread | None = None,
        **options: Any,
    ) -> tuple[Scores, bool]:
        """Return the matrix and whether its examples are the index's rows."""
        name, k = self.default(name, top_k)
        chosen = measure(name, Options(top_k=k, **options))
        source = self.source(chosen, spread)
        asked = self.asked(chosen, source, queries)
        return self.scores(chosen, source, queries, asked), is_indexed(source)

    def asked(self, chosen: Measure, source: Source | None, queries: Queries) -> list[QueryTokens]:
        """Return the queries' token gradients at each checkpoint, as `source` wants them."""
        if not isinstance(chosen, WordMeasure):
            return []
        with self.threads(queries):
            asked = chosen.query_tokens(self.run, queries)
        if isinstance(source, Indexed | Spread):
            return as_stored(source.index, asked)
        return asked

    def scores(
        self,
        chosen: Measure,
        source: Source | None,
        queries: Queries,
        asked: list[QueryTokens],
    ) -> Scores:
        """Return the matrix; what was removed from the index has no influence."""
        if isinstance(chosen, WordMeasure) and source is not None:
            if isinstance(source, Spread):
                return source.scores(chosen, len(queries), asked)
            scores = chosen.score_from(source, self.run, len(queries), asked)
        else:
            scores = chosen.score(self.run, queries)
        if self.index is not None:
            gone = self.index.removed if isinstance(source, Indexed) else self._hidden
            scores[:, gone] = 0
        return scores

    def rank(
        self,
        chosen: Measure,
        source: Source | None,
        queries: Queries,
        asked: list[QueryTokens],
        top: int,
    ) -> list[Ranking]:
        """Return each query's `top` strongest proponents and opponents."""
        if isinstance(chosen, WordMeasure) and isinstance(source, Spread):
            return source.rank(chosen, len(queries), asked, top)
        return [rank(row, top) for row in self.scores(chosen, source, queries, asked)]

    @cached_property
    def _hidden(self) -> npt.NDArray[np.int64]:
        """The run's rows that were removed from the index."""
        index = self.index
        whole = self.run.manifest.train.rows
        if index is None or (len(index.removed) == 0 and index.manifest.parts[0].count == whole):
            return np.empty(0, np.int64)
        ids = enumerate(self.run.train.ids)
        return np.array([row for row, id in ids if id not in index.rows], np.int64)

    def count(self, indexed: bool) -> int:
        """Return how many examples there are, removed ones left out."""
        if indexed and self.index is not None:
            return self.index.count
        return self.run.manifest.train.rows - len(self._hidden)

    def take(self, rows: npt.NDArray[np.int64], indexed: bool) -> Examples:
        """Return the examples at some rows, the index's own where it was asked."""
        if indexed and self.index is not None:
            return self.index.take(rows, self.run)
        return self.run.train.take(rows)

    def ids(self, rows: npt.NDArray[np.int64], indexed: bool) -> list[str]:
        """Return the ids at some rows."""
        return self.take(rows, indexed).ids

    def words(
        self,
        chosen: Measure,
        source: Source | None,
        asked: list[QueryTokens],
        wanted: list[npt.NDArray[np.int64]],
    ) -> list[dict[int, TokenPairs]] | None:
        """Return, for each query, the wanted rows' contributions; None for a measure without."""
        if not isinstance(chosen, WordMeasure) or source is None:
            return None
        if isinstance(source, Spread):
            return source.words(chosen, asked, wanted)
        if isinstance(source, Streamed):
            # The gradients were not kept: only those of the listed rows are computed again.
            source = Streamed(
                self.run,
                chosen.top_k,
                np.unique(np.concatenate(wanted)),
                etas=self.etas,
                quiet=True,
            )
        return chosen.words_from(source, self.run, asked, wanted)

    def predict(self, question: Question) -> tuple[Queries, Predictions]:
        """Return the queries with labels filled in, and what the final model says of them."""
        queries = make_queries(
            *(self.run, question.texts, question.labels, question.texts2, question.parts),
            first=question.first,
        )
        model = self.run.model(self.run.final)
        with self.threads(queries):
            scores = predict.logits(model, queries.encoded)
        predicted = predict.predicted(model.outputs, scores)
        labels = self.run.labelling.filled(question.labels, predicted)
        found = Predictions(
            self.run.labelling.given(question.labels),
            predicted,
            predict.probability(model.outputs, scores, labels),
            predict.probability(model.outputs, scores, predicted),
        )
        return replace(queries, labels=labels), found

    def threads(self, queries: Queries) -> AbstractContextManager[None]:
        """Hold a pass of few operations to one thread, which is faster, and far on a busy core."""
        model = self.run.model(self.run.final)
        weights = sum(parameter.numel() for parameter in model.module.parameters())
        weights -= sum(parameter.numel() for parameter in model.embedding.parameters())
        small = weights * len(queries.encoded.ids) < _SMALL
        return one_thread() if small else nullcontext()


def is_indexed(source: Source | None) -> bool:
    """Whether examples are an index's rows, not a run's."""
    return isinstance(source, Indexed | Spread)
