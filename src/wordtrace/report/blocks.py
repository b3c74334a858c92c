"""What analyses are shown as: sentences, tables and coloured texts, the same on any medium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wordtrace.report.numbers import digits_for, percent, signed


@dataclass(frozen=True)
class Say:
    """A sentence; `soft` for what explains rather than tells."""

    text: str
    soft: bool = False


@dataclass(frozen=True)
class Bar:
    """A number with its length drawn.

    Attributes
    ----------
    share
        Of the longest, in [0, 1].
    sign
        "plus" or "minus", for the colour.
    """

    text: str
    share: float
    sign: str = "plus"


Cell = str | Bar


@dataclass(frozen=True)
class Column:
    """A table's column: "name", "number", "bar", "prose", or a "text" of the user's."""

    heading: str
    kind: str = "number"


@dataclass(frozen=True)
class Grid:
    """A table."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    folded: bool = False


@dataclass(frozen=True)
class Marked:
    """A text whose words are coloured.

    Attributes
    ----------
    item
        With "text" and, of a pair, "text2".
    words
        Each with `contribution` and `spans`.
    scale
        The largest |contribution|.
    digits
        Decimals of a contribution.
    """

    item: Mapping[str, Any]
    words: Sequence[Mapping[str, Any]]
    scale: float
    digits: int


@dataclass(frozen=True)
class Line:
    """A curve: (x, mean, low, high) of each point, by rising x; "main" or "control"."""

    name: str
    points: tuple[tuple[float, float, float, float], ...]
    role: str = "main"


@dataclass(frozen=True)
class Chart:
    """Curves with bands; only a page shows it.

    Attributes
    ----------
    level
        A value with its name, drawn across.
    span
        The least and the largest y; from 0 to 1 they are shares, else changes of a probability.
    """

    title: str
    lines: tuple[Line, ...]
    level: tuple[float, str]
    span: tuple[float, float] = (0.0, 1.0)

    @property
    def ticks(self) -> tuple[float, ...]:
        """Every x that a point has."""
        return tuple(sorted({x for line in self.lines for x, *_ in line.points}))

    @property
    def marks(self) -> tuple[tuple[float, str], ...]:
        """Values of y with their names, at equal distances."""
        low, high = self.span
        places = [low + (high - low) * part / 4 for part in range(5)]
        if self.span == (0.0, 1.0):
            return tuple((place, percent(place)) for place in places)
        return tuple((place, signed(place, digits_for(high - low, 2))) for place in places)

    def x(self, value: float) -> float:
        """Return an x's place in percent; by rank, since sizes mostly rise by factors."""
        ticks = self.ticks
        return 6 + 90 * ticks.index(value) / max(1, len(ticks) - 1) if len(ticks) > 1 else 50.0

    def y(self, value: float) -> float:
        """Return a value's place in pixels of 220; outside the span, the edge's."""
        low, high = self.span
        return 8 + 200 * (1 - (min(max(value, low), high) - low) / (high - low))


Block = Say | Grid | Marked | Chart


def bar(value: float, longest: float, text: str) -> Bar:
    """Draw a value beside the longest of its column."""
    share = min(1.0, abs(value) / longest) if longest else 0.0
    return Bar(text, share, "minus" if value < 0 else "plus")
