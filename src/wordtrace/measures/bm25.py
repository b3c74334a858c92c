"""BM25 on the texts alone: a baseline that any claim must beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from wordtrace.measures.protocol import About, Queries, Scores
from wordtrace.models.chat_tokenizer import ChatTokenizer
from wordtrace.run.run import Run


@dataclass(frozen=True)
class BM25:
    """The BM25 score of the training text for the query, with its sign from the labels.

    It is positive where the example has the query's label, and negative where not. It knows nothing
    of the model. The bm25s library computes it (Lucene's variant, k1 = 1.5, b = 0.75) on words of
    two letters and more, in lower case, without a list of stop words.
    """

    about: ClassVar = About(
        equation="±BM25(x, x′), the sign by the labels' agreement",
        needs="the run's texts",
        cost="splits n texts into words, then reads the words' lists",
        reads_texts=True,
        passes=False,
        reads_model=False,
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return signed similarities, float32, shape (queries, examples)."""
        import bm25s

        words = bm25s.tokenize(
            said(run, run.train.texts, run.train.texts2), stopwords=None, show_progress=False
        )
        scores = np.zeros((len(queries), len(run.train)), np.float32)
        if not words.vocab or not any(len(ids) for ids in words.ids):
            return scores  # no text has a word of two letters
        retriever = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
        retriever.index(words, show_progress=False)
        asked = bm25s.tokenize(
            said(run, queries.texts, queries.texts2),
            stopwords=None,
            show_progress=False,
            return_ids=False,
        )
        for place, terms in enumerate(asked):
            known = [term for term in terms if term in words.vocab]
            scores[place] = retriever.get_scores(known) if known else 0
            alike = run.labelling.agree(run.train.labels, queries.labels[place])
            scores[place, ~alike] *= -1
        return scores


def said(run: Run, texts: Sequence[str], texts2: Sequence[str] | None) -> list[str]:
    """Return :func:`joined`; of a conversation, what its messages say."""
    if isinstance(run.tokenizer, ChatTokenizer):
        return list(map(run.tokenizer.contents, texts))
    return joined(texts, texts2)


def joined(texts: Sequence[str], texts2: Sequence[str] | None) -> list[str]:
    """Return one string for each example; the two texts of a pair stand on two lines."""
    if texts2 is None:
        return list(texts)
    return [f"{one}\n{two}" for one, two in zip(texts, texts2, strict=True)]
