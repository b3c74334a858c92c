"""Tables as files: Parquet as they are, CSV safe for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wordtrace.disk import atomic

# A spreadsheet takes a cell that begins in this way for a formula, or drops these characters.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


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
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return str(value)


def _flat(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    plain = [list(one.values()) if isinstance(one, dict) else one for one in value]
    return json.dumps(plain, ensure_ascii=False)
