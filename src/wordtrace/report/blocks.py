"""The blocks that show documents: sentences, tables, coloured texts, for any medium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wordtrace.report.numbers import digits_for, percent, signed


@dataclass(frozen=True)
class Say:
    """A sentence; `soft` if it only explains something."""

    text: str
    soft: bool = False


@dataclass(frozen=True)
class Warn:
    """A sentence that must not be overlooked."""

    text: str


@dataclass(frozen=True)
class Head:
    """A heading below the section's own."""

    text: str


@dataclass(frozen=True)
class Names:
    """Labels, or ids that only a page has room for, opened there by a click on `title`."""

    names: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True)
class Bar:
    """A number with a bar of its size.

    Attributes
    ----------
    share
        Its share of the longest bar, in [0, 1].
    sign
        "plus" or "minus", for the colour.
    """

    text: str
    share: float
    sign: str = "plus"


@dataclass(frozen=True)
class Passage:
    """A text in a table, with the words in it that matter.

    Attributes
    ----------
    texts
        One, or the two of a pair.
    below
        (label, id, text) of other rows, which only a page has room for.
    """

    texts: tuple[str, ...]
    words: tuple[str, ...]
    below: tuple[tuple[str, str, str], ...] = ()


Cell = str | Bar | Passage


@dataclass(frozen=True)
class Column:
    """A table's column: "name", "label", "number", "bar", "prose", or a "text" of the user's."""

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
        A mapping with "text" and, for a pair, "text2".
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


@dataclass(frozen=True)
class Share:
    """A word's part of a score; `through` names the tokens that a whole word acts through."""

    name: str
    through: tuple[str, ...]
    query: bool
    kind: str
    contribution: float


@dataclass(frozen=True)
class Hit:
    """A training example with its score.

    Attributes
    ----------
    score, length
        The score, and its part of the largest there is, in [0, 1].
    words
        By falling size; none where the measure has no words.
    note
        What else is said of the words; empty for nothing.
    """

    id: str
    label: str
    score: float
    length: float
    text: Marked
    words: tuple[Share, ...]
    note: str = ""

    @property
    def sign(self) -> str:
        """Which colour: "plus" or "minus"."""
        return "plus" if self.score > 0 else "minus"


@dataclass(frozen=True)
class Hits:
    """The examples of one side: `said` is what they do, `name` the label that it concerns."""

    sign: str
    title: str
    said: str
    name: str
    unit: str
    hits: tuple[Hit, ...]

    @property
    def mark(self) -> str:
        """The sign as a triangle."""
        return "▲" if self.sign == "plus" else "▼"


@dataclass(frozen=True)
class Sides:
    """Those that speak for a prediction beside those that speak against it."""

    sides: tuple[Hits, Hits]


@dataclass(frozen=True)
class Judgement:
    """A verdict: its stamp, (name, value, what stands small behind it) of figures, a sentence."""

    shown: bool
    stamp: str
    facts: tuple[tuple[str, str, str], ...]
    text: str


@dataclass(frozen=True)
class Ranges:
    """Means with their intervals on one scale, beside zero.

    Attributes
    ----------
    lines
        (name, estimate with "mean", "low", "high" and "values", role): "main", "control" or
        "difference".
    digits
        The decimals of the numbers.
    """

    title: str
    lines: tuple[tuple[str, Mapping[str, Any], str], ...]
    note: str
    digits: int = 2


@dataclass(frozen=True)
class Pairs:
    """Each seed's outcome before and after; only a page shows it.

    Attributes
    ----------
    pairs
        (seed, before, after).
    numbers
        The same in numbers, opened by a click.
    digits
        The decimals of outcomes on a scale of their own; None: probabilities, from 0 to 1.
    """

    title: str
    pairs: tuple[tuple[str, float, float], ...]
    numbers: Grid
    digits: int | None = None


Block = Say | Warn | Head | Names | Grid | Marked | Chart | Sides | Judgement | Ranges | Pairs


def bar(value: float, longest: float, text: str) -> Bar:
    """Draw a value beside the longest of its column."""
    share = min(1.0, abs(value) / longest) if longest else 0.0
    return Bar(text, share, "minus" if value < 0 else "plus")
