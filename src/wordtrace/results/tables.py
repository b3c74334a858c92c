"""Tables as files: Parquet as they are, CSV safe for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any
from unicodedata import category

import pyarrow as pa
import pyarrow.parquet as pq

from wordtrace.disk import atomic

# A spreadsheet takes a cell for a formula that begins with one of these signs; where Chinese,
# Japanese or Korean is written, with the wide ones, too.
_SIGNS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
# It drops these at a cell's beginning, whatever follows.
_DROPPED = ("\t", "\r", "\n")
_UNSEEN = ("Cc", "Cf")


def write_parquet(table: pa.Table, file: Path) -> None:
    """Write a table as Parquet, in whole or not at all."""
    with atomic.replacing(file) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def write_csv(table: pa.Table, file: Path) -> None:
    """Write a table as CSV; lists, such as words with their contributions, are JSON in a cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table.column_names)
    for row in table.to_pylist():
        writer.writerow([spreadsheet_cell(_flat(value)) for value in row.values()])
    atomic.write_text(file, text.getvalue())


def spreadsheet_cell(value: Any) -> str:
    """Write a value for a spreadsheet: an apostrophe stands before a text that looks a formula."""
    if value is None:
        return ""
    if isinstance(value, str) and (value.startswith(_DROPPED) or _first_seen(value) in _SIGNS):
        return f"'{value}"
    return str(value)


def _first_seen(text: str) -> str:
    """Return the first character that is seen: what is not may be dropped when a cell is read."""
    return next((one for one in text if not one.isspace() and category(one) not in _UNSEEN), "")


def _flat(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    plain = [list(one.values()) if isinstance(one, dict) else one for one in value]
    return json.dumps(plain, ensure_ascii=False)
