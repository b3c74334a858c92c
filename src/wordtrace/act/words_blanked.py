"""The word through which a row harms a prediction most, and the positions that hold it."""

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
        As it stands in the text.
    positions
        All tokens of its occurrences, as positions of the encoded row.
    spans
        Its occurrences, ("text" or "text2", start, end) in characters, by rising place.
    """

    word: str
    positions: tuple[int, ...]
    spans: tuple[Span, ...]


def harmful_word(hit: Hit, positions: Sequence[TokenAt]) -> HarmfulWord | None:
    """Return the word of the token that contributes most against the label, all its pieces.

    Parameters
    ----------
    hit
        An opponent with contributions.
    positions
        Its tokens, from :meth:`.Tokenizer.positions`.

    Returns
    -------
    HarmfulWord or None
        None where only special tokens speak against the label.
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


def without(text: str, field: str, spans: Sequence[Span]) -> str:
    """Return a text with some of its spans taken out, and the space before each."""
    for where, start, end in sorted(spans, reverse=True):
        if where == field:
            begin = start - 1 if start and text[start - 1] == " " else start
            text = text[:begin] + text[end:]
    return text


def _whole(text: str, field: str, start: int, end: int) -> Span:
    """Widen a piece to the word that it is part of: letters and digits that touch."""
    if start < end and text[start:end].isalnum():
        while start and text[start - 1].isalnum():
            start -= 1
        while end < len(text) and text[end].isalnum():
            end += 1
    return field, start, end


def _inside(piece: Span, word: Span) -> bool:
    return piece[0] == word[0] and word[1] <= piece[1] and piece[2] <= word[2]
