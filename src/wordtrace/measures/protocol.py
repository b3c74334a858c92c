"""What a measure is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from wordtrace.data.batches import Encoded
from wordtrace.data.labelling import Labels
from wordtrace.errors import InputError
from wordtrace.models.answer_spans import Passage, find_span, narrow
from wordtrace.models.chat_tokenizer import ChatTokenizer
from wordtrace.models.tokenizer import Span
from wordtrace.run.run import Run

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Queries:
    """Texts with predictions to explain, each for one label.

    Attributes
    ----------
    texts, texts2
        The texts as given; `texts2` is None unless the run's examples are pairs.
    labels
        The labels to explain (their loss is traced), in the form of
        :class:`.data.labelling.Labelling`.
    encoded
        The texts' token ids.
    spans
        For a language model: the part of each answer to explain (its loss is traced), in
        characters. None for one query means its whole answer; None alone means this for all.
    has_texts
        False where only token ids are known; `texts` are then empty strings.
    """

    texts: Sequence[str]
    texts2: Sequence[str] | None
    labels: Labels
    encoded: Encoded
    spans: Sequence[Span | None] | None = None
    has_texts: bool = True

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: npt.NDArray[np.int64]) -> Queries:
        """Return some of the queries, in the order of `rows`."""
        return Queries(
            [self.texts[row] for row in rows],
            None if self.texts2 is None else [self.texts2[row] for row in rows],
            self.labels[rows],
            self.encoded.take(rows),
            None if self.spans is None else [self.spans[row] for row in rows],
            self.has_texts,
        )

    def require_texts(self, what: str) -> None:
        """Refuse queries that have token ids alone, for `what` reads the texts (InputError)."""
        if not self.has_texts:
            raise InputError(f"{what} reads texts; give texts in place of token ids.")


@dataclass(frozen=True)
class About:
    """What a user should know about a measure.

    Attributes
    ----------
    equation
        In the symbols of the documentation, with the paper's number.
    needs
        What it reads.
    cost
        The cost for n training examples, q queries and c checkpoints.
    by_word
        Whether its scores split into words.
    reads_texts
        Whether it reads the queries' texts themselves, and not their token ids alone. There is no
        default: a measure that forgot to say so would be given empty strings where a caller has
        only token ids.
    passes
        Whether it passes all examples through the model, where no index answers it.
    reads_model
        Whether it reads the model or its gradients: if not, all trainings of the same rows give the
        same scores.
    """

    equation: str
    needs: str
    cost: str
    by_word: bool = False
    reads_texts: bool = field(kw_only=True)
    passes: bool = field(default=True, kw_only=True)
    reads_model: bool = field(default=True, kw_only=True)


class Measure(Protocol):
    """A function that gives the influence of each training example on each query.

    Positive means proponent: training on the example lowers the query's loss.
    """

    @property
    def about(self) -> About:
        """What a user should know about it."""
        ...

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return influences, float32, shape (queries, examples): [i, j] is of j on query i."""
        ...


def make_queries(
    run: Run,
    texts: Sequence[str],
    labels: Labels,
    texts2: Sequence[str] | None = None,
    parts: Sequence[Passage | None] | None = None,
    *,
    first: int = 0,
) -> Queries:
    """Tokenize texts as the run does.

    Parameters
    ----------
    parts
        For a language model: the part of each answer to explain; None for the whole answer.
    first
        The number of the first text, for messages.

    Raises
    ------
    InputError
        When there are no texts, when one is empty, or when pairs are given to a run of single texts
        (or the reverse); for a part that does not stand exactly once in the answer, or a part when
        the run is of a model that gives no answers.
    """
    if len(texts) == 0:
        raise InputError("there is no query; give at least one text.")
    for place, text in enumerate(texts):
        if not text.strip():
            raise InputError(f"query {first + place} is empty; give a text.")
    for place, text in enumerate([*texts, *(texts2 or [])]):
        if not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text):
            number = first + place % len(texts)
            raise InputError(f"query {number} is not UTF-8; give its text as UTF-8.")
    if (texts2 is not None) != run.has_pairs:
        expected = "pairs of texts" if run.has_pairs else "single texts"
        raise InputError(f"this run was trained on {expected}; give the queries in the same way.")
    tokenizer = run.tokenizer
    chat = tokenizer if isinstance(tokenizer, ChatTokenizer) else None
    # Of a conversation, its answer is what is explained.
    encoded = tokenizer.encode(texts, texts2) if chat is None else chat.answers(texts, first)
    if parts is None or all(part is None for part in parts):
        return Queries(texts, texts2, labels, encoded)
    if not run.generates:
        raise InputError(
            "a span is a part of an answer, and this run's model gives labels; omit it."
        )
    field, answers = ("text", texts) if texts2 is None else ("text2", texts2)
    places = [(0, one) for one in answers] if chat is None else list(map(chat.answer, texts))
    spans = [
        None if part is None else _moved(find_span(part, field, answer, f"query {place}"), begin)
        for place, (part, (begin, answer)) in enumerate(zip(parts, places, strict=True), first)
    ]
    encoded = narrow(encoded, run.tokenizer.positions(texts, texts2), spans, first)
    return Queries(texts, texts2, labels, encoded, spans)


def _moved(span: Span, begin: int) -> Span:
    field, start, end = span
    return field, begin + start, begin + end
