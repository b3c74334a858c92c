"""The examples that a trace lists: their text, label, and words with their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from wordtrace.asking.predictions import sparing_threads
from wordtrace.asking.rows import ScoredRows
from wordtrace.data.examples import Examples
from wordtrace.explain.merge import merge, placed, placed_in_turns
from wordtrace.explain.prediction import Hit, Word, share
from wordtrace.explain.words import Vocabulary, make_words, places
from wordtrace.measures.position_products import Terms
from wordtrace.measures.protocol import Queries
from wordtrace.measures.word_level import TokenPairs
from wordtrace.models.chat_tokenizer import ChatTokenizer
from wordtrace.run.run import Run


@dataclass(frozen=True)
class Listing:
    """Makes hits from rows and scores."""

    run: Run
    vocabulary: Vocabulary

    @property
    def chat(self) -> ChatTokenizer | None:
        """The tokenizer of a run of conversations; None for other runs."""
        tokenizer = self.run.tokenizer
        return tokenizer if isinstance(tokenizer, ChatTokenizer) else None

    def hits(
        self,
        rows: npt.NDArray[np.int64],
        scores: npt.NDArray[np.float32],
        query: Queries,
        source: ScoredRows,
        words: dict[int, TokenPairs] | None = None,
        merged: Terms | None = None,
        *,
        whole: bool = True,
    ) -> list[Hit]:
        """Return examples with what is known about them, in the order given.

        Parameters
        ----------
        rows, scores
            The examples' rows and scores: int64 and float32, shape (examples,).
        query
            The query that the scores are for.
        source
            The examples to which `rows` refer.
        words
            Each row's contributions by token; None where the measure has none.
        merged
            How to sum contributions by whole word; None keeps them by token.
        whole
            Of a conversation, False keeps its tokens, too: only the template's are summed.
        """
        examples = source.take(rows)
        found: list[tuple[Word, ...]] | None = None
        if words is not None:
            terms = [words[row] for row in rows.tolist()]
            found = self._words(terms, examples, query, merged, whole)
        chat = self.chat
        hits = []
        for at in range(len(rows)):
            text, text2 = _texts(examples.texts, examples.texts2, at)
            dialogue = None if chat is None else chat.dialogue(text)
            hit = Hit(
                id=examples.ids[at],
                score=float(scores[at]),
                label=self.run.labelling.spell(examples.labels[at]),
                text=text if dialogue is None else dialogue.text,
                text2=text2,
                contributions=None if found is None else found[at],
                turns=None if dialogue is None else dialogue.turns,
            )
            hits.append(_with_shares(hit))
        return hits

    def _words(
        self,
        terms: Sequence[TokenPairs],
        examples: Examples,
        query: Queries,
        merged: Terms | None,
        whole: bool,
    ) -> list[tuple[Word, ...]]:
        """Return each example's words: whole words where `merged` says how, else tokens."""
        texts = [*examples.texts, *query.texts]
        texts2 = None
        if examples.texts2 is not None and query.texts2 is not None:
            texts2 = [*examples.texts2, *query.texts2]
        positions = [
            *self.run.positions(examples),
            *self.run.tokenizer.positions(query.texts, query.texts2),
        ]
        if merged is None:
            spots = [places(one) for one in positions]
            return [
                make_words(one, spots[at], spots[-1], self.vocabulary)
                for at, one in enumerate(terms)
            ]
        every = [
            placed(one, *_texts(texts, texts2, at), self.vocabulary)
            if self.chat is None
            else placed_in_turns(one, self.chat.dialogue(texts[at]), self.vocabulary, whole=whole)
            for at, one in enumerate(positions)
        ]
        with sparing_threads(self.run, query):
            return merge(
                *(self.run, merged, query, every[-1]),
                *(examples, every[:-1], terms, self.vocabulary),
            )


def _with_shares(hit: Hit) -> Hit:
    if hit.contributions is None:
        return hit
    return replace(hit, special_share=share([hit], "special"), stop_share=share([hit], "stop"))


def _texts(
    texts: Sequence[str], texts2: Sequence[str] | None, place: int
) -> tuple[str, str | None]:
    return texts[place], None if texts2 is None else texts2[place]
