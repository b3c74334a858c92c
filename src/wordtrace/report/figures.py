"""Where the marks of the interval picture go: numbers in, coordinates out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wordtrace.report.sentences import control_name, interval

_LEFT, _RIGHT, _ROW = 16.0, 624.0, 46.0


@dataclass(frozen=True)
class Row:
    """One line of the picture, in the SVG's units."""

    name: str
    value: str
    y: float
    low: float
    high: float
    mean: float
    dots: tuple[float, ...]
    main: bool


@dataclass(frozen=True)
class Intervals:
    """The picture of the changes of a probability, by what was removed."""

    rows: tuple[Row, ...]
    zero: float
    ticks: tuple[tuple[float, str], ...]
    width: float
    height: float
    summary: str


def intervals(query: Mapping[str, Any], side: str) -> Intervals:
    """Lay out the change without the rows and without each control's, on one axis with zero."""
    count = len(query["removed"])
    lines = [(f"{count} strongest {side}", query["without"]["change"], True)]
    for control in query["controls"]:
        lines.append((f"{count} {control_name(control['name'])}", control["change"], False))
    numbers = [0.0]
    for _, change, _ in lines:
        numbers += [change["low"], change["high"], *change["values"]]
    low, high = min(numbers), max(numbers)
    room = (high - low or 1.0) * 0.05
    low, high = low - room, high + room

    def x(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * (_RIGHT - _LEFT)

    rows = tuple(
        Row(
            name,
            interval(change),
            30 + place * _ROW,
            x(change["low"]),
            x(change["high"]),
            x(change["mean"]),
            tuple(map(x, change["values"])),
            main,
        )
        for place, (name, change, main) in enumerate(lines)
    )
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if (high - low) / s <= 8)
    first = int(low / step) - 1
    marks = [number * step for number in range(first, first + 24)]
    ticks = tuple((x(mark), f"{mark:+.2f}") for mark in marks if low <= mark <= high)
    summary = "; ".join(f"{name}: {interval(change)}" for name, change, _ in lines)
    return Intervals(rows, x(0.0), ticks, 640.0, 30 + len(rows) * _ROW + 14, summary)
