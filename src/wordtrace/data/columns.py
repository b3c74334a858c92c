"""From raw columns to checked examples: a complaint names the file, the place and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wordtrace.data.examples import Examples
from wordtrace.errors import DataError


@dataclass
class Columns:
    """Values as they were read.

    Attributes
    ----------
    values
        Column name → values; only the columns asked for.
    source
        The file's name.
    where
        Maps a row to its place for people: "line 17" in a text file, else "row 16".
    label_names
        The data set's own classes, where it has them (labels are then their indices).
    """

    values: dict[str, list[Any]]
    source: str
    where: Callable[[int], str]
    label_names: tuple[str, ...] | None = None
    available: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """The columns to read.

    Attributes
    ----------
    id
        None: 'id' where there is one, else the row's number.
    label
        None: unlabelled.
    require_labels
        Whether a missing label column, or fewer than two labels, is an error.
    """

    text: str
    text2: str | None
    label: str | None
    id: str | None
    label_names: tuple[str, ...] | None = None
    require_labels: bool = True

    def choose(self, available: Sequence[str], source: str) -> list[str]:
        """Return which of the available columns to read.

        Raises
        ------
        DataError
            When one that is needed is missing (suggests the nearest), or a name stands twice.
        """
        twice = sorted({name for name in available if list(available).count(name) > 1})
        needed = [self.text, self.text2, self.id]
        needed += [self.label] if self.require_labels else []
        for name in needed:
            if name is not None and name not in available:
                near = difflib.get_close_matches(name, available, 1)
                hint = f"; did you mean {near[0]!r}?" if near else "."
                columns = ", ".join(map(repr, available))
                raise DataError(f"{source} has no column {name!r}; it has {columns}{hint}")
        optional = [self.label, "id" if self.id is None else None]
        chosen = [name for name in [*needed, *optional] if name is not None and name in available]
        for name in chosen:
            if name in twice:
                raise DataError(f"{source} has two columns {name!r}; rename one of them.")
        return list(dict.fromkeys(chosen))


def make_examples(columns: Columns, wanted: Wanted) -> Examples:
    """Check the values and make Examples of them.

    Raises
    ------
    DataError
        For no rows, an empty or non-text value, a missing, unknown or single label, a repeated id.
    """
    source = columns.source
    texts = columns.values[wanted.text]
    if not texts:
        raise DataError(f"{source} has no rows; give a file with at least one example.")
    _check_texts(texts, wanted.text, columns)
    texts2 = columns.values[wanted.text2] if wanted.text2 is not None else None
    if texts2 is not None and wanted.text2 is not None:
        _check_texts(texts2, wanted.text2, columns)
    name = wanted.id or ("id" if "id" in columns.values else None)
    ids = None if name is None else _ids(columns.values[name], name, columns)
    if wanted.label is None or wanted.label not in columns.values:
        labels, names = np.full(len(texts), -1), wanted.label_names or ()
    else:
        labels, names = _labels(columns.values[wanted.label], wanted, columns)
    return Examples.of(texts, labels, names, ids=ids, texts2=texts2, source=source)


def _check_texts(values: Sequence[Any], name: str, columns: Columns) -> None:
    empty = 0
    first = -1
    for row, value in enumerate(values):
        if isinstance(value, str) and value.strip():
            _check_unicode(value, row, name, columns)
            continue
        if value is not None and not isinstance(value, str):
            raise DataError(
                f"{columns.source}, {columns.where(row)}: column {name!r} holds "
                f"{type(value).__name__} {str(value)[:40]}, not text; name the text column."
            )
        first = row if first < 0 else first
        empty += 1
    if empty:
        more = f" ({empty - 1:,} more are)" if empty > 1 else ""
        raise DataError(
            f"{columns.source}, {columns.where(first)}: column {name!r} is empty{more}; "
            "remove such rows or fill them."
        )


def _check_unicode(value: str, row: int, name: str, columns: Columns) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise DataError(
            f"{columns.source}, {columns.where(row)}: column {name!r} holds half a character "
            "(a lone surrogate); write the file anew as UTF-8."
        ) from None


def _ids(values: Sequence[Any], name: str, columns: Columns) -> list[str]:
    seen: dict[str, int] = {}
    for row, value in enumerate(values):
        id = "" if value is None else str(value)
        if not id:
            raise DataError(
                f"{columns.source}, {columns.where(row)}: column {name!r} is empty; every example "
                "needs an id, or name no id column."
            )
        _check_unicode(id, row, name, columns)
        if id in seen:
            raise DataError(
                f"{columns.source}: the id {id!r} stands at {columns.where(seen[id])} and at "
                f"{columns.where(row)}; ids must be unique. Name another id column by --id."
            )
        seen[id] = row
    return list(seen)


def _labels(
    values: Sequence[Any], wanted: Wanted, columns: Columns
) -> tuple[np.ndarray[Any, Any], tuple[str, ...]]:
    name = wanted.label
    own = columns.label_names
    spelled: list[str | None] = []
    for row, value in enumerate(values):
        missing = value is None or (isinstance(value, str) and not value.strip()) or value != value
        if own is not None and not missing:
            missing = value == -1  # how `datasets` writes an unlabelled row
        if missing:
            if wanted.require_labels:
                raise DataError(
                    f"{columns.source}, {columns.where(row)}: column {name!r} has no label; "
                    "remove the row or fill it."
                )
            spelled.append(None)
        elif own is not None:
            spelled.append(own[value])
        elif isinstance(value, float) and not value.is_integer():
            raise DataError(
                f"{columns.source}, {columns.where(row)}: column {name!r} holds {value}; labels "
                "are classes (text or whole numbers), not measurements."
            )
        elif isinstance(value, str | int | float):
            spelled.append(str(int(value)) if isinstance(value, float) else str(value))
        else:
            raise DataError(
                f"{columns.source}, {columns.where(row)}: column {name!r} holds "
                f"{type(value).__name__}; a label is text or a whole number."
            )
    present = {label for label in spelled if label is not None}
    names = wanted.label_names or own or tuple(sorted(present, key=_label_order(present)))
    for row, label in enumerate(spelled):
        if label is not None and label not in names:
            near = difflib.get_close_matches(label, names, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise DataError(
                f"{columns.source}, {columns.where(row)}: the label {label!r}{hint} is not one of "
                f"{', '.join(names)}."
            )
    if wanted.require_labels and wanted.label_names is None and len(present) < 2:
        raise DataError(
            f"{columns.source}: every example has the label {present.pop()!r}; "
            "training needs at least two different labels."
        )
    place = {label: index for index, label in enumerate(names)}
    return np.array([-1 if label is None else place[label] for label in spelled]), names


def _label_order(present: set[str]) -> Callable[[str], Any]:
    """Order whole numbers by value, anything else by its characters."""
    if all(label.removeprefix("-").isdecimal() and label.isascii() for label in present):
        return lambda label: (int(label), label)
    return lambda label: label
