"""Whether quotes in a TSV file enclose its fields, or are characters of its texts."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Literal

from wordtrace.errors import DataWarning

# A field that begins with a quote, up to the next tab or line end; whether that quote is closed
# there is the question.
_OPENED = re.compile(r'(?:^|(?<=\t))"[^\t\r\n]*')
_CLOSED = re.compile(r'"(?:[^"]|"")*"')
# A quote inside a field that begins without one: no program that encloses fields writes it.
_BARE = re.compile(r'(?:^|(?<=\t))[^"\t\r\n][^\t\r\n]*"')


def quotes_enclose(file: IO[bytes], source: str) -> bool:
    r"""Tell whether the quotes of a TSV file enclose fields (``"a ""b"" c"`` is ``a "b" c``).

    Files like those of the GLUE benchmark hold quotes as characters of their texts: read as
    enclosing quotes, one that is never closed takes the next rows into its field. The file itself
    tells: the reading is taken that gives each row as many fields as the header. Where both do, a
    file whose quotes are all closed within their fields is read as it always was; else the lines
    stay rows. A :class:`.DataWarning` says which was taken. The file is left at its beginning.
    """
    try:
        return _decide(file, source)
    finally:
        file.seek(0)


def reads_otherwise(before: IO[bytes], after: IO[bytes]) -> bool:
    """Tell whether a file that was changed would have its quotes taken in another way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        same = quotes_enclose(before, "the data") == quotes_enclose(after, "the data")
    return not same and _quotes(after)[0].first is not None


def _decide(file: IO[bytes], source: str) -> bool:
    opened, bare = _quotes(file)
    if opened.first is None:
        return True
    enclosing, plain = _read(file, enclose=True), _read(file, enclose=False)
    if enclosing.fault is not None or plain.fault is not None:
        # Both fail: the one that gets further is told of its fault.
        return plain.fault is not None and (
            enclosing.fault is None or enclosing.fault >= plain.fault
        )
    if opened.unclosed is None or opened.in_header:
        if bare is not None and not opened.in_header:
            warnings.warn(
                f"{source}: quotes around whole fields (the first at line {opened.first}) were "
                f"taken as enclosing them and left out, although line {bare} holds quotes as they "
                "are; if they belong to the texts, give the data as .jsonl.",
                DataWarning,
                stacklevel=2,
            )
        return True
    warnings.warn(
        f"{source}, line {opened.unclosed}: a field begins with a quote that is not closed before "
        f"the next tab or line end, so quotes were taken as characters of the texts, and each of "
        f"the {plain.rows:,} lines as a row (as enclosing quotes they would leave "
        f"{enclosing.rows:,} rows); if texts go over several lines, give the data as .jsonl.",
        DataWarning,
        stacklevel=2,
    )
    return False


@dataclass
class _Opened:
    """The fields that begin with a quote, and the lines where they first do, from 1."""

    first: int | None = None
    unclosed: int | None = None
    in_header: bool = False


def _quotes(file: IO[bytes]) -> tuple[_Opened, int | None]:
    """Return what begins with a quote, and the first line with a quote inside a field."""
    opened, bare = _Opened(), None
    with _text(file) as lines:
        header = True
        for number, line in enumerate(lines, 1):
            if '"' in line:
                for field in _OPENED.findall(line):
                    opened.first = opened.first or number
                    opened.in_header |= header
                    if opened.unclosed is None and not _CLOSED.fullmatch(field):
                        opened.unclosed = number
                if bare is None and _BARE.search(line):
                    bare = number
            header = header and not line.strip("\r\n")
    return opened, bare


@dataclass(frozen=True)
class _Reading:
    """How many rows a reading finds, and the line where it first fails."""

    rows: int
    fault: int | None = None


def quoting_of(enclose: bool) -> Literal[0, 3]:
    """Return what the csv module calls it."""
    return csv.QUOTE_MINIMAL if enclose else csv.QUOTE_NONE


def _read(file: IO[bytes], *, enclose: bool) -> _Reading:
    with _text(file) as lines:
        reader = csv.reader(lines, delimiter="\t", strict=True, quoting=quoting_of(enclose))
        rows, width, start = -1, None, 1
        try:
            for row in reader:
                if row and width is None:
                    width = len(row)
                elif row and len(row) != width:
                    return _Reading(rows, start)
                rows += bool(row)
                start = reader.line_num + 1
        except csv.Error:
            return _Reading(rows, start)
    return _Reading(rows)


@contextmanager
def _text(file: IO[bytes]) -> Iterator[io.TextIOWrapper]:
    """Read the file from its beginning; only tabs, quotes and line ends matter in it."""
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield text
    finally:
        text.detach()
