"""Numbers of a table are never cut off, however narrow the terminal is."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from wordtrace.report.blocks import Column, Grid
from wordtrace.report.terminal_tables import grid


@pytest.mark.parametrize("width", [40, 60, 72, 80, 120])
def test_every_number_is_shown_whole(width: int) -> None:
    figures = ["+0.198 [+0.070, +0.323]", "71 %", "+0.204 [+0.075, +0.327]"]
    headings = ["LDS by log-odds [95 %]", "of what is attainable", "by probability [95 %]"]
    columns = [Column("measure", "name"), *map(Column, headings)]
    shown = io.StringIO()
    console = Console(file=shown, width=width)
    console.print(grid(Grid("", columns, [["tracin-we-topk", *figures]]), width))
    said = " ".join(shown.getvalue().split())
    assert all(figure in said for figure in figures)
