"""The words of a conversation: those of each message with its role, and the template between them.

No word crosses the border of a message. What the template writes between two contents is one word,
whose role is "template".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from wordtrace.models.chat_turns import Dialogue
from wordtrace.models.protocol import TextTokenizer
from wordtrace.models.tokenizer import Span, TokenAt
from wordtrace.models.whole_words import WholeWords, covered, grouped

#: The role of what no message says.
TEMPLATE = "template"


def chat_words(
    positions: Sequence[TokenAt], dialogue: Dialogue, tokenizer: TextTokenizer, *, whole: bool
) -> WholeWords:
    """Join the tokens of each word, and those of each stretch of the template.

    Parameters
    ----------
    positions
        What the tokenizer's ``positions`` gives for the conversation.
    whole
        Join tokens to words; else each token of a message stands alone.
    """
    texts = {"text": dialogue.text, "text2": ""}
    names: list[str] = []
    spans: dict[str, list[Span]] = {}
    said: dict[str, tuple[str, str]] = {}
    for role, group in _groups(positions, dialogue, whole):
        place = covered(group, texts)
        if role == TEMPLATE:
            word = _stretch(group, dialogue.text)
        else:
            ids = [one.token for one in group]
            word = tokenizer.word(ids) if whole else tokenizer.token(ids[0])
        name = f"{role}\n{word}"
        said[name] = word, role
        names += [name] * len(group)
        if place is not None:
            spans.setdefault(name, []).append(place)
    return WholeWords(tuple(names), {key: tuple(one) for key, one in spans.items()}, said)


def _groups(
    positions: Sequence[TokenAt], dialogue: Dialogue, whole: bool
) -> Iterator[tuple[str, list[TokenAt]]]:
    """Yield the tokens of each word, and of each stretch of the template, with their role."""
    placed = zip(positions, _turns(positions, dialogue), strict=True)
    for turn, part in groupby(placed, key=lambda one: one[1]):
        tokens = [one for one, _ in part]
        if turn is None:
            yield TEMPLATE, tokens
            continue
        role = dialogue.turns[turn].role
        if whole:
            yield from ((role, one) for one in grouped(tokens, {"text": dialogue.text}))
        else:
            yield from ((role, [one]) for one in tokens)


def _turns(positions: Sequence[TokenAt], dialogue: Dialogue) -> list[int | None]:
    """Return the message that each token stands in, or reaches into; None for the template's."""
    found: list[int | None] = []
    turns, at = dialogue.turns, 0
    for one in positions:
        assert one.span is not None
        _, start, end = one.span
        while at < len(turns) and turns[at].end <= start:
            at += 1
        inside = at < len(turns) and end > turns[at].start
        found.append(at if inside else None)
    return found


def _stretch(group: Sequence[TokenAt], text: str) -> str:
    """Return what a stretch of the template says, in one line."""
    spans = [one.span for one in group if one.span is not None]
    written = text[spans[0][1] : spans[-1][2]]
    return written.replace("\n", "⏎")
