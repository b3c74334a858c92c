"""One prediction explained: plain data, small, the same in Python, in JSON and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from wordtrace.results.decode import KEY

WordKind = Literal["word", "special", "stop"]
Span = tuple[str, int, int]


@dataclass(frozen=True)
class Word:
    """A token's share of a score, or a whole word's.

    Attributes
    ----------
    token
        As the tokenizer writes it; a whole word is spelled without the marks of its pieces.
    contribution
        Its term of the sum over shared tokens.
    kind
        "special" for start and end tokens, "stop" for those in many training texts, else "word".
        A whole word is "stop" where the two texts share nothing of it but stop tokens.
    spans, query_spans
        Where it stands, ("text" or "text2", start, end) in characters, in the training example
        and in the query.
    query_token
        The query's where it is another one: a token that this one was matched with, or a word that
        shares a piece with this one.
    pieces
        Of a whole word: (token, contribution) of those that the two texts share, by falling size;
        they sum to `contribution`. Empty for a token.
    """

    token: str
    contribution: float
    kind: WordKind
    spans: tuple[Span, ...] = ()
    query_spans: tuple[Span, ...] = ()
    query_token: str | None = None
    pieces: tuple[tuple[str, float], ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the word as JSON."""
        document = asdict(self)
        if not self.pieces:
            del document["pieces"]
        return document


@dataclass(frozen=True)
class Hit:
    """A training example with its influence on the query.

    Attributes
    ----------
    id
        The data's own.
    score
        Positive for a proponent.
    contributions
        By falling size; they sum to the score. None where the measure has no words.
    special_share, stop_share
        How much of Σ|contribution| comes from special and from stop tokens.
    """

    id: str
    score: float
    label: str
    text: str
    text2: str | None = None
    contributions: tuple[Word, ...] | None = field(default=None, metadata={KEY: "words"})
    special_share: float | None = None
    stop_share: float | None = None

    @property
    def words(self) -> list[tuple[str, float]]:
        """(token or word, contribution), by falling size; they sum to the score.

        A word that shares a piece with several of the query's words is there once for each.
        """
        return [(word.token, word.contribution) for word in self.contributions or ()]

    def document(self) -> dict[str, Any]:
        """Return the hit as JSON."""
        document: dict[str, Any] = {
            "id": self.id,
            "score": self.score,
            "label": self.label,
            "text": self.text,
        }
        if self.text2 is not None:
            document["text2"] = self.text2
        if self.contributions is not None:
            document["special_share"] = self.special_share
            document["stop_share"] = self.stop_share
            document["words"] = [word.document() for word in self.contributions]
        return document


@dataclass(frozen=True)
class Explanation:
    """One query's answer.

    Attributes
    ----------
    label, label_source
        The label explained, and whether it was "given", is the "file"'s or the one "predicted".
    predicted, predicted_probability
        What the final model says, and how surely; None for a number.
    probability
        Of `label`, or None.
    proponents, opponents
        Strongest first.
    words
        The query's own tokens, each with its contributions summed over all listed examples.
    special_share, stop_share
        As in :class:`Hit`, over all listed examples together; None without words.
    warning
        Set when the query shares hardly anything but special and stop tokens with its proponents.
    baselines
        The strongest rows by other measures, by name.
    span
        The part of a language model's answer that is explained, ("text" or "text2", start, end) in
        characters; None for all of it. Then `probability` is that of its tokens.
    id
        Of the query in its file; None for a text that was given by itself.
    """

    text: str
    text2: str | None
    label: str
    label_source: Literal["given", "file", "predicted"]
    predicted: str
    predicted_probability: float | None
    probability: float | None
    proponents: tuple[Hit, ...]
    opponents: tuple[Hit, ...]
    words: tuple[Word, ...] = ()
    special_share: float | None = None
    stop_share: float | None = None
    warning: str | None = None
    baselines: Mapping[str, tuple[Hit, ...]] = field(default_factory=dict)
    span: Span | None = None
    id: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the explanation as JSON."""
        document: dict[str, Any] = {} if self.id is None else {"id": self.id}
        document["text"] = self.text
        if self.text2 is not None:
            document["text2"] = self.text2
        for name in (
            "label",
            "label_source",
            "predicted",
            "predicted_probability",
            "probability",
            "special_share",
            "stop_share",
            "warning",
        ):
            document[name] = getattr(self, name)
        if self.span is not None:
            document["span"] = list(self.span)
        document["words"] = [word.document() for word in self.words]
        document["proponents"] = [hit.document() for hit in self.proponents]
        document["opponents"] = [hit.document() for hit in self.opponents]
        if self.baselines:
            document["baselines"] = {
                name: [hit.document() for hit in hits] for name, hits in self.baselines.items()
            }
        return document


def share(hits: Sequence[Hit], kind: WordKind) -> float | None:
    """Return the part of Σ|contribution| over all hits that is of one kind; None without words."""
    words = [word for hit in hits for word in hit.contributions or ()]
    total = sum(abs(word.contribution) for word in words)
    if not total:
        return None
    return sum(abs(word.contribution) for word in words if word.kind == kind) / total
