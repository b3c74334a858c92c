"""The layout of the pictures: numbers in, coordinates out.

Horizontal places are shares of the width in percent, so that a picture fits any screen while its
text keeps its size; vertical ones are pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wordtrace.report.numbers import in_digits, interval, signed

_EDGE = 2.0


@dataclass(frozen=True)
class Axis:
    """A scale from numbers to percent of the width.

    Attributes
    ----------
    ticks
        (place, number as text).
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def x(self, value: float) -> float:
        """Return a number's place, in percent."""
        share = (value - self.low) / (self.high - self.low)
        return _EDGE + (100 - 2 * _EDGE) * min(1.0, max(0.0, share))


@dataclass(frozen=True)
class Row:
    """One interval of the picture.

    Attributes
    ----------
    role
        "main", "control" or "difference".
    dots
        (x, y) of each seed's value.
    """

    name: str
    value: str
    role: str
    low: float
    high: float
    mean: float
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Intervals:
    """Changes, by what was removed."""

    axis: Axis
    zero: float
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Dumbbell:
    """One seed's outcome with all rows and without the removed."""

    seed: str
    y: float
    before: float
    after: float
    rises: bool
    said: str


@dataclass(frozen=True)
class Dumbbells:
    """One line a seed, by rising outcome before."""

    axis: Axis
    height: float
    lines: tuple[Dumbbell, ...]


def intervals(lines: Sequence[tuple[str, Mapping[str, Any], str]], digits: int = 2) -> Intervals:
    """Lay out estimates, each (name, estimate, role), beside zero; `digits` are their decimals."""
    numbers = [0.0]
    for _, change, _ in lines:
        numbers += [change["low"], change["high"], *change["values"]]
    scale = _axis(min(numbers), max(numbers), digits)
    return Intervals(
        scale,
        scale.x(0.0),
        tuple(
            Row(
                name,
                interval(change, digits),
                role,
                scale.x(change["low"]),
                scale.x(change["high"]),
                scale.x(change["mean"]),
                tuple(
                    (scale.x(value), 36.0 + 6 * (place * 2 % 3))
                    for place, value in enumerate(change["values"])
                ),
            )
            for name, change, role in lines
        ),
    )


def dumbbells(given: Sequence[tuple[str, float, float]], digits: int | None = None) -> Dumbbells:
    """Lay out each seed's outcome before and after.

    Probabilities (`digits` is None) are shown from 0 to 1 always, so that pages compare.
    """
    if digits is None:
        ticks = tuple((place / 4, f"{place / 4:.2f}".rstrip("0").rstrip(".")) for place in range(5))
        scale = Axis(0.0, 1.0, ())
        axis = Axis(0.0, 1.0, tuple((scale.x(place), name) for place, name in ticks))
    else:
        values = [value for _, before, after in given for value in (before, after)]
        axis = _axis(min(values), max(values), digits, in_digits)
    shown = 3 if digits is None else digits
    ordered = sorted(given, key=lambda pair: (pair[1], pair[2]))
    step = max(7.0, min(18.0, 320.0 / max(1, len(ordered))))
    lines = tuple(
        Dumbbell(
            seed,
            step * (place + 0.5),
            axis.x(before),
            axis.x(after),
            after >= before,
            f"seed {seed}: {in_digits(before, shown)} → {in_digits(after, shown)} "
            f"({signed(after - before, shown)})",
        )
        for place, (seed, before, after) in enumerate(ordered)
    )
    return Dumbbells(axis, step * len(lines), lines)


def bar(change: Mapping[str, float], low: float, high: float, width: int) -> str:
    """Draw an interval in characters: ├──●──┤ with zero as ┊."""

    def at(value: float) -> int:
        return max(0, min(width - 1, round((value - low) / ((high - low) or 1.0) * (width - 1))))

    cells = [" "] * width
    first, last = at(change["low"]), at(change["high"])
    cells[first : last + 1] = ["─"] * (last - first + 1)
    cells[at(0.0)] = "┼" if first < at(0.0) < last else "┊"
    cells[first], cells[last] = "├", "┤"
    cells[at(change["mean"])] = "●"
    return "".join(cells)


def _axis(
    low: float, high: float, digits: int = 2, write: Callable[[float, int], str] = signed
) -> Axis:
    """Return a scale with marks at round numbers, at most seven of them."""
    finest = 10.0**-digits
    room = max(high - low, 2 * finest) * 0.04
    low, high = low - room, high + room
    step = _step(high - low, finest)
    bare = Axis(low, high, ())
    marks = [place * step for place in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return Axis(low, high, tuple((bare.x(mark), write(mark, digits)) for mark in marks))


def _step(width: float, finest: float) -> float:
    """Return the least of 1, 2, 5, 10, … times `finest` of which six reach over a width."""
    power = finest
    while True:
        for factor in (1, 2, 5):
            if width / (factor * power) <= 6:
                return factor * power
        power *= 10
