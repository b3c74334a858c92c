"""How the document of ``wordtrace words`` reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.report.blocks import Block, Cell, Column, Grid, Marked, Say, bar
from wordtrace.report.numbers import digits_for, in_percent, percent, signed, signed_or_dash
from wordtrace.report.sentences import span_of
from wordtrace.report.text import line, word_name

Document = Mapping[str, Any]


def word_blocks(document: Document) -> list[Block]:
    """Return each text coloured by its words' importance, and what two texts share."""
    found: list[Block] = []
    unit = "word" if document.get("whole_words") else "token"
    for place, text in enumerate(document["texts"], 1):
        words = [{**one, "contribution": one["importance"]} for one in text["words"]]
        largest = max((one["importance"] for one in words), default=0.0)
        scale = max((one["importance"] for one in words if one["spans"]), default=0.0)
        digits = digits_for(largest)
        label, source = line(text["label"]), text["label_source"]
        said = f"Text {place}: " if len(document["texts"]) > 1 else ""
        said += (
            f"the model says {line(text['predicted'])}{in_percent(text['predicted_probability'])}"
        )
        if text.get("span"):
            said += f"; weighed for “{span_of(text)}”"
        elif label != line(text["predicted"]):
            said += f"; weighed for {label}{in_percent(text['probability'])}, {line(source)}"
        found += [Marked(text, words, scale, digits), Say(said[0].upper() + said[1:] + ".")]
        rows: list[list[Cell]] = [
            [
                word_name(one),
                bar(one["importance"], largest, f"{one['importance']:.{digits}f}"),
                str(one["positions"]),
            ]
            for one in words
        ]
        columns = [Column(unit, "name"), Column("‖∂f/∂Θ_w‖", "bar"), Column("positions")]
        found.append(Grid(f"Importance at step {document['step']:,}", columns, rows))
    if document.get("similarity"):
        found += _similarity(document["similarity"], unit)
    if document["truncated"]:
        found.append(Say(f"Texts are cut after {document['max_length']} tokens.", soft=True))
    return found


def _similarity(similarity: Document, unit: str) -> list[Block]:
    words = similarity["words"]
    largest = max((abs(one["similarity"]) for one in words), default=0.0)
    digits = digits_for(largest)
    score = similarity["score"]
    way = "speak for" if score > 0 else "speak against"
    said = f"TracIn-WE of the two texts, the sum over shared words: {signed(score, digits)}"
    said += f", so they {way} each other." if score else "."
    if similarity["special_share"] is not None:
        said += f" {percent(similarity['special_share'])} of it is from start and end tokens."
    rows: list[list[Cell]] = [
        [
            word_name(one),
            bar(one["similarity"], largest, signed(one["similarity"], digits)),
            signed_or_dash(one["cosine"]),
        ]
        for one in words
    ]
    columns = [Column(unit, "name"), Column("similarity", "bar"), Column("cosine")]
    return [Say(said), Grid("Word gradient similarity", columns, rows)]
