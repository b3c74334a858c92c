"""Reading sets of classes and numbers from files as labels; errors name the place."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from wordtrace.data.columns import Columns
from wordtrace.data.labelling import Labels, as_float32
from wordtrace.errors import DataError

_SHOWN = 20


def read_numbers(values: Sequence[Any], name: str, columns: Columns) -> Labels:
    """Return numbers, float32, shape (rows, 1); NaN for a missing one, where it may be missing.

    Raises
    ------
    DataError
        For what is no finite number.
    """
    found = np.full((len(values), 1), np.nan, np.float32)
    for row, value in enumerate(values):
        if missing(value):
            refuse_missing(row, name, columns)
            continue
        try:
            number = float(value) if isinstance(value, str | Real) else math.nan
        except ValueError:
            number = math.nan
        # As it is kept: what float32 can't hold is no number here.
        if not np.isfinite(as_float32(number)):
            raise columns.fault(row, name, f"holds {str(value)[:40]!r}; a number is needed.")
        found[row] = number
    return found


def read_sets(
    values: Sequence[Any], name: str, columns: Columns, names: Sequence[str] | None
) -> tuple[Labels, tuple[str, ...]]:
    """Return sets of classes, float32, shape (rows, classes), and the classes.

    A value is a list of names or class numbers, a list of 0 and 1 for each class, or a text: names
    with commas between (where one text of the column has a ``|``, with that between), or a list as
    JSON, Python or NumPy write it. An empty one is the empty set.

    Parameters
    ----------
    names
        The classes, where they are known; else they are those that occur, sorted.

    Raises
    ------
    DataError
        For another value or an unknown class.
    """
    sets: list[list[Any] | None] = []
    texts = [one for one in values if isinstance(one, str) and not one.lstrip().startswith("[")]
    mark = "|" if any("|" in one for one in texts) else ","
    for row, value in enumerate(values):
        if value is None or (isinstance(value, float) and value != value):
            refuse_missing(row, name, columns)
            sets.append(None)
        else:
            sets.append(_members(value, row, name, columns, names, mark))
    given = [one for one in sets if one is not None]
    lengths = {len(one) for one in given}
    hot = _are_indicators(given, lengths, names)
    if names is None:
        if hot:
            names = [str(place) for place in range(max(lengths, default=0))]
        else:
            names = sorted({_named(member, None) for one in given for member in one})
    place = {one: at for at, one in enumerate(names)}
    found = np.full((len(values), len(names)), np.nan, np.float32)
    for row, one in enumerate(sets):
        if one is None:
            continue
        if hot:
            found[row] = one
            continue
        found[row] = 0
        for member in one:
            label = _named(member, names)
            if label not in place:
                raise DataError(
                    f"{columns.source}, {columns.where(row)}: the label {label!r} is not one of "
                    f"{', '.join(list(names)[:_SHOWN])}{' …' if len(names) > _SHOWN else ''}."
                )
            found[row, place[label]] = 1
    return found, tuple(names)


def read_indicators(names: Sequence[str], columns: Columns) -> Labels:
    """Return sets given by one column of 0 and 1 a class, float32, shape (rows, classes).

    Raises
    ------
    DataError
        For another value, or a row in which some are missing and some not.
    """
    found = np.full((columns.rows, len(names)), np.nan, np.float32)
    for place, name in enumerate(names):
        for row, value in enumerate(columns.values[name]):
            if missing(value):
                refuse_missing(row, name, columns)
                continue
            text = str(value).strip().lower()
            if text not in _INDICATORS:
                raise columns.fault(row, name, f"holds {str(value)[:40]!r}; 0 or 1 is needed.")
            found[row, place] = _INDICATORS[text]
    bare = np.isnan(found)
    partly = bare.any(axis=1) & ~bare.all(axis=1)
    if partly.any():
        row = int(partly.argmax())
        raise columns.fault(row, names[int(bare[row].argmax())], "is empty, others are not.")
    return found


_INDICATORS = {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0, "false": 0.0, "true": 1.0}


def missing(value: Any) -> bool:
    """Tell an empty cell."""
    # Only NaN differs from itself; pandas' NA has become None by now.
    blank = isinstance(value, str) and not value.strip()
    return value is None or blank or (isinstance(value, float) and value != value)


def plain_label(label: str) -> str:
    """Return the class that a label as text means: without space around; ``1.0`` is ``1``."""
    label = label.strip()
    whole = _WHOLE.fullmatch(label)
    return label if whole is None else whole.group(1)


def as_spelled(before: str, after: str) -> str:
    """Return a new label spelled as the one that it replaces: with space around, or ``.0``."""
    start = len(before) - len(before.lstrip())
    inner = before.strip()
    if inner == after:
        return before
    old, new = _WHOLE.fullmatch(inner), _WHOLE.fullmatch(f"{after}.0")
    if old is not None and new is not None:
        after += old.group(2)
    return before[:start] + after + before[start + len(inner) :] if inner else after


#: A whole number with zeros behind its point, as programs write one that they hold as a fraction.
_WHOLE = re.compile(r"(-?[0-9]{1,18})(\.0+)")


def refuse_missing(row: int, name: str, columns: Columns) -> None:
    """Refuse a row without a label if labels are needed (DataError)."""
    if columns.wanted.require_labels:
        raise columns.fault(row, name, "has no label; remove the row or fill it.")


def _members(
    value: Any, row: int, name: str, columns: Columns, names: Sequence[str] | None, mark: str
) -> list[Any]:
    """Return the members of a set; `mark` separates those of a text."""
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            return _listed(value, row, name, columns)
        return _split(value, names, mark)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list | tuple) or not all(
        isinstance(one, str | int) or (isinstance(one, float) and math.isfinite(one))
        for one in value
    ):
        shown = f"{type(value).__name__} {str(value)[:40]}"
        raise columns.fault(row, name, f"holds {shown}; a list of labels is needed.")
    return list(value)


def _split(text: str, names: Sequence[str] | None, mark: str) -> list[str]:
    if names is not None and text.strip() in names:
        return [text.strip()]
    by_comma, by_mark = (
        [part.strip() for part in text.split(one) if part.strip()] for one in (",", mark)
    )
    known = names is not None and all(part in names for part in by_comma)
    return by_comma if known else by_mark


def _listed(text: str, row: int, name: str, columns: Columns) -> list[Any]:
    """Read a list as JSON, Python or NumPy write it; it is matched, never evaluated."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = _python_list(text)
    if value is None:
        raise columns.fault(row, name, "holds a broken list; mend it.")
    return _members(value, row, name, columns, None, ",")


# A text in quotes, a number or a truth value, as Python writes them; NumPy names its types around.
_MEMBER = re.compile(
    r"""(?:np\.\w+\()?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"|(True|False)|"""
    r"""([-+]?\d{1,18}(?:\.\d{0,18})?))\)?\s*,?\s*""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def _python_list(text: str) -> list[Any] | None:
    """Return the members of ``['a', 'b']`` or ``[1 0]``; None for what is no such list."""
    inner = text.strip()
    if not inner.endswith("]"):
        return None
    found: list[Any] = []
    place, end = len(inner) - len(inner[1:].lstrip()), len(inner) - 1
    while place < end:
        one = _MEMBER.match(inner, place, end)
        if one is None:
            return None
        single, double, truth, number = one.groups()
        if number is not None:
            found.append(float(number) if "." in number else int(number))
        elif truth is not None:
            found.append(truth == "True")
        else:
            found.append(_ESCAPE.sub(_meant, double if single is None else single))
        place = one.end()
    return found


def _meant(escape: re.Match[str]) -> str:
    *codes, character = escape.groups()
    code = next((one for one in codes if one is not None), None)
    if code is None:
        return _ESCAPED.get(character, character)
    return chr(int(code, 16)) if int(code, 16) <= 0x10FFFF else escape.group()


def _are_indicators(
    sets: Sequence[Sequence[Any]], lengths: set[int], names: Sequence[str] | None
) -> bool:
    """Tell lists of 0 and 1, one for each class, from lists of class numbers."""
    if len(lengths) != 1 or 0 in lengths or (names is not None and lengths != {len(names)}):
        return False
    flat = [member for one in sets for member in one]
    if any(isinstance(one, str) or one not in (0, 1) for one in flat):
        return False
    # [0, 1] may also name both of two classes; as a list of floats or bools it can't.
    return len(flat) > len(sets) or any(isinstance(one, float | bool) for one in flat)


def _named(member: Any, names: Sequence[str] | None) -> str:
    if isinstance(member, str):
        return member if names is not None and member in names else member.strip()
    place = int(member)
    if names is not None and place == member and 0 <= place < len(names):
        return names[place]
    return str(place) if place == member else str(member)
