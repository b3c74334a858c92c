"""How the rows of an index spread over a column: all of them, and those that pass filters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from wordtrace.act.filters import DECISIONS
from wordtrace.act.row_columns import Marks, Mask, RowColumns
from wordtrace.errors import InputError, option

#: Columns whose distribution can be asked for.
COLUMNS = ("label", "predicted", "right", "suspicion", "loss", "decision")
_BARS = 28
#: A column reads better by its logarithm where its median is under this share of its range.
_CROWDED = 0.1
#: How much smaller than the largest value the first edge of a logarithmic scale may be.
_DECADES = 1e-5


@dataclass(frozen=True)
class Bar:
    """Rows with one name, or in one range.

    Attributes
    ----------
    name
        The value; None for a range.
    first, end
        The range, `end` not included; None for a name.
    all, matching
        How many rows of all, and of those that pass the filters.
    """

    name: str | None
    first: float | None
    end: float | None
    all: int
    matching: int

    def document(self) -> dict[str, Any]:
        """Return the bar as JSON."""
        where = {"name": self.name} if self.first is None else {"from": self.first, "to": self.end}
        return {**where, "all": self.all, "matching": self.matching}


@dataclass(frozen=True)
class Distribution:
    """How rows spread over a column.

    Attributes
    ----------
    kind
        "names", or "ranges" of numbers. Rows with several labels count for each of them.
    logarithmic
        Whether the ranges are as wide as their logarithms are.
    """

    column: str
    kind: Literal["names", "ranges"]
    bars: tuple[Bar, ...]
    logarithmic: bool = False

    def document(self) -> dict[str, Any]:
        """Return the distribution as JSON."""
        bars = [bar.document() for bar in self.bars]
        return {
            "column": self.column,
            "kind": self.kind,
            "logarithmic": self.logarithmic,
            "bars": bars,
        }


class Distributions:
    """The distributions of an index's columns; what does not depend on filters is kept."""

    def __init__(self, columns: RowColumns) -> None:
        self._columns = columns
        self._binned = lru_cache(maxsize=None)(self._bin)

    def of(self, column: str, chosen: Mask, marks: Marks) -> Distribution | None:
        """Return how all rows, and the chosen ones, spread over a column.

        Returns
        -------
        distribution
            None where these rows have no such column: a language model's have no label, and
            without marks none has a decision.

        Raises
        ------
        InputError
            For an unknown column.
        """
        columns = self._columns
        if column not in COLUMNS:
            raise InputError(f"{option('column')} is {column!r}; give one of {', '.join(COLUMNS)}.")
        if column in ("label", "predicted"):
            if not columns.labelled:
                return None
            numbers = columns.run.labelling.kind == "number"
            return (self._of_numbers if numbers else self._of_names)(column, chosen)
        if column == "right":
            return self._of_right(chosen)
        if column == "decision":
            return self._of_decisions(chosen, marks)
        if column == "suspicion" and not columns.suspected:
            return None
        return self._of_numbers(column, chosen)

    def _of_names(self, column: str, chosen: Mask) -> Distribution:
        coded, labelling = getattr(self._columns, column), self._columns.run.labelling
        counts = [
            np.bincount(coded.codes[rows], minlength=len(coded.names))
            for rows in (self._columns.live, chosen)
        ]
        if labelling.kind == "set":
            held = labelling.parse_all(coded.names).astype(np.int64)
            by_name = [dict(zip(labelling.names, one @ held, strict=True)) for one in counts]
        else:
            by_name = [dict(zip(coded.names, one, strict=True)) for one in counts]
        # In the order of the model's outputs.
        bars = [
            Bar(name, None, None, int(by_name[0].get(name, 0)), int(by_name[1].get(name, 0)))
            for name in labelling.names
        ]
        return Distribution(column, "names", tuple(bars))

    def _of_right(self, chosen: Mask) -> Distribution | None:
        right = self._columns.right
        if right is None:
            return None
        live = self._columns.live
        bars = [
            Bar(name, None, None, int((live & here).sum()), int((chosen & here).sum()))
            for name, here in (("right", right), ("wrong", ~right))
        ]
        return Distribution("right", "names", tuple(bars))

    def _of_decisions(self, chosen: Mask, marks: Marks) -> Distribution | None:
        if marks is None:
            return None
        everything, some = (
            np.bincount(marks[rows], minlength=5) for rows in (self._columns.live, chosen)
        )
        bars = [
            Bar(name, None, None, int(everything[mark]), int(some[mark]))
            for mark, name in enumerate(("none", *DECISIONS[:4]))
        ]
        return Distribution("decision", "names", tuple(bars))

    def _of_numbers(self, column: str, chosen: Mask) -> Distribution:
        edges, places, logarithmic = self._binned(column)
        counts = [
            np.bincount(places[rows], minlength=len(edges) - 1)
            for rows in (self._columns.live, chosen)
        ]
        bars = [
            Bar(None, first, end, int(whole), int(part))
            for first, end, whole, part in zip(edges[:-1], edges[1:], *counts, strict=True)
        ]
        return Distribution(column, "ranges", tuple(bars), logarithmic)

    def _bin(self, column: str) -> tuple[list[float], npt.NDArray[np.uint8], bool]:
        values = getattr(self._columns, column)
        if column in ("label", "predicted"):
            values = np.array([float(name) for name in values.names])[values.codes]
        edges, logarithmic = edges_of(values[self._columns.live])
        places = np.searchsorted(edges, values, "right") - 1
        return edges, places.clip(0, len(edges) - 2).astype(np.uint8), logarithmic


def edges_of(values: npt.NDArray[np.float64]) -> tuple[list[float], bool]:
    """Return the edges of about 28 ranges that hold all values, and whether they are logarithmic.

    Edges have as few digits as tell them apart, since they are shown and stand in addresses. The
    last one is over all values.
    """
    if not len(values):
        return [0.0, 1.0], False
    low, high = float(values.min()), float(values.max())
    crowded = low >= 0 and float(np.median(values)) - low < _CROWDED * (high - low)
    if crowded:
        smallest = max(float(values[values > 0].min()), high * _DECADES)
        edges = np.geomspace(smallest, high, _BARS + 1)
    else:
        edges = np.linspace(low, high, _BARS + 1)
    for digits in range(3, 18):
        rounded = sorted({float(f"{edge:.{digits}g}") for edge in edges.tolist()})
        # Both ends are moved outwards: by rounding they may have come to lie inside.
        first = 0.0 if crowded and low < 0.9 * rounded[0] else -_over(-low, digits)
        last = _over(high, digits)
        inner = [edge for edge in rounded[1:-1] if first < edge < last]
        if len(inner) == _BARS - 1:
            return [first, *inner, last], crowded
    return [low, float(np.nextafter(high, np.inf))], False


def _over(value: float, digits: int) -> float:
    """Return a number over another one, of few digits where that can be."""
    rounded = float(f"{value:.{digits}g}")
    if rounded > value:
        return rounded
    step = 10.0 ** (np.floor(np.log10(abs(value))) - digits + 1) if value else 1.0
    more = float(f"{rounded + step:.{digits}g}")
    return more if more > value else float(np.nextafter(value, np.inf))
