"""From the positions of a tokenized text to the words that people read.

Tokenizers disagree on what a word is (some cut at white space alone, some at punctuation, some not
at all), so words are told from the text: two neighbouring tokens belong to one word where the
Unicode rules for word boundaries (UAX #29) see none between them. Letters, digits, marks and
underscores hold together; so do an apostrophe or a full stop between two letters, and a full stop
or a comma between two digits. In scripts that are written without spaces (katakana aside) a token
is a word, since nothing but a dictionary tells more. Any other character stands alone, unless the
tokenizer itself has it in one token with its neighbour: a token is never cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import regex

from wordtrace.models.protocol import TextTokenizer
from wordtrace.models.tokenizer import Span, TokenAt

# The Unicode word boundaries.
_BOUNDARY = regex.compile(r"(?w)\b")
#: Whether there is one at a place is told by so few characters behind it.
_BEYOND = 64


@dataclass(frozen=True)
class WholeWords:
    """The words of an example.

    Attributes
    ----------
    names
        One a position: the word that its token belongs to, as the tokenizer reads it (an uncased
        one in small letters). The same name is the same word, wherever it stands.
    spans
        Where each word stands; special tokens stand nowhere.
    said
        For a conversation, by name: the word, and the role of the message that it stands in.
    """

    names: tuple[str, ...]
    spans: dict[str, tuple[Span, ...]]
    said: dict[str, tuple[str, str]] = field(default_factory=dict)

    def word(self, name: str) -> tuple[str, str | None]:
        """Return the word behind a name, and its role; None but in a conversation."""
        return self.said.get(name, (name, None))


def whole_words(
    positions: Sequence[TokenAt],
    text: str,
    text2: str | None,
    tokenizer: TextTokenizer,
) -> WholeWords:
    """Join the tokens of each word.

    Parameters
    ----------
    positions
        What the tokenizer's ``positions`` gives for the example.
    """
    texts = {"text": text, "text2": text2 or ""}
    names: list[str] = []
    spans: dict[str, list[Span]] = {}
    for group in grouped(positions, texts):
        name = tokenizer.word([one.token for one in group])
        names += [name] * len(group)
        place = covered(group, texts)
        if place is not None:
            spans.setdefault(name, []).append(place)
    return WholeWords(tuple(names), {name: tuple(found) for name, found in spans.items()})


def grouped(positions: Sequence[TokenAt], texts: dict[str, str]) -> list[list[TokenAt]]:
    """Return the tokens of each word, in their order."""
    boundaries = {
        field: {found.start() for found in _BOUNDARY.finditer(text[: _read(positions, field)])}
        for field, text in texts.items()
    }
    groups: list[list[TokenAt]] = []
    for one in positions:
        if groups and _holds_together(groups[-1], one, texts, boundaries):
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _read(positions: Sequence[TokenAt], field: str) -> int:
    """Return where the tokens end in a text, and some more: the model may read a little of it."""
    ends = [one.span[2] for one in positions if one.span is not None and one.span[0] == field]
    return max(ends, default=0) + _BEYOND


def _holds_together(
    group: Sequence[TokenAt],
    one: TokenAt,
    texts: dict[str, str],
    boundaries: dict[str, set[int]],
) -> bool:
    if one.span is None or group[-1].span is None:
        return False
    field, start, _ = one.span
    before, first, end = group[-1].span
    if field != before:
        return False
    if start < end:  # both hold a part of one character, or of a word's beginning
        return True
    text = texts[field]
    if text[first:end].strip(" ") == "":
        # A space that is a token of its own belongs to what it precedes.
        return text[end:start].strip(" ") == "" and not text[start].isspace()
    if any(character.isspace() for character in text[end - 1 : start + 1]):
        return False
    return boundaries[field].isdisjoint(range(end, start + 1))


def covered(group: Sequence[TokenAt], texts: dict[str, str]) -> Span | None:
    """Return where a word stands, without the space before it."""
    spans = [one.span for one in group if one.span is not None]
    if not spans:
        return None
    field, start, end = spans[0][0], min(one[1] for one in spans), max(one[2] for one in spans)
    while start < end - 1 and texts[field][start].isspace():
        start += 1
    return field, start, end
