"""JSON: one object a line, or one array of objects."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from typing import IO, Any, NoReturn

from wordtrace.data.columns import Columns, Wanted, chunks_of
from wordtrace.data.decoding import lines_of
from wordtrace.errors import DataError


def read_json_lines(file: IO[bytes], source: str, wanted: Wanted, limit: int | None) -> Columns:
    """Read one JSON object a line; blank lines are passed over.

    Raises
    ------
    DataError
        For bad encoding, broken JSON (line and column), NaN, or a line that is no object.
    """
    lines = array("q")
    columns = Columns(wanted, source, lambda row: f"line {lines[row]}")
    available: dict[str, None] = {}

    def objects() -> Iterator[list[Any]]:
        for number, line in enumerate(lines_of(file, source), 1):
            if not line.strip():
                continue
            row = _parse(line, number, source)
            if not row.keys() <= available.keys():
                available.update(dict.fromkeys(row))
            lines.append(number)
            # Only what may be wanted is kept: which keys there are is known at the end.
            yield [row.get(name) for name in wanted.names]

    for part in chunks_of(objects(), limit):
        found = zip(*part, strict=True)
        columns.add(dict(zip(wanted.names, found, strict=True)))
    if not lines:
        raise DataError(f"{source} is empty; give one JSON object a line.")
    chosen = wanted.choose(list(available), source)
    columns.values = {name: values for name, values in columns.values.items() if name in chosen}
    return columns


def read_json(file: IO[bytes], source: str, wanted: Wanted, limit: int | None) -> Columns:
    """Read a ``.json`` file: one array of objects, or one object a line.

    Raises
    ------
    DataError
        As :func:`read_json_lines`; a fault in an array is named by its row, from 0.
    """
    if is_json_array(file):
        return _read_json_array(file, source, wanted, limit)
    return read_json_lines(file, source, wanted, limit)


def is_json_array(file: IO[bytes]) -> bool:
    """Tell whether a file, which is left at its beginning, starts as an array does."""
    start = file.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()
    file.seek(0)
    return start.startswith(b"[")


def _read_json_array(file: IO[bytes], source: str, wanted: Wanted, limit: int | None) -> Columns:
    try:
        rows = json.loads("".join(lines_of(file, source)), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        _refuse_json(error, source, None)
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise DataError(f"{source}, row {place}: {_OBJECT}.")
    if not rows:
        raise DataError(f"{source} is empty; give at least one JSON object.")
    available = list(dict.fromkeys(name for row in rows for name in row))
    chosen = wanted.choose(available, source)
    columns = Columns(wanted, source)
    for part in chunks_of(rows, limit):
        columns.add({name: [row.get(name) for row in part] for name in chosen})
    return columns


def _parse(line: str, number: int, source: str) -> dict[str, Any]:
    try:
        row = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        _refuse_json(error, source, number)
    if not isinstance(row, dict):
        raise DataError(f"{source}, line {number}: {_OBJECT}.")
    return row


_OBJECT = 'expected a JSON object such as {"text": "…", "label": "…"}'


def _refuse_json(error: Exception, source: str, line: int | None) -> NoReturn:
    """Name what is wrong with a line, or, without one, with a whole file."""
    where = source if line is None else f"{source}, line {line}"
    if isinstance(error, json.JSONDecodeError):
        line = error.lineno if line is None else line
        raise DataError(
            f"{source}, line {line}, column {error.colno}: broken JSON ({error.msg})."
        ) from None
    if isinstance(error, RecursionError):
        raise DataError(f"{where}: JSON nested too deeply.") from None
    what = "a number with too many digits" if "digits" in str(error) else str(error)
    raise DataError(f"{where}: {what}.") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
