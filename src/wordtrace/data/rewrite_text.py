"""Change rows of CSV, TSV and JSON lines; every other byte of the file stays."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

from wordtrace.data.text_files import any_field_size
from wordtrace.errors import DataError

#: New values by column; None takes the row out.
RowChange = Mapping[str, str] | None


def rewrite_delimited(
    file: IO[bytes], out: IO[bytes], delimiter: str, changes: Mapping[int, RowChange]
) -> None:
    """Copy CSV or TSV with some rows changed.

    Of a changed row only the fields that change are written anew; quotes, line ends, blank lines
    and a byte order mark stay. A field that no longer needs its quotes keeps them where the file,
    in its header or in that row, quotes a field without need: a change and its reverse end at the
    same bytes, whichever way the file was written.

    Parameters
    ----------
    changes
        By row number, counted without the header and blank lines.
    """
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    with any_field_size():
        header: list[str] | None = None
        quotes = False
        row = -1
        for raw, fields in _records(text, delimiter):
            if not fields:
                out.write(raw.encode())
                continue
            if header is None:
                header = [fields[0].removeprefix("\ufeff"), *fields[1:]]
                quotes = _quotes_freely(raw.removeprefix("\ufeff"), delimiter)
                out.write(raw.encode())
                continue
            row += 1
            if row not in changes:
                out.write(raw.encode())
            elif (change := changes[row]) is not None:
                values = {header.index(name): value for name, value in change.items()}
                out.write(_with_fields(raw, delimiter, values, quotes).encode())
    text.detach()


def _records(lines: Iterable[str], delimiter: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each record's own characters, and its fields; a blank line has none."""
    taken: list[str] = []

    def noted() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    for fields in csv.reader(noted(), delimiter=delimiter, strict=True):
        yield "".join(taken), fields
        taken.clear()


def _with_fields(raw: str, delimiter: str, values: Mapping[int, str], quotes: bool) -> str:
    """Put new values into a record's fields by place; `quotes` keeps quotes without need."""
    body = raw.rstrip("\r\n")
    quotes = quotes or _quotes_freely(raw, delimiter)
    spans = _field_spans(body, delimiter)
    for place in sorted(values, reverse=True):
        start, end = spans[place]
        value = values[place]
        quoted = body[start : start + 1] == '"'
        if (quoted and quotes) or _needs_quotes(value, delimiter):
            value = '"' + value.replace('"', '""') + '"'
        body = body[:start] + value + body[end:]
    return body + raw[len(raw.rstrip("\r\n")) :]


def _field_spans(body: str, delimiter: str) -> list[tuple[int, int]]:
    """Return where each field of a record stands, its quotes included."""
    sign = re.escape(delimiter)
    fields = re.finditer(rf'(?:^|{sign})("(?:[^"]|"")*"|[^{sign}"][^{sign}]*|)', body)
    return [found.span(1) for found in fields]


def _quotes_freely(raw: str, delimiter: str) -> bool:
    """Return whether a record quotes a field that needs no quotes."""
    body = raw.rstrip("\r\n")
    return any(
        body[start : start + 1] == '"' and not _needs_quotes(body[start + 1 : end - 1], delimiter)
        for start, end in _field_spans(body, delimiter)
    )


def _needs_quotes(value: str, delimiter: str) -> bool:
    return any(sign in value for sign in (delimiter, '"', "\r", "\n"))


def rewrite_json_lines(file: IO[bytes], out: IO[bytes], changes: Mapping[int, RowChange]) -> None:
    """Copy JSON lines with some rows changed; of these only the values that change.

    Parameters
    ----------
    changes
        By row number, counted without blank lines. A label that was a number stays one.
    """
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    row = -1
    for line in text:
        if not line.removeprefix("\ufeff").strip():
            out.write(line.encode())
            continue
        row += 1
        if row not in changes:
            out.write(line.encode())
        elif (change := changes[row]) is not None:
            out.write(_with_values(line, change).encode())
    text.detach()


def _with_values(line: str, change: Mapping[str, str]) -> str:
    spans = _value_spans(line)
    for name in sorted(change, key=lambda name: spans[name][0], reverse=True):
        start, end, before = spans[name]
        line = line[:start] + _like(before, change[name], ascii=line.isascii()) + line[end:]
    return line


def _like(before: Any, after: str, *, ascii: bool) -> str:
    """Write a value as JSON, in the type of the one that it replaces."""
    if isinstance(before, str):
        return json.dumps(after, ensure_ascii=ascii)
    try:
        return json.dumps(type(before)(json.loads(after)))
    except (TypeError, ValueError):
        kind = type(before).__name__
        raise DataError(
            f"a label is the {kind} {before!r} in the data, and {after!r} is no {kind}; "
            "give labels of one kind."
        ) from None


def _value_spans(line: str) -> dict[str, tuple[int, int, Any]]:
    """Return where each key's value stands in a line that is a JSON object, and the value."""
    decoder = json.JSONDecoder()
    space = re.compile(r"[ \t\r\n]*")

    def skip(place: int) -> int:
        found = space.match(line, place)
        assert found is not None
        return found.end()

    spans: dict[str, tuple[int, int, Any]] = {}
    place = skip(line.index("{") + 1)
    while line[place] != "}":
        key, place = decoder.raw_decode(line, place)
        place = skip(skip(place) + 1)  # past the colon
        value, end = decoder.raw_decode(line, place)
        spans[key] = place, end, value
        place = skip(end)
        if line[place] == ",":
            place = skip(place + 1)
    return spans


def columns_of(changes: Iterable[RowChange]) -> Sequence[str]:
    """Return the names of the columns that some changes write."""
    return list(dict.fromkeys(name for change in changes if change for name in change))
