"""Taking words out of a text."""

from __future__ import annotations

from collections.abc import Iterable

#: ("text" or "text2", start, end) in characters.
Span = tuple[str, int, int]


def without(text: str, field: str, spans: Iterable[Span]) -> str:
    """Return a text without some of its spans, and without the space before each of them."""
    for where, start, end in sorted(spans, reverse=True):
        if where == field:
            begin = start - 1 if start and text[start - 1] == " " else start
            text = text[:begin] + text[end:]
    return text
