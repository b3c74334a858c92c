"""Change rows of CSV, TSV and JSON files; every other byte of the file stays."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

from wordtrace.data.label_values import as_spelled
from wordtrace.data.text_files import any_field_size
from wordtrace.data.tsv_quotes import quotes_enclose, quoting_of
from wordtrace.errors import DataError

_SPACE = re.compile(r"[ \t\r\n]*")

#: New values by column; None takes the row out.
RowChange = Mapping[str, str] | None


def rewrite_delimited(
    file: IO[bytes],
    out: IO[bytes],
    delimiter: str,
    changes: Mapping[int, RowChange],
    label: str | None = None,
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
    label
        The column of labels: a new one is spelled as the one that it replaces.

    Raises
    ------
    DataError
        For a value with a tab or a line break, where the quotes of a TSV file do not enclose
        fields.
    """
    enclose = delimiter != "\t" or quotes_enclose(file, "the data")
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    with any_field_size():
        header: list[str] | None = None
        quotes = False
        row = -1
        for raw, fields in _records(text, delimiter, enclose):
            if not fields:
                out.write(raw.encode())
                continue
            if header is None:
                header = [fields[0].removeprefix("\ufeff"), *fields[1:]]
                quotes = enclose and _quotes_freely(raw.removeprefix("\ufeff"), delimiter)
                out.write(raw.encode())
                continue
            row += 1
            if row not in changes:
                out.write(raw.encode())
            elif (change := changes[row]) is not None:
                places = {header.index(name): name for name in change}
                values = {
                    place: as_spelled(fields[place], change[name])
                    if name == label
                    else change[name]
                    for place, name in places.items()
                }
                if enclose:
                    out.write(_with_fields(raw, delimiter, values, quotes).encode())
                else:
                    out.write(_with_bare_fields(raw, values).encode())
    text.detach()


def _records(
    lines: Iterable[str], delimiter: str, enclose: bool
) -> Iterator[tuple[str, list[str]]]:
    """Yield each record's own characters, and its fields; a blank line has none."""
    taken: list[str] = []

    def noted() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    quoting = quoting_of(enclose)
    for fields in csv.reader(noted(), delimiter=delimiter, strict=True, quoting=quoting):
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


def _with_bare_fields(raw: str, values: Mapping[int, str]) -> str:
    """Put new values into a line whose quotes are characters like any other."""
    body = raw.rstrip("\r\n")
    fields = body.split("\t")
    for place, value in values.items():
        if any(sign in value for sign in "\t\r\n"):
            raise DataError(
                f"{value[:40]!r} holds a tab or a line break, which no field of this TSV file can "
                "hold, since its quotes do not enclose fields; write the data as .jsonl first."
            )
        fields[place] = value
    return "\t".join(fields) + raw[len(body) :]


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


def rewrite_json_lines(
    file: IO[bytes],
    out: IO[bytes],
    changes: Mapping[int, RowChange],
    label: str | None = None,
) -> None:
    """Copy JSON lines with some rows changed; of these only the values that change.

    Parameters
    ----------
    changes
        By row number, counted without blank lines. A label that was a number stays one.
    label
        The column of labels: a new one is spelled as the one that it replaces.
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
            out.write(_with_values(line, change, label).encode())
    text.detach()


def rewrite_json_array(
    file: IO[bytes],
    out: IO[bytes],
    changes: Mapping[int, RowChange],
    label: str | None = None,
) -> None:
    """Copy a file of one JSON array of objects as :func:`rewrite_json_lines` copies lines."""
    text = file.read().decode()
    decoder = json.JSONDecoder()
    end = text.index("[") + 1
    before, kept = [text[:end]], 0
    for row in itertools.count():
        start = _after_space(text, end)
        if text[start] == "]":
            break
        if row:
            start = _after_space(text, start + 1)  # past the comma
        gap = text[end:start]
        _, end = decoder.raw_decode(text, start)
        change = changes.get(row, {})
        if change is None:
            continue
        # What stood between two rows goes with the later one; before the first there is no comma.
        before.append(gap if kept or not row else gap.replace(",", "", 1))
        before.append(_with_values(text[start:end], change, label))
        kept += 1
    out.write(("".join(before) + text[end:]).encode())


def _with_values(line: str, change: Mapping[str, str], label: str | None) -> str:
    if not change:
        return line
    spans = _value_spans(line)
    for name in sorted(change, key=lambda name: spans[name][0], reverse=True):
        start, end, before = spans[name]
        after = change[name]
        if name == label and isinstance(before, str):
            after = as_spelled(before, after)
        line = line[:start] + _like(before, after, ascii=line.isascii()) + line[end:]
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
    spans: dict[str, tuple[int, int, Any]] = {}
    place = _after_space(line, line.index("{") + 1)
    while line[place] != "}":
        key, place = decoder.raw_decode(line, place)
        place = _after_space(line, _after_space(line, place) + 1)  # past the colon
        value, end = decoder.raw_decode(line, place)
        spans[key] = place, end, value
        place = _after_space(line, end)
        if line[place] == ",":
            place = _after_space(line, place + 1)
    return spans


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    assert found is not None
    return found.end()


def columns_of(changes: Iterable[RowChange]) -> Sequence[str]:
    """Return the names of the columns that some changes write."""
    return list(dict.fromkeys(name for change in changes if change for name in change))
