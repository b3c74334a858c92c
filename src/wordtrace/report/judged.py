"""How rankings of mislabelled rows read, judged by rows that are known to be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.report.blocks import Block, Cell, Column, Grid, bar
from wordtrace.report.numbers import bounded, percent
from wordtrace.report.text import clean


def judged_blocks(judged: Mapping[str, Any], what: str = "") -> list[Block]:
    """Return how well rankings found the rows that are known to be wrong; `what` heads them."""
    rankings = judged["rankings"]
    cuts = list(next(iter(rankings.values()))["precision"])
    columns = [Column("ranking", "name"), Column("average precision", "bar"), Column("AUROC")]
    columns += [Column(f"right of first {int(cut):,}") for cut in cuts]
    rows: list[list[Cell]] = [
        [
            clean(str(name), newlines=False),
            bar(one["average_precision"]["mean"], 1.0, bounded(one["average_precision"])),
            bounded(one["auroc"]),
            *(percent(one["precision"][cut]) for cut in cuts),
        ]
        for name, one in rankings.items()
    ]
    title = (f"{what}: " if what else "") + (
        f"{judged['wrong']:,} of {judged['rows']:,} rows are known to be wrong "
        f"({percent(judged['chance'])}, the precision of chance)"
    )
    return [Grid(title, columns, rows)]
