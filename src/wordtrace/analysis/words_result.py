"""The result of the analysis of words: their importance, and the similarity of two texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, Self

import pyarrow as pa

from wordtrace.models.tokenizer import Span
from wordtrace.results.decode import decode
from wordtrace.results.result import Result

FORMAT, VERSION = "wordtrace-words", 1

_FIELDS = ("token", "importance", "positions", "special")


@dataclass(frozen=True)
class ImportantWord:
    """A token of a text, or a whole word.

    Attributes
    ----------
    token
        The token as the tokenizer writes it; a whole word is spelled without the marks of its
        pieces.
    importance
        ‖∂f_label/∂Θ_w‖, with the gradient summed over the token's positions. For a whole word it is
        the root of Σ_w ‖·‖² over its tokens w, each at its positions in this word.
    positions
        The number of places at which it stands.
    special
        Whether it is a start or end token.
    spans
        Where it stands, ("text" or "text2", start, end) in characters.
    """

    token: str
    importance: float
    positions: int
    special: bool
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class WeighedText:
    """A text with the importance of its words.

    Attributes
    ----------
    text2
        The second text of a pair, else None.
    label, label_source
        The label that is explained, and whether it was "given" or "predicted".
    predicted, predicted_probability
        The label that the final model predicts, and its probability, which is None for a number.
    probability
        The probability of `label`, or None; for a language model, that of `span`.
    span
        The part of a language model's answer that is explained; None for the whole answer.
    words
        Each distinct token, by falling importance.
    """

    text: str
    text2: str | None
    label: str
    label_source: Literal["given", "predicted"]
    predicted: str
    predicted_probability: float | None
    probability: float | None
    words: tuple[ImportantWord, ...]
    span: Span | None = None


@dataclass(frozen=True)
class SharedWord:
    """A token that both texts hold, or two words that share one.

    Attributes
    ----------
    similarity
        Its term of TracIn-WE: over 0 where the two texts pull its embedding the same way.
    cosine
        The cosine of the two gradients (:class:`.word_gradients.Agreement`).
    spans, other_spans
        Where it stands in the first and in the second text.
    other_token
        The second text's word, where it differs from that of the first.
    """

    token: str
    similarity: float
    cosine: float | None
    special: bool
    spans: tuple[Span, ...]
    other_spans: tuple[Span, ...]
    other_token: str | None = None


@dataclass(frozen=True)
class Similarity:
    """The influence of one text on the other, by word.

    Attributes
    ----------
    score
        TracIn-WE of the two texts, the sum of the words' similarities.
    special_share
        How much of the sum of absolute similarities comes from start and end tokens; None where
        all are 0.
    words
        The words, by falling absolute similarity.
    """

    score: float
    special_share: float | None
    words: tuple[SharedWord, ...]


@dataclass(frozen=True)
class Words(Result):
    """One text's words, or two texts' beside each other.

    Attributes
    ----------
    run
        Its folder.
    step
        The checkpoint at which importance was taken.
    checkpoints
        (step, η_c) of those over which similarity is summed.
    max_length, truncated
        The most tokens of a text, and how many of the texts were longer and lost their end.
    texts
        One or two.
    similarity
        None of one text.
    whole_words
        Whether everything is told by whole word; else it is by token.
    misread
        Of a run whose training was adopted though its logged loss does not fit: what does not.
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION
    noun: ClassVar[str] = "a weighing of words"

    run: str
    step: int
    checkpoints: tuple[tuple[int, float], ...]
    max_length: int
    truncated: int
    texts: tuple[WeighedText, ...]
    similarity: Similarity | None = None
    whole_words: bool = False
    misread: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the words that a document describes; ValueError where it is not whole."""
        pairs = [(one["step"], one["learning_rate"]) for one in document["checkpoints"]]
        return decode(cls, {**document, "checkpoints": pairs})

    def document(self) -> dict[str, Any]:
        """Return the result as a JSON document."""
        document = {"format": FORMAT, "version": VERSION, **asdict(self)}
        if self.misread is None:
            del document["misread"]
        document["checkpoints"] = [
            {"step": step, "learning_rate": rate} for step, rate in self.checkpoints
        ]
        for text in document["texts"]:
            if text["text2"] is None:
                del text["text2"]
            if text["span"] is None:
                del text["span"]
        for word in document["similarity"]["words"] if self.similarity else ():
            if word["other_token"] is None:
                del word["other_token"]
        return document

    def table(self) -> Any:
        """Return a pyarrow table with one row for each word of each text.

        Columns: place (1 or 2: which text), label, token, importance, positions, special.
        """
        rows = [
            {
                "place": place,
                "label": text.label,
                **{name: getattr(word, name) for name in _FIELDS},
            }
            for place, text in enumerate(self.texts, 1)
            for word in text.words
        ]
        return pa.Table.from_pylist(rows)
