"""From a score's tokens to words with their places in the texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wordtrace.explain.prediction import Hit, Span, Word, WordKind
from wordtrace.measures.token_filters import are_stop
from wordtrace.models.protocol import TextTokenizer
from wordtrace.models.tokenizer import TokenAt


@dataclass(frozen=True)
class Vocabulary:
    """Tokens as people read them, with their kinds.

    Attributes
    ----------
    documents
        int64, shape (vocabulary,): the number of training texts that hold each token.
    examples
        The number of training texts.
    """

    tokenizer: TextTokenizer
    documents: npt.NDArray[np.int64]
    examples: int

    def kind(self, token: int) -> WordKind:
        """Return a token's kind: special, stop (in over 20 % of the training texts) or word."""
        if token in self.tokenizer.special:
            return "special"
        return "stop" if are_stop(self.documents[token], self.examples) else "word"


def places(positions: Sequence[TokenAt]) -> dict[int, tuple[Span, ...]]:
    """Return the places in the text at which each token stands."""
    found: dict[int, list[Span]] = {}
    for position in positions:
        if position.span is not None:
            found.setdefault(position.token, []).append(position.span)
    return {token: tuple(spans) for token, spans in found.items()}


def make_words(
    contributions: Mapping[tuple[int, int], float],
    example: Mapping[int, tuple[Span, ...]],
    query: Mapping[int, tuple[Span, ...]],
    vocabulary: Vocabulary,
) -> tuple[Word, ...]:
    """Return the words that an example and a query share, by falling size of contribution."""
    return tuple(
        Word(
            vocabulary.tokenizer.token(token),
            value,
            vocabulary.kind(token),
            example.get(token, ()),
            query.get(other, ()),
            None if other == token else vocabulary.tokenizer.token(other),
        )
        for (token, other), value in sorted(
            contributions.items(), key=lambda item: (-abs(item[1]), item[0])
        )
    )


def query_words(hits: Sequence[Hit]) -> tuple[Word, ...]:
    """Sum the hits' words by the query's token, by falling size, with the query's spans.

    A word through which a row acts although the query does not hold it is left out.
    """
    found: dict[tuple[str, str | None], Word] = {}
    for word in (word for hit in hits for word in hit.contributions or ()):
        token, role = word.query_token or word.token, word.query_role
        if not word.query_spans and word.kind != "special":
            continue
        before = found.get((token, role))
        total, kind = word.contribution, word.kind
        if before is not None:
            total += before.contribution
            # A whole word may share more pieces with some examples than with others.
            kind = kind if kind == before.kind else "word"
        spans = word.query_spans
        found[token, role] = Word(token, total, kind, spans, spans, role=role, query_role=role)
    return tuple(sorted(found.values(), key=lambda word: (-abs(word.contribution), word.token)))


def warning_of(proponents: Sequence[Hit]) -> str | None:
    """Return a warning when proponents share little but special and stop tokens (section 4.5).

    That is the case when at least half of the listed proponents' contributions come from them.
    """
    words = [word for hit in proponents for word in hit.contributions or ()]
    total = sum(abs(word.contribution) for word in words)
    telling = sum(abs(word.contribution) for word in words if word.kind == "word")
    if not total or telling > 0.5 * total:
        return None
    shared = "hardly a word" if telling <= 0.1 * total else "few words"
    return (
        f"The query shares {shared} with its proponents: "
        f"{1 - telling / total:.0%} of their scores comes from special and stop tokens. "
        "Read the ranking with care, or trace it without special and stop tokens."
    )
