"""How the document of ``wordtrace measures`` reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.report.blocks import Block, Cell, Column, Grid, Say
from wordtrace.report.text import line

Document = Mapping[str, Any]


def measure_blocks(document: Document) -> list[Block]:
    """Return a table of the measures."""
    rows: list[list[Cell]] = [
        [
            line(one["name"]),
            "yes" if one["by_word"] else "",
            *(line(one[name]) for name in ("equation", "needs", "cost")),
        ]
        for one in document["measures"]
    ]
    columns = [
        Column("name", "name"),
        Column("by word", "name"),
        *(Column(one, "prose") for one in ("equation", "needs", "cost")),
    ]
    return [
        Grid("", columns, rows),
        Say(
            "n training examples, q queries, c checkpoints. The paper is First is Better Than "
            "Last for Language Data Influence (2022).",
            soft=True,
        ),
    ]
