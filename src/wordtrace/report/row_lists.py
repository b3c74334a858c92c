"""How the document of ``wordtrace rows`` reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.report.blocks import Block, Cell, Column, Grid, Passage, Say
from wordtrace.report.text import line

Document = Mapping[str, Any]


def row_blocks(document: Document) -> list[Block]:
    """Return how many rows match, and those that are listed."""
    rows, matching, total = document["rows"], document["matching"], document["total"]
    said = f"{matching:,} of {total:,} rows match."
    if len(rows) < matching:
        first = document["offset"] + 1
        said += f" Listed: {first:,} to {document['offset'] + len(rows):,}." if rows else ""
    labelled = any(row["label"] is not None for row in rows)
    suspected = any(row["suspicion"] is not None for row in rows)
    columns = [Column("id", "name")]
    columns += [Column("label", "label"), Column("model says", "name")] if labelled else []
    columns += [Column("text", "text")]
    columns += [Column("suspicion")] if suspected else []
    return [
        Say(said, soft=True),
        Grid(
            "",
            [*columns, Column("loss")],
            [_cells(row, labelled=labelled, suspected=suspected) for row in rows],
        ),
    ]


def _cells(row: Document, *, labelled: bool, suspected: bool) -> list[Cell]:
    said = "✗ " if row["right"] is False else ""
    texts = tuple(line(row[name]) for name in ("text", "text2") if name in row)
    return [
        line(row["id"]),
        *([line(row["label"]), said + line(row["predicted"])] if labelled else []),
        Passage(texts, ()),
        *([f"{row['suspicion']:.2f}"] if suspected else []),
        f"{row['loss']:.3g}",
    ]
