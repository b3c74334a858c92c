"""Traces of predictions: the strongest examples by a measure, and the words in them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wordtrace.asking.asker import Asker
from wordtrace.asking.predictions import Predictions
from wordtrace.asking.question import Question
from wordtrace.asking.rows import ScoredRows
from wordtrace.asking.searcher import Spread
from wordtrace.asking.ways import Way
from wordtrace.errors import InputError, option
from wordtrace.execute.once import once
from wordtrace.explain.listing import Listing
from wordtrace.explain.prediction import Explanation, Hit, share
from wordtrace.explain.trace import Trace
from wordtrace.explain.words import Vocabulary, query_words, warning_of
from wordtrace.measures.options import as_written
from wordtrace.measures.protocol import Queries, Scores
from wordtrace.measures.topn import strongest
from wordtrace.models import predict
from wordtrace.run.written_back import written_back

# The options of measures by word alone.
_OF_WORDS = ("without", "weights")


class Tracer:
    """Makes traces from the answers of a run or its index."""

    def __init__(self, asker: Asker) -> None:
        self.asker, self.run = asker, asker.run

    def trace(
        self,
        question: Question,
        name: str | None = None,
        *,
        top: int = 20,
        top_k: int | None = None,
        baselines: Sequence[str] = (),
        words: bool = False,
        by_checkpoint: bool = False,
        spread: Spread | None = None,
        **options: Any,
    ) -> Trace:
        """Trace each query.

        Parameters
        ----------
        name
            The measure; ``tracin-we-idf`` by default.
        top
            How many proponents and opponents to list.
        top_k
            How many positions of a training text count, or for ``tracin-we-topk`` of any text; by
            default as in the index, else 10.
        baselines
            Other measures, to list their strongest rows, too.
        words
            Sum contributions by whole word instead of by token (:mod:`.explain.merge`).
        by_checkpoint
            Split the listed scores by checkpoint, too, where the measure has words.
        spread
            The index on a cluster, which is then asked instead of this process.
        **options
            Options of the measure: the fields of :class:`.measures.options.Options`.

        Raises
        ------
        InputError
            For an unknown measure or label, or an empty text.
        """
        if top < 1:
            raise InputError(f"{option('top')} is {top}; it must be at least 1.")
        asker, run = self.asker, self.run
        way = asker.way(name, top_k, spread=spread, **options)
        # Other measures have no words that could be left out or weighted.
        plain = {key: value for key, value in options.items() if key not in _OF_WORDS}
        others = {other: asker.way(other, top_k, **plain) for other in baselines}
        asker.load(postings=spread is None)
        listing, seconds, explanations = self._listing, 0.0, []
        for part in way.parts(question):
            start = time.perf_counter()
            said = asker.predict(part)
            hits = _hits(listing, way, said.queries, top, merged=words, steps=by_checkpoint)
            seconds += time.perf_counter() - start
            beside = _beside(listing, others, said.queries, top)
            explanations += self._explained(part, said, hits, beside)
        return Trace(
            measure=way.name,
            top_k=None if way.terms is None else way.terms.top_k,
            source="index" if way.rows.indexed else "run",
            examples=way.rows.count,
            seconds=seconds,
            run=str(run.path.resolve()),
            run_fingerprint=run.fingerprint,
            index=str(asker.index.path.resolve()) if asker.index else None,
            label_names=run.label_names,
            queries=tuple(explanations),
            options=as_written(options),
            whole_words=words,
            misread=run.misread,
            texts=written_back(run.manifest.source),
            trainings=run.trainings,
            checkpoint_names=(
                tuple(point.name for point in run.checkpoints) if by_checkpoint else ()
            ),
        )

    @once
    def _listing(self) -> Listing:
        tokens = self.run.tokenizer
        return Listing(self.run, Vocabulary(tokens, self.asker.documents, self.asker.rows.count))

    def _explained(
        self,
        question: Question,
        said: Predictions,
        hits: Sequence[tuple[Sequence[Hit], Sequence[Hit]]],
        beside: Sequence[Mapping[str, tuple[Hit, ...]]],
    ) -> list[Explanation]:
        """Return each query's explanation from its proponents and opponents."""
        queries, spell, chat = said.queries, self.run.labelling.spell, self._listing.chat
        dialogues = [None if chat is None else chat.dialogue(one) for one in question.texts]
        return [
            Explanation(
                text=question.texts[place] if dialogue is None else dialogue.text,
                text2=question.texts2[place] if question.texts2 else None,
                label=spell(queries.labels[place]),
                label_source=question.label_source if said.given[place] else "predicted",
                predicted=spell(said.labels[place]),
                predicted_probability=predict.or_none(said.of_predicted[place]),
                probability=predict.or_none(said.probability[place]),
                proponents=tuple(proponents),
                opponents=tuple(opponents),
                words=query_words([*proponents, *opponents]),
                special_share=share([*proponents, *opponents], "special"),
                stop_share=share([*proponents, *opponents], "stop"),
                warning=warning_of(proponents),
                id=question.ids[place] if question.ids else None,
                span=queries.spans[place] if queries.spans else None,
                baselines=dict(beside[place]),
                turns=None if dialogue is None else dialogue.turns,
                conversation=None if dialogue is None else question.texts[place],
            )
            for place, ((proponents, opponents), dialogue) in enumerate(
                zip(hits, dialogues, strict=True)
            )
        ]


def _hits(
    listing: Listing, way: Way, queries: Queries, top: int, *, merged: bool, steps: bool
) -> list[tuple[list[Hit], list[Hit]]]:
    """Return each query's strongest proponents and opponents, with words where there are any."""
    answer = way.ask(queries)
    ranked = answer.rank(top)
    wanted = [one.rows for one in ranked]
    words = answer.words(wanted)
    parts = answer.by_checkpoint(wanted) if steps else None
    found = []
    for place, one in enumerate(ranked):
        listed = listing.hits(
            *(one.rows, one.scores, queries.take(np.array([place])), answer.rows),
            words=None if words is None else words[place],
            # A conversation's template is summed up in any case.
            merged=way.terms if merged or listing.chat is not None else None,
            whole=merged,
        )
        if parts is not None:
            pairs = zip(listed, one.rows.tolist(), strict=True)
            listed = [replace(hit, by_checkpoint=parts[place][row]) for hit, row in pairs]
        split = len(one.proponents)
        found.append((listed[:split], listed[split:]))
    return found


def _beside(
    listing: Listing, others: Mapping[str, Way], queries: Queries, top: int
) -> list[dict[str, tuple[Hit, ...]]]:
    """Return for each query the rows with the largest |score| by other measures."""
    found: list[dict[str, tuple[Hit, ...]]] = [{} for _ in range(len(queries))]
    for name, way in others.items():
        for place, row in enumerate(way.ask(queries).scores()):
            query = queries.take(np.array([place]))
            found[place][name] = _largest(listing, row, top, query, way.rows)
    return found


def _largest(
    listing: Listing, scores: Scores, top: int, query: Queries, source: ScoredRows
) -> tuple[Hit, ...]:
    rows = strongest(np.abs(scores), top)[0]
    return tuple(listing.hits(rows, scores[rows], query, source))
