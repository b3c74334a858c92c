"""The same results in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleRenderable, Group
from rich.table import Table
from rich.text import Text

from wordtrace.report import sentences
from wordtrace.report.documents import kind_of
from wordtrace.report.text import Segment, clean, segments

__all__ = ["clean", "render_terminal"]

_PLUS, _MINUS = "bold blue", "bold dark_orange"
_CHARACTERS = 400


def render_terminal(document: Mapping[str, Any], console: Console) -> None:
    """Print a document; training text can neither style nor steer the terminal.

    Raises
    ------
    InputError
        For a document of another kind or a newer version.
    """
    kind = kind_of(document)
    show = {
        "wordtrace-trace": _trace,
        "wordtrace-verification": _verification,
        "wordtrace-mislabels": _mislabels,
        "wordtrace-run": _run,
    }[kind]
    for part in show(document):
        console.print(part)


def _trace(document: Mapping[str, Any]) -> list[ConsoleRenderable]:
    parts: list[ConsoleRenderable] = []
    for query in document["queries"]:
        label = clean(query["label"], newlines=False)
        predicted = clean(query["predicted"], newlines=False)
        measure = clean(document["measure"], newlines=False)
        scale = max((abs(word["contribution"]) for word in query["words"]), default=0.0)
        parts.append(Text(""))
        parts.append(_marked(segments(query["text"], "text", query["words"], scale)))
        if "text2" in query:
            parts.append(_marked(segments(query["text2"], "text2", query["words"], scale)))
        parts.append(
            Text(
                f"predicted {predicted} ({query['predicted_probability']:.0%}); explained {label} "
                f"({query['probability']:.0%}, {query['label_source']}); {measure}, "
                f"{document['examples']:,} examples, {document['seconds'] * 1000:.1f} ms",
                style="dim",
            )
        )
        if said := sentences.share_sentence(query):
            parts.append(Text(said, style="dim"))
        if query["warning"]:
            parts.append(Text("Warning: " + clean(query["warning"]), style="yellow"))
        parts.append(_hits(f"▲ Proponents of {label}", query["proponents"]))
        parts.append(_hits(f"▼ Opponents of {label}", query["opponents"]))
        for name, hits in query.get("baselines", {}).items():
            parts.append(_hits(f"For comparison: strongest by {clean(name)}", hits))
    return parts


def _hits(title: str, hits: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=Text(title), title_justify="left", expand=True, pad_edge=False, box=None)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("label", max_width=16)
    table.add_column("id", max_width=14, overflow="fold")
    table.add_column("text and words", ratio=1, overflow="fold")
    for hit in hits:
        words = hit.get("words") or ()
        scale = max((abs(word["contribution"]) for word in words), default=0.0)
        text = _marked(segments(hit["text"], "text", words, scale))
        text.truncate(_CHARACTERS, overflow="ellipsis")
        body: list[ConsoleRenderable] = [text]
        if "text2" in hit:
            body.append(_marked(segments(hit["text2"], "text2", words, scale)))
        if words:
            body.append(
                Text(
                    "  ".join(
                        f"{clean(word['token'])} {sentences.signed(word['contribution'], 4)}"
                        for word in words[:6]
                    ),
                    style="dim",
                )
            )
        style = _PLUS if hit["score"] > 0 else _MINUS
        table.add_row(
            Text(sentences.signed(hit["score"], 4), style=style),
            Text(clean(hit["label"], newlines=False)),
            Text(clean(hit["id"], newlines=False)),
            Group(*body),
        )
    if not hits:
        table.add_row("", "", "", Text("none", style="dim"))
    return table


def _marked(pieces: Sequence[Segment]) -> Text:
    """Colour words by sign; the sign is also a bracket, so that it is read without colour."""
    text = Text()
    for piece in pieces:
        shown = piece.text.replace("\n", " ")
        if not piece.value or piece.strength < 0.05:
            text.append(shown)
        elif piece.value > 0:
            text.append(f"[+{shown}]", style=_PLUS)
        else:
            text.append(f"[-{shown}]", style=_MINUS)
    return text


def _verification(document: Mapping[str, Any]) -> list[ConsoleRenderable]:
    parts: list[ConsoleRenderable] = []
    said = sentences.verification_sentences(document)
    for query, sentence in zip(document["queries"], said, strict=True):
        label = clean(query["label"], newlines=False)
        table = Table(
            title=Text(f"Change of P({label}): {clean(query['text'], newlines=False)[:60]}"),
            title_justify="left",
            box=None,
            pad_edge=False,
        )
        for name in ("left out", "mean", "95 % interval", "difference from it"):
            table.add_column(name, justify="left" if name == "left out" else "right")
        count = len(query["removed"])
        rows = [(f"{count} strongest {document['remove']}", query["without"]["change"], None)]
        rows += [
            (
                f"{count} {sentences.control_name(control['name'])}",
                control["change"],
                control["difference"],
            )
            for control in query["controls"]
        ]
        for name, change, difference in rows:
            table.add_row(
                Text(name),
                sentences.signed(change["mean"]),
                Text(f"[{sentences.signed(change['low'])}, {sentences.signed(change['high'])}]"),
                Text(sentences.interval(difference) if difference else ""),
            )
        parts += [Text(""), table, Text(""), Text(sentence)]
    if document["held_out"]:
        parts.append(Text(sentences.held_out_sentence(document["held_out"])))
    parts.append(
        Text(f"{document['retrainings']} retrainings, {document['seconds']:.0f} s", style="dim")
    )
    return parts


def _mislabels(document: Mapping[str, Any]) -> list[ConsoleRenderable]:
    table = Table(
        title=Text(f"Training rows most likely mislabelled, by {clean(document['by'])}"),
        title_justify="left",
        expand=True,
        box=None,
        pad_edge=False,
    )
    for name in ("#", "id", "label", "model says", "self-influence", "loss"):
        table.add_column(
            name,
            justify="right" if name in ("#", "self-influence", "loss") else "left",
            no_wrap=True,
        )
    table.add_column("text", ratio=1, no_wrap=True, overflow="ellipsis")
    for row in document["rows"]:
        mark = " ✓ flipped" if row.get("planted") else ""
        table.add_row(
            str(row["rank"]),
            Text(clean(row["id"], newlines=False)),
            Text(clean(row["label"], newlines=False) + mark),
            Text(clean(row["predicted"], newlines=False)),
            f"{row['self_influence']:.3g}",
            f"{row['loss']:.2f}",
            Text(clean(row["text"], newlines=False)),
        )
    parts: list[ConsoleRenderable] = [table]
    if document["planted"]:
        parts.append(Text(sentences.planted_sentence(document["planted"])))
    return parts


def _run(document: Mapping[str, Any]) -> list[ConsoleRenderable]:
    said = f"{clean(document['name'])}: {document['examples']:,} examples"
    if document["accuracy"] is not None:
        said += f", accuracy {document['accuracy']:.3f} on {document['held_out']:,} held-out rows"
    return [Text(said), *(Text(clean(note), style="dim") for note in document["notes"])]
