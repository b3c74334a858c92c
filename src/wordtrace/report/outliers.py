"""How the document of ``wordtrace outliers`` reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.report.blocks import Block, Cell, Column, Grid, Passage, Say
from wordtrace.report.text import line

Document = Mapping[str, Any]


def outlier_blocks(document: Document) -> list[Block]:
    """Return what the rows are ranked by, and the rows with what is unusual about each."""
    columns = [Column("#"), Column("id", "name"), Column("label", "label")]
    columns += [Column("text, and its rarest words", "text"), Column("what is unusual", "prose")]
    rows: list[list[Cell]] = [
        [
            line(row["rank"]),
            line(row["id"]),
            line(row["label"]),
            Passage(
                tuple(line(row[name]) for name in ("text", "text2") if name in row),
                tuple(line(word) for word in row["rare"]),
            ),
            line("; ".join(row["reasons"])),
        ]
        for row in document["rows"]
    ]
    return [
        Say(
            f"The strangest of {document['examples']:,} training rows, by {line(document['by'])}. "
            "An unusual text is not a wrong one: it is worth a look."
        ),
        Grid("", columns, rows),
    ]
