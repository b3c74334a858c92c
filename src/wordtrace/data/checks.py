"""From columns to Examples: checking ids and labels, with errors that name place and remedy."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.data.columns import Columns, check_unicode
from wordtrace.data.examples import Examples
from wordtrace.data.label_values import (
    missing,
    plain_label,
    read_indicators,
    read_numbers,
    read_sets,
)
from wordtrace.data.labelling import Labelling, Labels
from wordtrace.data.origin import Origin
from wordtrace.errors import DataError, DataWarning, option

_SHOWN = 20  # label names in a message


def make_examples(columns: Columns, split: str | None = None) -> Examples:
    """Check the values and make Examples of them; `split` is where they were read from.

    Raises
    ------
    DataError
        For no rows, an empty text, a missing, unknown or single label, an empty or repeated id.
    """
    wanted, source = columns.wanted, columns.source
    if not columns.rows:
        raise DataError(f"{source} has no rows; give a file with at least one example.")
    texts = columns.texts(wanted.text)
    texts2 = None if columns.second is None else columns.texts(columns.second)
    name = wanted.ids
    ids = None if name not in columns.values else _ids(columns.values[name], str(name), columns)
    labels, names = _labels_of(columns)
    text, text2 = wanted.text, wanted.text2
    if wanted.forms is not None:
        text, text2, *_ = (*(wanted.forms or (str(columns.form),)), None)
    return Examples.of(
        texts,
        labels,
        names,
        ids=ids,
        texts2=texts2,
        source=source,
        kind=wanted.kind,
        origin=Origin(
            text,
            text2,
            wanted.label,
            wanted.id,
            split,
            ordered=wanted.label_names is None and columns.label_names is not None,
            kind=wanted.kind,
            forms=wanted.forms,
        ),
    )


def _labels_of(columns: Columns) -> tuple[Labels, tuple[str, ...]]:
    wanted = columns.wanted
    names = wanted.label_names or columns.label_names
    if not wanted.labels or any(name not in columns.values for name in wanted.labels):
        return Labelling(wanted.kind, names or ()).none(columns.rows), names or ()
    first = wanted.labels[0]
    values = columns.values[first]
    if wanted.kind == "number":
        return read_numbers(values, first, columns), ()
    if wanted.kind == "class":
        return _labels(values, first, columns)
    if isinstance(wanted.label, str):
        return read_sets(values, first, columns, names)
    if wanted.label_names is not None and len(wanted.label_names) != len(wanted.labels):
        raise DataError(
            f"{columns.source}: {len(wanted.labels)} columns of labels are named, the model has "
            f"{len(wanted.label_names)} classes ({', '.join(wanted.label_names[:_SHOWN])})."
        )
    return read_indicators(wanted.labels, columns), wanted.label_names or wanted.labels


def _ids(values: Sequence[Any], name: str, columns: Columns) -> list[str]:
    seen: dict[str, int] = {}
    for row, value in enumerate(values):
        if missing(value):
            raise columns.fault(row, name, f"is empty; {_other_ids()}.")
        id = str(value)
        if not id.isascii():
            check_unicode(id, row, name, columns)
        if id in seen:
            raise DataError(
                f"{columns.source}: the id {id!r} stands at {columns.where(seen[id])} and at "
                f"{columns.where(row)}; ids must be unique: "
                f"{_other_ids()}."
            )
        seen[id] = row
    return list(seen)


def _other_ids() -> str:
    return f"name another id column ({option('id')}), or take row numbers ({option('id', False)})"


def _labels(
    values: Sequence[Any], name: str, columns: Columns
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    wanted, own = columns.wanted, columns.label_names
    known = wanted.label_names or own
    first: dict[str, int] = {}  # label → the row where it first stands
    meant = {plain_label(name): name for name in known or ()}
    classes: dict[str, str] = {}  # label as written → its class
    spelled: list[str | None] = []
    for row, value in enumerate(values):
        # -1 is how `datasets` writes an unlabelled row of a column with classes.
        if missing(value) or (own is not None and value == -1):
            if wanted.require_labels:
                raise columns.fault(row, name, "has no label; remove the row or fill it.")
            spelled.append(None)
            continue
        written = _spell(value, row, name, columns)
        label = classes.get(written)
        if label is None:
            label = plain_label(written)
            # What is known goes by its own spelling.
            label = written if known and written in known else meant.get(label, label)
            classes[written] = label
        first.setdefault(label, row)
        spelled.append(label)
    _tell_spellings(classes, columns)
    for label, row in first.items():
        if not label.isascii():
            check_unicode(label, row, name, columns)
    names = known or tuple(sorted(first, key=_label_order(first)))
    place = {label: index for index, label in enumerate(names)}
    for label, row in first.items():
        if label not in place:
            near = difflib.get_close_matches(label, names, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
            raise DataError(
                f"{columns.source}, {columns.where(row)}: the label {label!r}{hint} is not one of "
                f"{', '.join(names[:_SHOWN])}{more}."
            )
    # With given names the data is judged by another's classes (--eval): one of them may be all.
    if wanted.require_labels and wanted.label_names is None and len(first) < 2:
        raise DataError(
            f"{columns.source}: every example has the label {next(iter(first))!r}; "
            "training needs at least two different labels."
        )
    return np.array([-1 if label is None else place[label] for label in spelled]), names


def _tell_spellings(classes: dict[str, str], columns: Columns) -> None:
    """Warn of labels that differ by white space alone, which are one class."""
    spellings: dict[str, list[str]] = {}
    for written, label in classes.items():
        if written.strip() == label.strip():
            spellings.setdefault(label, []).append(written)
    for several in spellings.values():
        if len(several) > 1:
            said = " and ".join(map(repr, several[:_SHOWN]))
            warnings.warn(
                f"{columns.source}: the labels {said} differ by white space alone, and were read "
                "as one.",
                DataWarning,
                stacklevel=2,
            )


def _spell(value: Any, row: int, name: str, columns: Columns) -> str:
    """Return the label's name."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        if not value.is_integer():
            what = f"holds {value}; labels are classes (text or whole numbers), not measurements."
            raise columns.fault(row, name, what)
        value = int(value)
    if not isinstance(value, int):
        what = f"holds {type(value).__name__}; a label is text or a whole number."
        raise columns.fault(row, name, what)
    own = columns.label_names
    if own is None:
        return str(value)
    if not 0 <= value < len(own):
        raise columns.fault(row, name, f"holds {value}, but has the classes 0 to {len(own) - 1}.")
    return own[value]


def _label_order(labels: dict[str, int]) -> Callable[[str], Any]:
    """Order whole numbers by value, anything else by its characters."""
    # int() refuses thousands of digits, which no class number has.
    if all(
        label.isascii() and len(label) < 30 and label.removeprefix("-").isdecimal()
        for label in labels
    ):
        return lambda label: (int(label), label)
    return lambda label: label
