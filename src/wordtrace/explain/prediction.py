"""The explanation of one prediction: small, plain data, the same in Python, JSON and HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from wordtrace.models.chat_turns import Turn
from wordtrace.results.decode import KEY

WordKind = Literal["word", "special", "stop"]
Span = tuple[str, int, int]


@dataclass(frozen=True)
class Word:
    """The contribution of a token, or of a whole word, to a score.

    Attributes
    ----------
    token
        The token as the tokenizer writes it; a whole word is spelled without the marks of its
        pieces.
    contribution
        Its term of the sum over shared tokens.
    kind
        "special" for start and end tokens, "stop" for those in many training texts, else "word".
        A whole word is "stop" if the two texts share only stop tokens of it.
    spans, query_spans
        Where it stands in the training example and in the query, as ("text" or "text2", start, end)
        in characters.
    query_token
        The query's token or word, where it is a different one: the token that this one was matched
        with, or a word that shares a piece with this one.
    pieces
        For a whole word: (token, contribution) of each token that the two texts share, by falling
        size; they sum to `contribution`. Empty for a token.
    role, query_role
        In a conversation: whose message the word stands in, in the example and in the query, such
        as "user" or "assistant"; "template" for what the chat template writes between messages.
    """

    token: str
    contribution: float
    kind: WordKind
    spans: tuple[Span, ...] = ()
    query_spans: tuple[Span, ...] = ()
    query_token: str | None = None
    pieces: tuple[tuple[str, float], ...] = ()
    role: str | None = None
    query_role: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the word as JSON."""
        document = asdict(self)
        if not self.pieces:
            del document["pieces"]
        for name in ("role", "query_role"):
            if document[name] is None:
                del document[name]
        return document


@dataclass(frozen=True)
class Hit:
    """A training example with its influence on the query.

    Attributes
    ----------
    id
        The example's id in the data.
    score
        Its influence on the query; positive for a proponent.
    contributions
        The words' contributions by falling size; they sum to the score. None where the measure has
        no words.
    special_share, stop_share
        How much of Σ|contribution| comes from special and from stop tokens.
    by_checkpoint
        Where it was asked for and the measure has words: the score's part at each checkpoint, in
        their order; they sum to the score.
    turns
        Of a conversation, whose `text` is as the model reads it: where each message's content
        stands. None for other texts.
    """

    id: str
    score: float
    label: str
    text: str
    text2: str | None = None
    contributions: tuple[Word, ...] | None = field(default=None, metadata={KEY: "words"})
    special_share: float | None = None
    stop_share: float | None = None
    turns: tuple[Turn, ...] | None = None
    by_checkpoint: tuple[float, ...] | None = None

    @property
    def words(self) -> list[tuple[str, float]]:
        """Pairs (token or word, contribution), by falling size; they sum to the score.

        A word that shares a piece with several of the query's words is listed once for each.
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
        if self.turns is not None:
            document["turns"] = [asdict(turn) for turn in self.turns]
        if self.contributions is not None:
            document["special_share"] = self.special_share
            document["stop_share"] = self.stop_share
            document["words"] = [word.document() for word in self.contributions]
        if self.by_checkpoint is not None:
            document["by_checkpoint"] = list(self.by_checkpoint)
        return document


@dataclass(frozen=True)
class Explanation:
    """The explanation of one query's prediction.

    Attributes
    ----------
    label, label_source
        The label that is explained, and where it comes from: "given", "file" or "predicted".
    predicted, predicted_probability
        The label that the final model predicts, and its probability, which is None for a number.
    probability
        The probability of `label`, or None.
    proponents, opponents
        The examples for and against the label, strongest first.
    words
        The query's own tokens, each with its contributions summed over all listed examples.
    special_share, stop_share
        See :class:`Hit`; here over all listed examples together. None without words.
    warning
        A sentence, if the query shares hardly more than special and stop tokens with its
        proponents.
    baselines
        The strongest rows by other measures, by name.
    span
        The part of a language model's answer that is explained, as ("text" or "text2", start, end)
        in characters; `probability` is then that of its tokens. None for the whole answer.
    id
        The query's id in its file; None for a text that was given by itself.
    turns
        See :class:`Hit`.
    conversation
        The conversation's own document, with which its model can be asked again; None for other
        texts.
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
    turns: tuple[Turn, ...] | None = None
    conversation: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the explanation as JSON."""
        document: dict[str, Any] = {} if self.id is None else {"id": self.id}
        document["text"] = self.text
        if self.text2 is not None:
            document["text2"] = self.text2
        if self.turns is not None:
            document["turns"] = [asdict(turn) for turn in self.turns]
        if self.conversation is not None:
            document["conversation"] = self.conversation
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
    """Return how much of Σ|contribution| over all hits is of one kind; None without words."""
    words = [word for hit in hits for word in hit.contributions or ()]
    total = sum(abs(word.contribution) for word in words)
    if not total:
        return None
    return sum(abs(word.contribution) for word in words if word.kind == kind) / total
