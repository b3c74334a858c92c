"""BM25 on the texts alone: a baseline that any claim must beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np

from wordtrace.measures.protocol import About, Queries, Scores
from wordtrace.models.chat_tokenizer import ChatTokenizer
from wordtrace.run.run import Run

#: The lists of each run's words: its texts are split once, however many questions are asked.
_LISTS: WeakKeyDictionary[Run, Any] = WeakKeyDictionary()
_splitting = Lock()


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
        cost="splits n texts into words once, then reads the words' lists",
        reads_texts=True,
        passes=False,
        reads_model=False,
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return signed similarities, float32, shape (queries, examples)."""
        import bm25s

        scores = np.zeros((len(queries), len(run.train)), np.float32)
        lists = _lists(run)
        if lists is None:
            return scores  # no text has a word of two letters
        asked = bm25s.tokenize(
            said(run, queries.texts, queries.texts2),
            stopwords=None,
            show_progress=False,
            return_ids=False,
        )
        for place, terms in enumerate(asked):
            known = [term for term in terms if term in lists.vocab_dict]
            scores[place] = lists.get_scores(known) if known else 0
            alike = run.labelling.agree(run.train.labels, queries.labels[place])
            scores[place, ~alike] *= -1
        return scores


def _lists(run: Run) -> Any:
    """Return the lists of the training texts' words; None where no text has a word."""
    import bm25s

    with _splitting:
        if run not in _LISTS:
            words = bm25s.tokenize(
                said(run, run.train.texts, run.train.texts2), stopwords=None, show_progress=False
            )
            _LISTS[run] = None
            if words.vocab and any(len(ids) for ids in words.ids):
                _LISTS[run] = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
                _LISTS[run].index(words, show_progress=False)
        return _LISTS[run]


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
