"""A text as it is shown: whole, the two of a pair, or a conversation message by message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wordtrace.report.text import Segment, line, segments

#: The role of a word that no message says.
TEMPLATE = "template"


@dataclass(frozen=True)
class Message:
    """A text, or what one message of a conversation says.

    Attributes
    ----------
    role
        Whose message it is; empty for other texts.
    pieces
        The text, cut where words are coloured.
    """

    role: str
    pieces: tuple[Segment, ...]


def messages_of(
    item: Mapping[str, Any], words: Sequence[Mapping[str, Any]], scale: float
) -> list[Message]:
    """Return what of an item is shown, in its order; a conversation's template is left out.

    Parameters
    ----------
    item
        With "text" and, for a pair, "text2", or, for a conversation, "turns".
    words
        Each with `contribution` and `spans`.
    scale
        The largest |contribution| there is.
    """
    if not item.get("turns"):
        fields = [field for field in ("text", "text2") if item.get(field) is not None]
        return [Message("", tuple(segments(item[field], field, words, scale))) for field in fields]
    found = []
    for turn in item["turns"]:
        start, end = turn["start"], turn["end"]
        inside = [
            {**word, "spans": [(where, a - start, b - start) for where, a, b in word["spans"]]}
            for word in words
            if word.get("role") != TEMPLATE
        ]
        pieces = segments(item["text"][start:end], "text", inside, scale)
        found.append(Message(line(turn["role"]), tuple(pieces)))
    return found
