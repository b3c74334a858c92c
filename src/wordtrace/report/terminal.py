"""The same results in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleRenderable, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wordtrace.report import figures, sentences
from wordtrace.report.analyses import blocks
from wordtrace.report.blocks import Cell, Grid, Marked, Say
from wordtrace.report.documents import kind_of, whole
from wordtrace.report.excerpts import excerpt
from wordtrace.report.judged import judged_blocks
from wordtrace.report.numbers import interval, score_digits, signed
from wordtrace.report.text import Segment, clean, scale_of, segments, word_name

__all__ = ["clean", "render_terminal"]

_PLUS, _MINUS = "bold blue", "bold dark_orange"
_WIDE = 76
_FAINT = 0.1
_WORDS = 6
_BAR = 12
_ROOMY = 100

Parts = list[ConsoleRenderable]


def render_terminal(document: Mapping[str, Any], console: Console) -> None:
    """Print a document; training text can neither style nor steer the terminal.

    Where the terminal's encoding lacks a character, a question mark stands for it.

    Raises
    ------
    InputError
        For a document of another kind, of a newer version, or that is not whole.
    """
    show = {
        "wordtrace-trace": _trace,
        "wordtrace-verification": _verification,
        "wordtrace-mislabels": _mislabels,
        "wordtrace-run": _run,
    }.get(kind_of(document), _analysis)
    with whole():
        parts = show(document, console.width)
    if console.encoding.lower().startswith("utf"):
        console.print(*parts, sep="\n")
        return
    with console.capture() as captured:
        console.print(*parts, sep="\n")
    shown = captured.get().encode(console.encoding, "replace").decode(console.encoding)
    console.file.write(shown)


def _trace(document: Mapping[str, Any], width: int) -> Parts:
    parts: Parts = []
    for query in document["queries"]:
        scale, digits = scale_of(query), score_digits(query)
        label = sentences.explained(query)
        parts += [Text(""), Text(sentences.question(query), style="bold")]
        parts += [Padding(text, (0, 0, 0, 2)) for text in _texts(query, query["words"], scale, 90)]
        parts += [Text(""), Text(sentences.prediction_sentence(query))]
        if query.get("warning"):
            parts.append(Text("Warning: " + _line(query["warning"]), style="yellow"))
        said = f"{sentences.trace_sentence(document)} {sentences.share_sentence(query) or ''}"
        parts.append(Text(said.rstrip(), style="dim"))
        for title, hits in (
            (f"▲ Proponents of {label}: they speak for it", query["proponents"]),
            (f"▼ Opponents of {label}: they speak against it", query["opponents"]),
        ):
            parts += [Text(""), *_hits(title, hits, scale, digits, width)]
        for name, hits in (query.get("baselines") or {}).items():
            title = f"For comparison: strongest by {_line(name)}"
            parts += [Text(""), *_hits(title, hits, 0.0, 2, width)]
    return parts


def _hits(
    title: str, hits: Sequence[Mapping[str, Any]], scale: float, digits: int, width: int
) -> Parts:
    heading = Text(title, style="bold")
    if not hits:
        return [heading, Text("  none", style="dim")]
    table = Table(
        expand=True, pad_edge=False, box=None, show_header=width >= _WIDE, padding=(0, 1, 1, 0)
    )
    if width >= _WIDE:
        table.add_column("score", justify="right", no_wrap=True)
        table.add_column("label", max_width=16, overflow="ellipsis", no_wrap=True)
        table.add_column("id", max_width=18, overflow="ellipsis", no_wrap=True)
    table.add_column("text and words", ratio=1, overflow="fold")
    for hit in hits:
        words = hit.get("words") or ()
        score = Text(signed(hit["score"], digits), style=_PLUS if hit["score"] > 0 else _MINUS)
        label, name = Text(_line(hit["label"]), style="bold"), Text(_line(hit["id"]), style="dim")
        body = _texts(hit, words, scale, max(20, width // 2))
        if words:
            body.append(_strongest(words, digits))
        if width >= _WIDE:
            table.add_row(score, label, name, Group(*body))
        else:
            table.add_row(Group(Text("  ").join([score, label, name]), *body))
    return [heading, table]


def _strongest(words: Sequence[Mapping[str, Any]], digits: int) -> Text:
    shown = [f"{word_name(one)} {signed(one['contribution'], digits)}" for one in words]
    more = [f"and {len(words) - _WORDS} more"] if len(words) > _WORDS else []
    return Text("  ".join(shown[:_WORDS] + more), style="dim")


def _texts(
    item: Mapping[str, Any], words: Sequence[Mapping[str, Any]], scale: float, count: int
) -> Parts:
    fields = ["text", "text2"] if "text2" in item else ["text"]
    return [_excerpt(segments(item[field], field, words, scale), count) for field in fields]


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
            sign, style = ("+", _PLUS) if piece.value > 0 else ("-", _MINUS)
            text.append(f"[{sign}{bare}]", style=style)
            text.append(word[len(bare) :])
    return text


def _verification(document: Mapping[str, Any], width: int) -> Parts:
    parts: Parts = []
    said = sentences.verification_sentences(document)
    for query, sentence in zip(document["queries"], said, strict=True):
        judged = sentences.verdict(query, document)
        lines = figures.changes(query, _line(document["remove"]))
        numbers = [0.0, *(change[end] for _, change, _ in lines for end in ("low", "high"))]
        low, high = min(numbers), max(numbers)
        table = Table(box=None, pad_edge=False, expand=False, show_header=width >= _WIDE)
        table.add_column("left out", overflow="fold")
        if width >= _WIDE:
            table.add_column("change, 95 % interval", no_wrap=True)
            table.add_column(f"{signed(low)} to {signed(high)}", no_wrap=True)
        for name, change, role in lines:
            style = {"main": "bold", "control": "dim", "difference": ""}[role]
            drawn = Text(figures.bar(change, low, high, 24), style=_PLUS if role == "main" else "")
            value = Text(interval(change), style=style)
            if width >= _WIDE:
                table.add_row(Text(name, style=style), value, drawn)
            else:
                table.add_row(Group(Text(name, style=style), value, drawn))
        query_text = clean(query["text"], newlines=False)
        title = Text(f"Change of P({_line(query['label'])}): {query_text}", style="bold")
        title.truncate(max(20, width), overflow="ellipsis")
        mark = "✓" if judged.shown else "–"
        verdict = Text(
            f"{mark} Effect {judged.short}", style="bold blue" if judged.shown else "bold"
        )
        parts += [Text(""), title, Text(""), table, Text(""), verdict, Text(sentence)]
    if document.get("held_out"):
        parts += [Text(""), Text(sentences.held_out_sentence(document["held_out"]))]
    took = f"{document['retrainings']} retrainings, {document['seconds']:.0f} s"
    return [*parts, Text(took, style="dim")]


def _mislabels(document: Mapping[str, Any], width: int) -> Parts:
    by = f", by {_line(document['by'])}" if "by" in document else ""
    parts: Parts = [Text(f"Training rows most likely mislabelled{by}", style="bold")]
    table = Table(expand=True, box=None, pad_edge=False, show_header=width >= _WIDE)
    if width >= _WIDE:
        table.add_column("#", justify="right", no_wrap=True)
        for name in ("id", "label", "proposed", "model says"):
            table.add_column(name, no_wrap=True, max_width=18, overflow="ellipsis")
        table.add_column("loss", justify="right", no_wrap=True)
    table.add_column("text, and words that speak against the label", ratio=1)
    for row in document["rows"]:
        flipped = " ✓ flipped" if row.get("planted") else " ✓ wrong" if row.get("wrong") else ""
        id_, proposed = Text(_line(row["id"])), Text(_line(row.get("proposed") or "–"))
        label, predicted = Text(_line(row["label"]) + flipped), Text(_line(row["predicted"]))
        text = Text(_line(row["text"]), no_wrap=True, overflow="ellipsis")
        words = "  ".join(_line(token) for token, _ in row.get("words") or ())
        against = Text(words, style=_MINUS, no_wrap=True, overflow="ellipsis")
        body = Group(text, against) if words else text
        if width >= _WIDE:
            loss = f"{row['loss']:.2f}"
            table.add_row(str(row["rank"]), id_, label, proposed, predicted, loss, body)
        else:
            head = Text(f"{row['rank']}. ").append(id_).append(" ").append(label)
            said = Text("   proposed ").append(proposed).append(", model says ").append(predicted)
            said.stylize("dim")
            table.add_row(Group(head, said, body))
    parts.append(table)
    if document.get("planted"):
        parts += [Text(""), Text(sentences.planted_sentence(document["planted"]))]
    if document.get("judged"):
        for block in judged_blocks(document["judged"]):
            if isinstance(block, Grid):
                parts += [Text(""), Text(block.title, style="bold"), _grid(block, width)]
    return parts


def _run(document: Mapping[str, Any], width: int) -> Parts:
    said = f"{_line(document['name'])}: {document['examples']:,} examples"
    if document.get("accuracy") is not None:
        said += f", accuracy {document['accuracy']:.3f} on {document['held_out']:,} held-out rows"
    notes = document.get("notes") or ()
    return [Text(said), *(Text(_line(note), style="dim") for note in notes)]


def _analysis(document: Mapping[str, Any], width: int) -> Parts:
    parts: Parts = []
    for block in blocks(document):
        if isinstance(block, Say):
            parts.append(Text(block.text, style="dim" if block.soft else ""))
        elif isinstance(block, Marked):
            parts += [Text(""), *_texts(block.item, block.words, block.scale, 90), Text("")]
        elif isinstance(block, Grid):
            parts += [Text(""), *([Text(block.title, style="bold")] if block.title else [])]
            parts.append(_grid(block, width))
    return parts


def _grid(block: Grid, width: int) -> Table:
    # Text takes what room the other columns leave.
    wide = any(column.kind in ("text", "prose") for column in block.columns)
    gap = 2 if width >= _ROOMY else 1
    table = Table(box=None, pad_edge=False, expand=wide, padding=(0, gap, 0, 0))
    for place, column in enumerate(block.columns):
        heading, cells = Text(column.heading), [row[place] for row in block.rows]
        least = max((len(cell) for cell in cells if isinstance(cell, str)), default=0)
        if column.kind == "text":
            table.add_column(heading, ratio=1, no_wrap=True, overflow="ellipsis")
        elif column.kind == "prose":
            table.add_column(heading, ratio=1, overflow="fold")
        elif column.kind == "number":
            table.add_column(heading, justify="right", overflow="fold", min_width=least)
        else:
            least = min(least, 26)
            table.add_column(
                heading, min_width=least, max_width=26, no_wrap=True, overflow="ellipsis"
            )
    longest = _BAR if width >= _ROOMY else _BAR // 3
    for row in block.rows:
        table.add_row(*(_cell(one, longest) for one in row))
    return table


def _cell(cell: Cell, longest: int) -> Text:
    if isinstance(cell, str):
        return Text(cell)
    drawn = "█" * round(cell.share * longest) or "▏"
    style = _PLUS if cell.sign == "plus" else _MINUS
    return Text(f"{cell.text:>8} ").append(drawn, style=style)


def _line(text: Any) -> str:
    return clean(str(text), newlines=False)
