"""CSV, TSV, JSON lines and plain text, read line by line so that a complaint names the line."""

from __future__ import annotations

import csv
import io
import json
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import IO, Any, NoReturn

from wordtrace.data.columns import Columns, Wanted
from wordtrace.errors import DataError


def read_delimited(
    file: IO[bytes], source: str, wanted: Wanted, delimiter: str, limit: int | None
) -> Columns:
    """Read CSV or TSV with a header line, quotes as in RFC 4180, UTF-8.

    Raises
    ------
    DataError
        For bad encoding, an unclosed quote, a row with another number of fields, no header.
    """
    with _any_field_size():
        reader = csv.reader(_lines(file, source), delimiter=delimiter, strict=True)
        start = [1]
        try:
            header = next(reader, None)
            if header is None:
                raise DataError(f"{source} is empty; the first line must name the columns.")
            chosen = wanted.choose(header, source)
            places = [header.index(name) for name in chosen]
            values: list[list[str]] = [[] for _ in chosen]
            lines = array("q")
            for opened_at, row in islice(_rows(reader, start), limit):
                if len(row) != len(header):
                    _uneven(source, opened_at, row, header, delimiter)
                lines.append(opened_at)
                for column, place in zip(values, places, strict=True):
                    column.append(row[place])
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                raise DataError(
                    f"{source}: the row that starts at line {start[0]} has a quote "
                    'that is never closed; close it, or double a quote inside a field ("").'
                ) from None
            raise DataError(f"{source}, line {reader.line_num}: {error}.") from None
    found = dict(zip(chosen, values, strict=True))
    return Columns(found, source, lambda row: f"line {lines[row]}", available=header)


def read_json_lines(file: IO[bytes], source: str, wanted: Wanted, limit: int | None) -> Columns:
    """Read one JSON object a line; blank lines are passed over.

    Raises
    ------
    DataError
        For bad encoding, broken JSON (line and column), NaN, or a line that is no object.
    """
    rows: list[dict[str, Any]] = []
    lines = array("q")
    for number, line in enumerate(_lines(file, source), 1):
        if not line.strip():
            continue
        if limit is not None and len(rows) == limit:
            break
        try:
            row = json.loads(line, parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            raise DataError(
                f"{source}, line {number}, column {error.colno}: broken JSON ({error.msg})."
            ) from None
        except RecursionError:
            raise DataError(f"{source}, line {number}: JSON nested too deeply.") from None
        except ValueError as error:
            raise DataError(f"{source}, line {number}: {error}.") from None
        if not isinstance(row, dict):
            raise DataError(
                f"{source}, line {number}: expected a JSON object such as "
                '{"text": "…", "label": "…"}.'
            )
        rows.append(row)
        lines.append(number)
    if not rows:
        raise DataError(f"{source} is empty; give one JSON object a line.")
    available = list(dict.fromkeys(key for row in rows for key in row))
    chosen = wanted.choose(available, source)
    values = {name: [row.get(name) for row in rows] for name in chosen}
    return Columns(values, source, lambda row: f"line {lines[row]}", available=available)


def read_plain(file: IO[bytes], source: str, wanted: Wanted, limit: int | None) -> Columns:
    """Read one text a line, unlabelled; blank lines are passed over."""
    numbered = [
        (number, line.rstrip("\r\n"))
        for number, line in enumerate(_lines(file, source), 1)
        if line.strip()
    ][:limit]
    values = {wanted.text: [line for _, line in numbered]}
    return Columns(values, source, lambda row: f"line {numbered[row][0]}")


def _lines(file: IO[bytes], source: str) -> Iterator[str]:
    """Decode UTF-8 line by line, a byte order mark passed over; names the line that is not."""
    text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
    for number, line in enumerate(text, 1):
        if number == 1:
            line = line.removeprefix("\ufeff")
        # Undecodable bytes come as lone surrogates, which valid UTF-8 never holds.
        if not line.isascii() and any("\udc80" <= character <= "\udcff" for character in line):
            bad = next(c for c in line if "\udc80" <= c <= "\udcff")
            raise DataError(
                f"{source}, line {number}: byte 0x{ord(bad) - 0xDC00:02X} is not UTF-8; convert "
                f"the file, for example: iconv -f latin1 -t utf-8 {source}"
            )
        yield line


def _rows(reader: Any, starts: list[int]) -> Iterator[tuple[int, list[str]]]:
    """Yield (line it starts at, row), blank lines passed over; notes each start before reading."""
    while True:
        starts[0] = reader.line_num + 1
        row = next(reader, None)
        if row is None:
            return
        if row:
            yield starts[0], row


def _uneven(source: str, line: int, row: list[str], header: list[str], delimiter: str) -> NoReturn:
    name = "comma" if delimiter == "," else "tab"
    raise DataError(
        f"{source}, line {line}: {len(row)} fields where the header has {len(header)}; "
        f"put quotes around a field that holds a {name}, a quote or a line break."
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


@contextmanager
def _any_field_size() -> Iterator[None]:
    """Lift the csv module's limit of 131,072 characters a field, which is a global setting."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)
