"""The word by which a row harms a prediction most, and its positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wordtrace.explain.prediction import Hit, Span
from wordtrace.models.tokenizer import TokenAt


@dataclass(frozen=True)
class HarmfulWord:
    """A word of a training row.

    Attributes
    ----------
    word
        The word as it is written in the text.
    positions
        The positions, in the encoded row, of all tokens of its occurrences.
    spans
        Its occurrences as ("text" or "text2", start, end) in characters, in rising order.
    """

    word: str
    positions: tuple[int, ...]
    spans: tuple[Span, ...]


def harmful_word(hit: Hit, positions: Sequence[TokenAt]) -> HarmfulWord | None:
    """Return the word, with all its pieces, whose token contributes most against the label.

    Parameters
    ----------
    hit
        An opponent with contributions.
    positions
        Its tokens, from :meth:`.Tokenizer.positions`.

    Returns
    -------
    HarmfulWord or None
        None where only special tokens contribute against the label.
    """
    against = [word for word in hit.contributions or () if word.contribution < 0 and word.spans]
    if not against:
        return None
    token = min(against, key=lambda word: (word.contribution, word.token))
    texts = {"text": hit.text, "text2": hit.text2 or ""}
    spans = sorted({_whole(texts[field], field, start, end) for field, start, end in token.spans})
    covered = [
        place
        for place, one in enumerate(positions)
        if one.span is not None and any(_inside(one.span, span) for span in spans)
    ]
    field, start, end = spans[0]
    return HarmfulWord(texts[field][start:end], tuple(covered), tuple(spans))


def _whole(text: str, field: str, start: int, end: int) -> Span:
    """Widen a piece to the word that it belongs to: adjacent letters and digits."""
    if start < end and text[start:end].isalnum():
        while start and text[start - 1].isalnum():
            start -= 1
        while end < len(text) and text[end].isalnum():
            end += 1
    return field, start, end


def _inside(piece: Span, word: Span) -> bool:
    return piece[0] == word[0] and word[1] <= piece[1] and piece[2] <= word[2]
