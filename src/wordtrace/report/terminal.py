"""Results in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console, ConsoleRenderable, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wordtrace.report import figures
from wordtrace.report.blocks import (
    Grid,
    Head,
    Judgement,
    Marked,
    Names,
    Ranges,
    Say,
    Sides,
    Warn,
)
from wordtrace.report.documents import whole
from wordtrace.report.numbers import interval, signed
from wordtrace.report.sections import sections_of
from wordtrace.report.terminal_tables import (
    PLUS,
    WIDE,
    Parts,
    coloured,
    grid,
    hits,
)
from wordtrace.report.text import clean

__all__ = ["clean", "render_terminal"]

# From here on proponents and opponents stand side by side.
_TWO_COLUMNS = 150


def render_terminal(document: Mapping[str, Any], console: Console) -> None:
    """Print a document; training text can neither style nor steer the terminal.

    Where the terminal's encoding lacks a character, a question mark stands for it.

    Raises
    ------
    InputError
        For a document of another kind, of a newer version, or that is not whole.
    """
    with whole():
        parts: Parts = []
        for section in sections_of([document]):
            parts += [Text(""), Text(clean(section.heading, newlines=False), style="bold")]
            for block in section.blocks:
                # Blocks for which only a page has room are skipped.
                show = _SHOWN.get(type(block))
                parts += show(block, console.width) if show else []
    if console.encoding.lower().startswith("utf"):
        console.print(*parts, sep="\n")
        return
    with console.capture() as captured:
        console.print(*parts, sep="\n")
    shown = captured.get().encode(console.encoding, "replace").decode(console.encoding)
    console.file.write(shown)


def _say(block: Say, width: int) -> Parts:
    return [Text(clean(block.text), style="dim" if block.soft else "")]


def _warn(block: Warn, width: int) -> Parts:
    return [Text("Warning: " + clean(block.text), style="yellow")]


def _head(block: Head, width: int) -> Parts:
    return [Text(""), Text(clean(block.text), style="bold")]


def _names(block: Names, width: int) -> Parts:
    return [] if block.title else [Text(clean(", ".join(block.names), newlines=False))]


def _marked(block: Marked, width: int) -> Parts:
    texts = [Padding(text, (0, 0, 0, 2)) for text in coloured(block, 90)]
    return [Text(""), *texts, Text("")]


def _tables(block: Grid, width: int) -> Parts:
    title = [Text(clean(block.title, newlines=False), style="bold")] if block.title else []
    return [Text(""), *title, grid(block, width)]


def _sides(block: Sides, width: int) -> Parts:
    if width < _TWO_COLUMNS:
        return [part for side in block.sides for part in (Text(""), *hits(side, width))]
    half = width // 2 - 2
    both = Table.grid(expand=True, padding=(0, 2))
    both.add_column(ratio=1)
    both.add_column(ratio=1)
    both.add_row(*(Group(*hits(side, half)) for side in block.sides))
    return [Text(""), both]


def _judgement(block: Judgement, width: int) -> Parts:
    stamp = Text(clean(block.stamp), style="bold blue" if block.shown else "bold")
    return [Text(""), stamp, Text(clean(block.text))]


def _ranges(block: Ranges, width: int) -> Parts:
    numbers = [0.0, *(change[end] for _, change, _ in block.lines for end in ("low", "high"))]
    low, high = min(numbers), max(numbers)
    table = Table(box=None, pad_edge=False, expand=False, show_header=width >= WIDE)
    table.add_column("left out", overflow="fold")
    if width >= WIDE:
        table.add_column("change, 95 % interval", no_wrap=True)
        table.add_column(
            f"{signed(low, block.digits)} to {signed(high, block.digits)}", no_wrap=True
        )
    for name, change, role in block.lines:
        style = {"main": "bold", "control": "dim", "difference": ""}[role]
        drawn = Text(figures.bar(change, low, high, 24), style=PLUS if role == "main" else "")
        cells: list[ConsoleRenderable] = [
            Text(clean(name, newlines=False), style=style),
            Text(interval(change, block.digits), style=style),
            drawn,
        ]
        if width >= WIDE:
            table.add_row(*cells)
        else:
            table.add_row(Group(*cells))
    title = Text(clean(block.title, newlines=False), style="bold")
    title.truncate(max(20, width), overflow="ellipsis")
    return [Text(""), title, table]


_SHOWN: dict[type, Callable[[Any, int], Parts]] = {
    Say: _say,
    Warn: _warn,
    Head: _head,
    Names: _names,
    Marked: _marked,
    Grid: _tables,
    Sides: _sides,
    Judgement: _judgement,
    Ranges: _ranges,
}
