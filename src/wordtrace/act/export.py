"""Suspicious rows as plain columns, for annotation tools and spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from wordtrace.act.mislabels_result import Mislabels
from wordtrace.disk import atomic
from wordtrace.errors import InputError, option
from wordtrace.results.tables import spreadsheet_cell, write_parquet

KINDS = (".jsonl", ".parquet", ".csv")


def check_export(out: Path) -> None:
    """Refuse a path that can't be written, before the work starts (InputError)."""
    if out.suffix.lower() not in KINDS:
        raise InputError(f"{option('export', str(out))} should end in .jsonl, .parquet or .csv.")
    if not out.parent.is_dir():
        raise InputError(f"{option('export', str(out))}: the folder {out.parent} does not exist.")


def export(found: Mislabels, out: str | Path) -> None:
    """Write one record for each row: texts, both labels, figures, words and opponents' ids.

    JSON lines and Parquet hold texts as they are, and words and opponents as lists. CSV is made
    safe for spreadsheets: an apostrophe stands before a text that would be taken for a formula, and
    lists are joined by spaces.

    Raises
    ------
    InputError
        For another kind of file.
    """
    target = Path(out)
    check_export(target)
    records = _records(found)
    if target.suffix.lower() == ".jsonl":
        lines = (json.dumps(one, ensure_ascii=False, allow_nan=False) for one in records)
        atomic.write_text(target, "".join(f"{line}\n" for line in lines))
    elif target.suffix.lower() == ".parquet":
        write_parquet(pa.Table.from_pylist(records), target)
    else:
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(records[0] if records else [])
        writer.writerows([_cell(value) for value in one.values()] for one in records)
        atomic.write_text(target, text.getvalue())


def _records(found: Mislabels) -> list[dict[str, Any]]:
    records = []
    for row in found.rows:
        one: dict[str, Any] = {"rank": row.rank, "id": row.id, "text": row.text}
        if row.text2 is not None:
            one["text2"] = row.text2
        records.append(
            one
            | {
                "label": row.label,
                "proposed": row.proposed,
                "proposed_share": row.proposed_share,
                "predicted": row.predicted,
                "suspicion": row.suspicion,
                "self_influence": row.self_influence,
                "opposition": row.opposition,
                "loss": row.loss,
                "words": [token for token, _ in row.words],
                "opponents": [opponent.id for opponent in row.opponents],
            }
        )
    return records


def _cell(value: Any) -> str:
    return spreadsheet_cell(" ".join(value) if isinstance(value, list) else value)
