"""Results as Markdown, for a pull request or an issue: what the page says, without its pictures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from wordtrace.report.blocks import (
    Bar,
    Cell,
    Grid,
    Head,
    Hits,
    Judgement,
    Marked,
    Names,
    Passage,
    Ranges,
    Say,
    Sides,
    Warn,
)
from wordtrace.report.documents import whole
from wordtrace.report.excerpts import excerpt
from wordtrace.report.messages import messages_of
from wordtrace.report.numbers import interval, signed
from wordtrace.report.provenance import provenance
from wordtrace.report.runs import run_lines
from wordtrace.report.sections import facts, sections_of, title_of
from wordtrace.report.text import Segment, clean

#: About how many words of a text are shown, and how many rows of a side.
_WORDS, _ROWS = 40, 5
_FAINT = 0.1
_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~$&]|^[-+=]|(?<=^\d)[.)]")


def render_markdown(
    documents: Sequence[Mapping[str, Any]],
    title: str | None = None,
    runs: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Return results as Markdown; text of the data is escaped, and calls and links nobody.

    Of a trace, each side's five strongest rows are shown, with words that speak for the label in
    bold and those against it in italics.

    Parameters
    ----------
    documents, title, runs
        As :func:`.page.render_html` takes them.

    Raises
    ------
    InputError
        For a document of another kind, of a newer version, or that is not whole.
    """
    with whole():
        sections = sections_of(documents)
        done, names = facts(documents), run_lines(documents, runs)
        name = title or title_of(sections)
        found = [f"# {plain(name)}"]
        found += [plain(one) for one in names]
        if done:
            found.append("; ".join(f"{plain(name)}: {plain(value)}" for name, value in done))
        for section in sections:
            if section.heading != name:
                found.append(f"## {plain(section.heading)}")
            for block in section.blocks:
                show = _SHOWN.get(type(block))
                found += show(block) if show else []
        made_from = [_row([plain(one) for one in pair]) for pair in provenance(documents, runs)]
    if made_from:
        head = [_row(["made from", ""]), _row(["---", "---"])]
        found.append("\n".join([*head, *made_from]))
    return "\n\n".join(one for one in found if one) + "\n"


def plain(text: str) -> str:
    """Escape a text on one line: it is read as it stands, mentions nobody and links nowhere."""
    return _parted(_escaped(text))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", clean(str(text), newlines=False))


def _parted(escaped: str) -> str:
    """Part mentions and addresses, which a host of Markdown still finds, by an empty comment."""
    parted = escaped.replace("@", "@<!-- -->").replace(":/", ":<!-- -->/")
    return parted.replace("www", "w<!-- -->ww")


def _say(block: Say) -> list[str]:
    return [plain(block.text)]


def _warn(block: Warn) -> list[str]:
    return [f"> **Warning:** {plain(block.text)}"]


def _head(block: Head) -> list[str]:
    return [f"### {plain(block.text)}"]


def _names(block: Names) -> list[str]:
    return [] if block.title else [plain(", ".join(block.names))]


def _marked(block: Marked) -> list[str]:
    return [f"> {one}" for one in _texts(block)]


def _grid(block: Grid) -> list[str]:
    heading = [f"**{plain(block.title)}**"] if block.title else []
    right = [column.kind in ("number", "bar") for column in block.columns]
    lines = [
        _row([plain(column.heading) for column in block.columns]),
        _row(["---:" if one else "---" for one in right]),
        *(_row([_cell(cell) for cell in row]) for row in block.rows),
    ]
    table = "\n".join(lines)
    if not block.folded:
        return [*heading, table]
    # Between tags of HTML a backslash escapes nothing.
    title = _parted(escape(clean(block.title, newlines=False)))
    return [f"<details><summary>{title}</summary>\n\n{table}\n\n</details>"]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    if isinstance(cell, Bar):
        return plain(cell.text)
    if isinstance(cell, Passage):
        said = " / ".join(" ".join(text.split()) for text in cell.texts)
        words = said.split(" ")
        cut = " ".join(words[:_WORDS]) + (" …" if len(words) > _WORDS else "")
        return plain(cut)
    return plain(cell)


def _sides(block: Sides) -> list[str]:
    return [part for side in block.sides for part in _hits(side)]


def _hits(block: Hits) -> list[str]:
    heading = f"**{block.mark} {plain(block.title)} of {plain(block.name)}**: they {block.said} it"
    if not block.hits:
        return [f"{heading}\n\nnone"]
    rows = []
    for hit in block.hits[:_ROWS]:
        label = f"**{plain(hit.label)}** " if hit.label else ""
        score = signed(hit.score, hit.text.digits)
        rows.append(f"- {score} · {label}{plain(hit.id)}: " + " / ".join(_texts(hit.text)))
    more = len(block.hits) - _ROWS
    left = [f"… and {more:,} more"] if more > 0 else []
    return [heading, "\n".join(rows), *left]


def _texts(block: Marked) -> list[str]:
    """Return a text, or its messages, on one line each."""
    return [
        (f"{plain(message.role)}: " if message.role else "") + _excerpt(message.pieces)
        for message in messages_of(block.item, block.words, block.scale)
    ]


def _excerpt(pieces: Sequence[Segment]) -> str:
    found = []
    for part in excerpt(pieces, _WORDS):
        if not part.shown:
            found.append(" … ")
            continue
        for piece in part.pieces:
            word = piece.text.strip()
            weak = not piece.value or piece.strength < _FAINT
            # A mark beside a full stop is no mark in Markdown.
            if weak or not any(map(str.isalnum, word)):
                found.append(_spaced(piece.text, _escaped(piece.text)))
                continue
            mark = "**" if piece.value > 0 else "*"
            found.append(_spaced(piece.text, f"{mark}{_escaped(word)}{mark}"))
    # An address may begin in one piece and go on in the next.
    return _parted(" ".join("".join(found).split()))


def _spaced(text: str, shown: str) -> str:
    """Keep one space where a piece begins or ends with white space."""
    before = " " if text[:1].isspace() else ""
    return before + shown + (" " if text[-1:].isspace() and text.strip() else "")


def _judgement(block: Judgement) -> list[str]:
    return [f"**{plain(block.stamp)}.** {plain(block.text)}"]


def _ranges(block: Ranges) -> list[str]:
    rows = [_row([plain(name), interval(change, block.digits)]) for name, change, _ in block.lines]
    head = [_row(["left out", "change, 95 % interval"]), _row(["---", "---:"])]
    return [f"**{plain(block.title)}**", "\n".join([*head, *rows]), plain(block.note)]


_SHOWN: dict[type, Callable[[Any], list[str]]] = {
    Say: _say,
    Warn: _warn,
    Head: _head,
    Names: _names,
    Marked: _marked,
    Grid: _grid,
    Sides: _sides,
    Judgement: _judgement,
    Ranges: _ranges,
}
