"""Hostile text made visible, and texts cut at the places that contributions colour."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: A stand-in that :func:`clean` writes.
STAND_IN = re.compile(r"⟨U\+[0-9A-F]{4,6}⟩")

_PLAIN = re.compile(r"[\n\t -~]*")
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
# Letters and marks that are drawn as nothing.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_JOINERS = "\u200c\u200d"


def clean(text: str, newlines: bool = True) -> str:
    """Replace what could act instead of being read by a visible ⟨U+…⟩.

    That is: control characters (the terminal's ESC among them), bidirectional controls, zero-width
    and blank characters, and lone surrogates. Joiners stay where emoji and scripts need them, a
    variation selector where it follows what it varies. CR LF becomes LF.

    Parameters
    ----------
    newlines
        Keep white space; otherwise each run of it becomes one space.
    """
    shown = "".join(visible(text))
    return shown if newlines else " ".join(shown.split())


def line(value: Any) -> str:
    """Return :func:`clean` of any value, on one line."""
    return clean(str(value), newlines=False)


def visible(text: str) -> Sequence[str]:
    """Return what stands for each character of a text, as :func:`clean` does."""
    if _PLAIN.fullmatch(text):
        return text
    around = f"\0{text}\0"
    return [
        _shown(before, character, after)
        for before, character, after in zip(around, text, around[2:], strict=False)
    ]


def _shown(before: str, character: str, after: str) -> str:
    if character in "\n\t" or " " <= character <= "~":
        return character
    if character == "\r" and after == "\n":
        return ""
    category = unicodedata.category(character)
    if character in _JOINERS:
        hidden = not _joins(before, after)
    elif _varies(character):
        hidden = _varies(before) or unicodedata.category(before)[0] in "CZ"
    else:
        hidden = category in _HIDDEN or character in _BLANK
    return f"⟨U+{ord(character):04X}⟩" if hidden else character


def _joins(before: str, after: str) -> bool:
    """Tell whether a joiner shapes its neighbours: letters of some scripts, and emoji."""
    kinds = unicodedata.category(before), unicodedata.category(after)
    letters = kinds[0] in ("Lo", "Mn", "Mc") and kinds[1] == "Lo"
    emoji = (kinds[0] in ("So", "Sk") or before == "\ufe0f") and kinds[1] == "So"
    return (letters or emoji) and before not in _BLANK and after not in _BLANK


def _varies(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


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
        The depth of its colour, in [0, 1]: the root of |value| over the largest there is, so that
        a word ten times weaker than the strongest can still be seen.
    """

    text: str
    value: float
    strength: float


def segments(
    text: str, field: str, words: Iterable[Mapping[str, Any]], scale: float
) -> list[Segment]:
    """Cut a text where a word's span begins or ends.

    Parameters
    ----------
    field
        "text" or "text2": spans of the other are passed over.
    words
        Each with `contribution` and its `spans`, (field, start, end). Spans outside the text are
        cut to it; where spans of one word overlap it counts once, where words overlap they add.
    scale
        The largest |contribution| there is.
    """
    changes: dict[int, float] = {}
    for word in words:
        value = word["contribution"]
        for start, end in _union(word["spans"], field, len(text)):
            changes[start] = changes.get(start, 0.0) + value
            changes[end] = changes.get(end, 0.0) - value
    shown = visible(text)
    found: list[Segment] = []
    level, before = 0.0, 0
    for place in [*sorted(changes), len(text)]:
        if place > before:
            # Sums of floats leave a residue where they should cancel.
            value = 0.0 if abs(level) <= 1e-12 * scale else level
            strength = min(1.0, abs(value) / scale) ** 0.5 if scale else 0.0
            found.append(Segment("".join(shown[before:place]), value, strength))
        before = place
        level += changes.get(place, 0.0)
    return found


def _union(spans: Iterable[tuple[str, int, int]], field: str, length: int) -> list[tuple[int, int]]:
    inside = sorted(
        (max(0, min(start, length)), max(0, min(end, length)))
        for where, start, end in spans
        if where == field
    )
    merged: list[tuple[int, int]] = []
    for start, end in inside:
        if start >= end:
            continue
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def word_name(word: Mapping[str, Any]) -> str:
    """Name a word of an example; with the query's, where that is another one."""
    other = word.get("query_token") or word.get("other_token")
    name = _with_role(word["token"], word.get("role"))
    if other is None and word.get("role") == word.get("query_role"):
        return name
    return (
        f"{name} ↔ {_with_role(word['token'] if other is None else other, word.get('query_role'))}"
    )


def _with_role(word: Any, role: Any) -> str:
    """Name a word, and in a conversation whose it is."""
    return line(word) if role is None else f"{line(word)} ({line(role)})"


def scale_of(query: Mapping[str, Any]) -> float:
    """Return the largest |contribution| that a query's texts are coloured by.

    One scale for the query and its examples, so that their colours compare.
    """
    words = [*query["words"]]
    for hit in [*query["proponents"], *query["opponents"]]:
        words += hit.get("words") or ()
    # What a chat template writes is not shown.
    shown = [word for word in words if word["spans"] and word.get("role") != "template"]
    return max((abs(word["contribution"]) for word in shown), default=0.0)
