"""Tables of a terminal: hits with their coloured words, and grids."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import ConsoleRenderable, Group
from rich.table import Table
from rich.text import Text

from wordtrace.report.blocks import Bar, Cell, Grid, Hit, Hits, Marked, Passage
from wordtrace.report.excerpts import excerpt
from wordtrace.report.messages import messages_of
from wordtrace.report.numbers import signed
from wordtrace.report.text import Segment, clean

PLUS, MINUS = "bold blue", "bold dark_orange"
#: Below this many characters columns stand below each other.
WIDE = 76

_FAINT = 0.1
_WORDS = 6
_BAR = 12
_ROOMY = 100

Parts = list[ConsoleRenderable]


def hits(block: Hits, width: int) -> Parts:
    """Return one side's examples: score with its bar, label, id, text and strongest words."""
    said = f"{block.mark} {block.title} of {_plain(block.name)}: they {block.said} it"
    heading = Text(said, style="bold")
    if not block.hits:
        return [heading, Text("  none", style="dim")]
    wide, labelled = width >= WIDE, any(hit.label for hit in block.hits)
    table = Table(expand=True, pad_edge=False, box=None, show_header=wide, padding=(0, 1, 1, 0))
    if wide:
        table.add_column("score", justify="right", no_wrap=True)
        if labelled:
            table.add_column("label", max_width=16, overflow="ellipsis", no_wrap=True)
        table.add_column("id", max_width=18, overflow="ellipsis", no_wrap=True)
    table.add_column("text and words", ratio=1, overflow="fold")
    for hit in block.hits:
        style = PLUS if hit.score > 0 else MINUS
        score = Text(signed(hit.score, hit.text.digits), style=style)
        label, name = Text(_plain(hit.label), style="bold"), Text(_plain(hit.id), style="dim")
        drawn = Text("█" * round(hit.length * 7) or "▏", style=style)
        body = coloured(hit.text, max(20, width // 2))
        if hit.words:
            body.append(_strongest(hit))
        named = [label, name] if labelled else [name]
        if wide:
            table.add_row(Group(score, drawn), *named, Group(*body))
        else:
            table.add_row(Group(Text("  ").join([score, drawn, *named]), *body))
    return [heading, table]


def _strongest(hit: Hit) -> Text:
    digits = hit.text.digits
    shown = [f"{_plain(one.name)} {signed(one.contribution, digits)}" for one in hit.words]
    more = [f"and {len(shown) - _WORDS} more"] if len(shown) > _WORDS else []
    return Text("  ".join(shown[:_WORDS] + more), style="dim")


def coloured(block: Marked, count: int) -> Parts:
    """Return a text, or its messages, with its words coloured; about `count` words of each."""
    found: Parts = []
    for message in messages_of(block.item, block.words, block.scale):
        if message.role:
            found.append(Text(_plain(message.role), style="dim italic"))
        found.append(_excerpt(message.pieces, count))
    return found


def _excerpt(pieces: Sequence[Segment], count: int) -> Text:
    """Colour words by sign; the sign is also in a bracket, so that it is read without colour."""
    text = Text()
    for part in excerpt(pieces, count):
        if not part.shown:
            text.append(f"… ({part.words} words) … ", style="dim")
            continue
        for piece in part.pieces:
            word = piece.text.replace("\n", " ").replace("\t", " ")
            if not piece.value or piece.strength < _FAINT or not word.strip():
                text.append(word)
                continue
            bare = word.rstrip()
            sign, style = ("+", PLUS) if piece.value > 0 else ("-", MINUS)
            text.append(f"[{sign}{bare}]", style=style)
            text.append(word[len(bare) :])
    return text


def grid(block: Grid, width: int) -> Table:
    """Return a table; where it is too narrow for what it holds, each row below the other."""
    passages = any(isinstance(cell, Passage) for row in block.rows for cell in row)
    if (passages and width < WIDE) or _least(block) > width:
        return _stacked(block)
    # Text takes what room the other columns leave.
    wide = any(column.kind in ("text", "prose") for column in block.columns)
    gap = 2 if width >= _ROOMY else 1
    most = 18 if passages else 26
    table = Table(box=None, pad_edge=False, expand=wide, padding=(0, gap, 0, 0))
    for place, column in enumerate(block.columns):
        heading, cells = Text(_plain(column.heading)), [row[place] for row in block.rows]
        least = max((len(cell) for cell in cells if isinstance(cell, str)), default=0)
        if column.kind == "text":
            table.add_column(heading, ratio=1, no_wrap=True, overflow="ellipsis")
        elif column.kind == "prose":
            table.add_column(heading, ratio=1, overflow="fold")
        elif column.kind == "number":
            # In a narrow table headings are folded between words, since numbers can't be.
            room = None if width >= _ROOMY else max(least, *map(len, heading.plain.split()), 1)
            table.add_column(
                heading, justify="right", overflow="fold", min_width=least, max_width=room
            )
        else:
            least = min(least, most)
            table.add_column(
                heading, min_width=least, max_width=most, no_wrap=True, overflow="ellipsis"
            )
    longest = _BAR if width >= _ROOMY else _BAR // 3
    bar = max(
        (len(one.text) for row in block.rows for one in row if isinstance(one, Bar)), default=0
    )
    for row in block.rows:
        table.add_row(*(_cell(one, longest, bar) for one in row))
    return table


def _least(block: Grid) -> int:
    """Return the characters that numbers and names take, below which some would be cut off."""
    total = 0
    for at, column in enumerate(block.columns):
        cells = [len(cell) for row in block.rows if isinstance(cell := row[at], str)]
        if column.kind == "number":
            total += max([*cells, *map(len, column.heading.split())], default=0) + 1
        else:
            total += min(max(cells, default=0), 14) + 1
    return total


def _stacked(block: Grid) -> Table:
    """Return a row's short cells on a line, the text below."""
    table = Table.grid(expand=True, padding=(0, 0, 1, 0))
    table.add_column(ratio=1, overflow="fold")
    for row in block.rows:
        short = [
            f"{_plain(column.heading)} {_plain(cell)}"
            for column, cell in zip(block.columns, row, strict=True)
            if isinstance(cell, str) and cell
        ]
        long = [_cell(cell, _BAR // 3) for cell in row if not isinstance(cell, str)]
        table.add_row(Group(Text(", ".join(short)), *long))
    return table


def _cell(cell: Cell, longest: int, room: int = 0) -> ConsoleRenderable:
    if isinstance(cell, str):
        return Text(_plain(cell))
    if isinstance(cell, Passage):
        return Group(*_passage(cell))
    drawn = "█" * round(cell.share * longest) or "▏"
    style = PLUS if cell.sign == "plus" else MINUS
    return Text(f"{_plain(cell.text):>{room}} ").append(drawn, style=style)


def _passage(cell: Passage) -> Parts:
    texts = [Text(_plain(one), no_wrap=True, overflow="ellipsis") for one in cell.texts]
    if not cell.words:
        return [*texts]
    words = Text(_plain("  ".join(cell.words)), style=MINUS, no_wrap=True, overflow="ellipsis")
    return [*texts, words]


def _plain(text: str) -> str:
    return clean(text, newlines=False)
