"""A long text shown around its coloured words; the gaps are kept, to be opened."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from wordtrace.report.text import Segment

# A word with the space around it; scripts without spaces are cut every 24 characters.
_WORD = re.compile(r"\s*\S{1,24}\s*|\s+")
_AROUND = 5
_SMALLEST_GAP = 8


@dataclass(frozen=True)
class Part:
    """A run of a text that is shown, or a gap.

    Attributes
    ----------
    words
        How many there are in it.
    """

    shown: bool
    pieces: tuple[Segment, ...]
    words: int


def excerpt(pieces: Sequence[Segment], words: int = 60) -> list[Part]:
    """Choose what of a text to show: its beginning, and the strongest words in their context.

    Nothing is lost or doubled: the parts, joined, are the pieces.

    Parameters
    ----------
    words
        About how many to show; a text hardly longer is shown whole.
    """
    atoms = [
        (place, atom.group())
        for place, piece in enumerate(pieces)
        for atom in _WORD.finditer(piece.text)
    ]
    keep = [True] * len(atoms)
    if len(atoms) > words + words // 4:
        keep = _choose(pieces, atoms, words)
    return [
        Part(shown, tuple(_joined(pieces, atoms[run[0] : run[-1] + 1])), len(run))
        for shown, run in _runs(keep)
    ]


def _choose(pieces: Sequence[Segment], atoms: list[tuple[int, str]], words: int) -> list[bool]:
    keep = [False] * len(atoms)
    left = words

    def show(start: int, end: int) -> int:
        start, end = max(0, start), min(len(atoms), end)
        new = sum(not keep[place] for place in range(start, end))
        if new <= left:
            keep[start:end] = [True] * (end - start)
            return new
        return 0

    left -= show(0, words // 3)
    # Each word's first occurrence before any word's second.
    met: Counter[str] = Counter()
    ranked = []
    for place, (piece, text) in enumerate(atoms):
        if pieces[piece].value:
            word = text.strip().lower()
            ranked.append((met[word], -pieces[piece].strength, place))
            met[word] += 1
    for _, _, place in sorted(ranked):
        if left <= _AROUND:
            break
        left -= show(place - _AROUND, place + _AROUND + 1)
    for place in range(len(atoms)):
        left -= show(place, place + 1)
    for shown, run in list(_runs(keep)):
        if not shown and len(run) < _SMALLEST_GAP:
            keep[run[0] : run[-1] + 1] = [True] * len(run)
    return keep


def _runs(keep: Sequence[bool]) -> Iterator[tuple[bool, list[int]]]:
    for shown, run in groupby(range(len(keep)), key=keep.__getitem__):
        yield shown, list(run)


def _joined(pieces: Sequence[Segment], atoms: list[tuple[int, str]]) -> Iterator[Segment]:
    for piece, run in groupby(atoms, key=lambda atom: atom[0]):
        text = "".join(text for _, text in run)
        yield Segment(text, pieces[piece].value, pieces[piece].strength)
