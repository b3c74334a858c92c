"""CSV, TSV and plain text, read line by line so that a complaint names the line."""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NoReturn

from wordtrace.data.columns import Columns, Wanted, chunks_of
from wordtrace.data.decoding import lines_of
from wordtrace.data.tsv_quotes import quotes_enclose, quoting_of
from wordtrace.errors import DataError


def read_delimited(
    file: IO[bytes], source: str, wanted: Wanted, delimiter: str, limit: int | None
) -> Columns:
    """Read CSV or TSV: a header line, quotes as in RFC 4180, UTF-8; blank lines are passed over.

    Quotes of a TSV file may also be characters of its texts: see :mod:`.tsv_quotes`.

    Raises
    ------
    DataError
        For bad encoding, an unclosed quote, a row with another number of fields, no header.
    """
    with any_field_size():
        quoted = delimiter != "\t" or quotes_enclose(file, source)
        rows = _Rows(lines_of(file, source), source, delimiter, quoted)
        header = next(rows, None)
        if header is None:
            raise DataError(f"{source} is empty; the first line must name the columns.")
        if len(header) == 1 and wanted.text not in header and re.search(r"[;\t|,]", header[0]):
            raise DataError(
                f"{source} has one column, {header[0]!r}; separate the columns by a "
                f"{_named(delimiter)}, or name the file by what separates them (.csv, .tsv)."
            )
        chosen = {name: header.index(name) for name in wanted.choose(header, source)}
        starts = array("q")
        columns = Columns(wanted, source, lambda row: f"line {starts[row]}")

        def checked() -> Iterator[list[str]]:
            for row in rows:
                if len(row) != len(header):
                    raise DataError(
                        f"{source}, line {rows.start}: {len(row)} fields where the header has "
                        f"{len(header)}; {_mended(delimiter, quoted)}."
                    )
                starts.append(rows.start)
                yield row

        for part in chunks_of(checked(), limit):
            columns.add({name: [row[place] for row in part] for name, place in chosen.items()})
    return columns


def read_plain(file: IO[bytes], source: str, wanted: Wanted, limit: int | None) -> Columns:
    """Read one text a line, unlabelled; blank lines are passed over."""
    if wanted.text2 is not None:
        raise DataError(f"{source} has one text a line; give pairs as .csv or .jsonl.")
    lines = array("q")

    def texts() -> Iterator[str]:
        for number, line in enumerate(lines_of(file, source), 1):
            if line.strip():
                lines.append(number)
                yield line.rstrip("\r\n")

    columns = Columns(wanted, source, lambda row: f"line {lines[row]}")
    for part in chunks_of(texts(), limit):
        columns.add({wanted.text: part})
    return columns


class _Rows:
    """Rows of a delimited file that know the line they start at; blank lines are passed over."""

    def __init__(self, lines: Iterator[str], source: str, delimiter: str, quoted: bool) -> None:
        self.start = 1
        self._source = source
        self._delimiter = delimiter
        self._row: list[str] = []  # the row's lines, for telling where a quote was opened
        self._reader = csv.reader(
            self._noted(lines),
            delimiter=delimiter,
            strict=True,
            quoting=quoting_of(quoted),
        )

    def _noted(self, lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            self._row.append(line)
            yield line

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        row: list[str] = []
        while not row:
            self._row.clear()
            self.start = self._reader.line_num + 1
            try:
                row = next(self._reader)
            except csv.Error as error:
                self._refuse(error)
        return row

    def _refuse(self, error: csv.Error) -> NoReturn:
        lines = "".join(self._row)
        if "unexpected end of data" in str(error):
            opened = self.start + len(re.findall(r"\r\n?|\n", lines[: self._open_quote(lines)]))
            raise DataError(
                f"{self._source}, line {opened}: the quote opened here is never closed; "
                'close it, or double a quote inside a field ("").'
            ) from None
        if "expected after" in str(error):
            begun = "" if len(self._row) == 1 else f" in the row that starts at line {self.start},"
            raise DataError(
                f"{self._source}, line {self._reader.line_num}:{begun} text follows a closing "
                'quote; double a quote inside a field (""), or close an earlier one.'
            ) from None
        raise DataError(f"{self._source}, line {self._reader.line_num}: {error}.") from None

    def _open_quote(self, lines: str) -> int:
        """Return where the field starts that the end of the file cuts."""
        whole = rf'(?:"[^"]*+(?:""[^"]*+)*+"|[^"{self._delimiter}][^{self._delimiter}]*+|)'
        field = re.compile(whole + self._delimiter)
        place = 0
        while found := field.match(lines, place):
            place = found.end()
        return place


def _mended(delimiter: str, quoted: bool) -> str:
    if quoted:
        return (
            f"put quotes around a field that holds a {_named(delimiter)}, a quote or a line break"
        )
    return "its quotes do not enclose fields, so no field can hold a tab or a line break"


def _named(delimiter: str) -> str:
    return "comma" if delimiter == "," else "tab"


@contextmanager
def any_field_size() -> Iterator[None]:
    """Lift the csv module's limit of 131,072 characters a field, which is a global setting."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)
