"""Hostile text made visible, and texts cut at the places that contributions colour."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Zero-width joiners stay as they are: emoji and many scripts need them.
_KEPT = {"\n", "\t", "\u200c", "\u200d"}


def clean(text: str, newlines: bool = True) -> str:
    """Replace what could act instead of being read by a visible ⟨U+…⟩.

    That is: control characters (the terminal's ESC among them), bidirectional overrides,
    zero-width characters, and lone surrogates.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = "".join(
        f"⟨U+{ord(character):04X}⟩"
        if unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in _KEPT
        else character
        for character in text.replace("\r\n", "\n")
    )
    return shown if newlines else " ".join(shown.split())


@dataclass(frozen=True)
class Segment:
    """A piece of a text.

    Attributes
    ----------
    text
        Cleaned.
    value
        The sum of the contributions of the words that cover it; 0.0 for none.
    strength
        |value| over the largest in its trace, in [0, 1].
    """

    text: str
    value: float
    strength: float


def segments(
    text: str,
    field: str,
    words: Iterable[Mapping[str, Any]],
    scale: float,
    spans: str = "spans",
) -> list[Segment]:
    """Cut a text where a word's span begins or ends.

    Parameters
    ----------
    field
        "text" or "text2": spans of the other are passed over.
    words
        Each with `contribution` and the list of (field, start, end) named by `spans`; spans
        outside the text are cut to it.
    scale
        The largest |contribution| there is.
    """
    changes: dict[int, float] = {}
    for word in words:
        for where, start, end in word.get(spans) or ():
            start, end = max(0, min(start, len(text))), max(0, min(end, len(text)))
            if where == field and start < end:
                changes[start] = changes.get(start, 0.0) + word["contribution"]
                changes[end] = changes.get(end, 0.0) - word["contribution"]
    found: list[Segment] = []
    level, before = 0.0, 0
    for place in [*sorted(changes), len(text)]:
        if place > before:
            value = 0.0 if abs(level) < 1e-12 * (scale or 1) else level
            strength = min(1.0, abs(value) / scale) if scale else 0.0
            found.append(Segment(clean(text[before:place]), value, strength))
        before = place
        level += changes.get(place, 0.0)
    return found


def split_at(pieces: Sequence[Segment], limit: int) -> tuple[list[Segment], list[Segment]]:
    """Part the segments after about `limit` characters, at a word's end where there is one."""
    shown: list[Segment] = []
    left = limit
    for place, piece in enumerate(pieces):
        if len(piece.text) <= left:
            shown.append(piece)
            left -= len(piece.text)
            continue
        cut = piece.text.rfind(" ", 0, left + 1)
        cut = left if cut < 0 and not piece.value else max(cut, 0)
        head = Segment(piece.text[:cut], piece.value, piece.strength)
        tail = Segment(piece.text[cut:], piece.value, piece.strength)
        return [*shown, head], [tail, *pieces[place + 1 :]]
    return shown, []
