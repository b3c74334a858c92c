"""Tracing predictions: scores, the strongest examples, and their words."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordtrace.data.batches import document_frequency
from wordtrace.errors import InputError, option
from wordtrace.explain.listing import Listing
from wordtrace.explain.prediction import Explanation, Hit, Trace, share
from wordtrace.explain.question import Question
from wordtrace.explain.scorer import Scorer, Source, is_indexed
from wordtrace.explain.words import Vocabulary, query_words, warning_of
from wordtrace.index.folder import IndexFolder
from wordtrace.measures.names import measure
from wordtrace.measures.options import Options
from wordtrace.measures.protocol import Measure, Queries, Scores, make_queries
from wordtrace.measures.searcher import Spread
from wordtrace.measures.topn import strongest
from wordtrace.measures.tracin_we import TracInWE
from wordtrace.measures.word_level import WordMeasure
from wordtrace.models import predict
from wordtrace.run.run import Run


class Tracer:
    """Answers traces from a run, and from its index where the index can.

    Parameters
    ----------
    index
        None: every measure streams gradients from the run.
    """

    def __init__(self, run: Run, index: IndexFolder | None) -> None:
        self.run, self.index = run, index
        self.scorer = Scorer(run, index)
        self._listing: Listing | None = None

    def trace(
        self,
        question: Question,
        name: str | None = None,
        *,
        top: int = 20,
        top_k: int | None = None,
        baselines: Sequence[str] = (),
        words: bool = False,
        spread: Spread | None = None,
        **options: Any,
    ) -> Trace:
        """Trace each query.

        Parameters
        ----------
        name
            The measure; by default what the index holds, else ``tracin-we-topk``.
        top
            How many proponents and opponents to list.
        top_k
            For ``tracin-we-topk``; by default the index's, else 10.
        baselines
            Other measures whose strongest rows are listed beside.
        words
            Sum contributions by whole word instead of by token (:mod:`.explain.merge`).
        spread
            The index on a cluster, to be asked instead of this process.
        **options
            Of the measure: the fields of :class:`.measures.options.Options`.

        Raises
        ------
        InputError
            For an unknown measure or label, or an empty text.
        """
        if top < 1:
            raise InputError(f"{option('top')} is {top}; it must be at least 1.")
        name, k = self.scorer.default(name, top_k)
        settings = Options(top_k=k, **options)
        chosen = measure(name, settings)
        others = {other: measure(other, settings) for other in baselines}
        source = self.scorer.source(chosen, spread)
        self._load(here=spread is None)
        seconds, explanations = 0.0, []
        for part in self._parts(question, source, settings.memory):
            spent, found = self._explain(part, chosen, source, others, top, words)
            seconds += spent
            explanations += found
        return Trace(
            measure=name,
            top_k=chosen.top_k if isinstance(chosen, WordMeasure) else None,
            source="index" if is_indexed(source) else "run",
            examples=self.scorer.count(is_indexed(source)),
            seconds=seconds,
            run=str(self.run.path.resolve()),
            run_fingerprint=self.run.fingerprint,
            index=str(self.index.path.resolve()) if self.index else None,
            label_names=self.run.label_names,
            queries=tuple(explanations),
            options=options,
            whole_words=words,
        )

    def _parts(self, question: Question, source: Source | None, memory: int) -> list[Question]:
        """Split the queries so that the scores of a part take at most `memory` bytes.

        Where gradients are not read from an index each part would compute them anew: one part.
        """
        count = len(question.texts)
        if source is None or not is_indexed(source):
            return [question]
        size = max(1, memory // (4 * max(1, source.examples)))
        return [question.part(start, start + size) for start in range(0, count, size)] or [question]

    def _explain(
        self,
        question: Question,
        chosen: Measure,
        source: Source | None,
        others: Mapping[str, Measure],
        top: int,
        whole: bool,
    ) -> tuple[float, list[Explanation]]:
        """Return the seconds taken, baselines left out, and each query's explanation."""
        start = time.perf_counter()
        queries, said = self.scorer.predict(question)
        asked = self.scorer.asked(chosen, source, queries)
        ranked = self.scorer.rank(chosen, source, queries, asked, top)
        wanted = [one.rows for one in ranked]
        words = self.scorer.words(chosen, source, asked, wanted)
        merging = None
        if whole and source is not None and isinstance(chosen, WordMeasure):
            bases = self.index.bases if self.index is not None and is_indexed(source) else None
            merging = self.scorer.etas, chosen.top_k, bases
        assert self._listing is not None
        alone = [queries.take(np.array([place])) for place in range(len(queries))]
        hits = [
            self._listing.hits(
                *(one.rows, one.scores, alone[place], is_indexed(source)),
                words=None if words is None else words[place],
                merging=merging,
            )
            for place, one in enumerate(ranked)
        ]
        seconds = time.perf_counter() - start
        beside = {
            other: self.scorer.scores(scorer, None, queries, []) for other, scorer in others.items()
        }
        explanations = []
        for place, listed in enumerate(hits):
            split = len(ranked[place].proponents)
            explanations.append(
                Explanation(
                    text=question.texts[place],
                    text2=question.texts2[place] if question.texts2 else None,
                    label=self.run.labelling.spell(queries.labels[place]),
                    label_source=question.label_source if said.given[place] else "predicted",
                    predicted=self.run.labelling.spell(said.labels[place]),
                    predicted_probability=predict.or_none(said.of_predicted[place]),
                    probability=predict.or_none(said.probability[place]),
                    proponents=tuple(listed[:split]),
                    opponents=tuple(listed[split:]),
                    words=query_words(listed),
                    special_share=share(listed, "special"),
                    stop_share=share(listed, "stop"),
                    warning=warning_of(listed[:split]),
                    id=question.ids[place] if question.ids else None,
                    span=queries.spans[place] if queries.spans else None,
                    baselines={
                        other: self._beside(row[place], top, alone[place])
                        for other, row in beside.items()
                    },
                )
            )
        return seconds, explanations

    def _beside(self, scores: Scores, top: int, query: Queries) -> tuple[Hit, ...]:
        """Return the rows of largest score, whatever its sign, by a measure listed beside."""
        assert self._listing is not None
        rows = strongest(np.abs(scores), top)[0]
        return tuple(self._listing.hits(rows, scores[rows], query, False))

    def score(
        self,
        queries: Queries,
        name: str | None = None,
        top_k: int | None = None,
        *,
        spread: Spread | None = None,
        **options: Any,
    ) -> Scores:
        """Return the whole matrix, float32, shape (queries, examples).

        The examples are the index's rows where it answers the measure, else the run's.
        """
        return self.scorer.score_by_name(queries, name, top_k, spread, **options)[0]

    def rank(
        self,
        queries: Queries,
        name: str | None = None,
        top_k: int | None = None,
        *,
        top: int,
        **options: Any,
    ) -> list[tuple[list[str], list[str]]]:
        """Return the ids of each query's `top` strongest proponents and opponents."""
        scores, indexed = self.scorer.score_by_name(queries, name, top_k, **options)
        found = []
        for row in scores:
            proponents, opponents = strongest(row, top)
            found.append(
                (self.scorer.ids(proponents, indexed), self.scorer.ids(opponents, indexed))
            )
        return found

    def queries(self, question: Question) -> Queries:
        """Tokenize the texts; labels not given become the final model's prediction."""
        return self.scorer.predict(question)[0]

    def _load(self, here: bool) -> None:
        """Bring in what every trace needs, so that `seconds` measures the answer alone.

        Parameters
        ----------
        here
            Whether this process reads the postings.
        """
        for checkpoint in [*self.run.checkpoints, self.run.final]:
            self.run.model(checkpoint)
        if self._listing is None:
            if self.index is not None:
                documents = self.index.document_frequency
                for place in range(len(self.index.manifest.checkpoints) if here else 0):
                    list(self.index.blocks(place))
            else:
                documents = document_frequency(self.run.encoded, self.run.tokenizer.size)
            count = self.scorer.count(self.index is not None)
            vocabulary = Vocabulary(self.run.tokenizer, documents, count)
            self._listing = Listing(self.scorer, vocabulary)
            # PyTorch and the tokenizer set themselves up at their first use, for a tenth of a
            # second: that is loading, too.
            pair = ["."] if self.run.has_pairs else None
            queries = make_queries(self.run, ["."], self.run.labelling.one(), pair)
            TracInWE().query_tokens(self.run, queries)
            predict.logits(self.run.model(self.run.final), queries.encoded)
            self.run.tokenizer.positions(["."] * 8, pair and pair * 8)
