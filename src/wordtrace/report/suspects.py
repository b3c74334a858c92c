"""How the document of ``wordtrace mislabels`` reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.report.blocks import Block, Cell, Column, Grid, Passage, Say, bar
from wordtrace.report.judged import judged_blocks
from wordtrace.report.numbers import percent
from wordtrace.report.sentences import planted_sentence, weights_sentence
from wordtrace.report.text import line

Document = Mapping[str, Any]


def suspect_blocks(document: Document) -> list[Block]:
    """Return how well the rankings did, where that is known, and the rows with the evidence."""
    found: list[Block] = []
    if document.get("planted"):
        found += _planted(document["planted"])
    if document.get("judged"):
        found += judged_blocks(document["judged"])
    if "by" in document:
        among = ""
        if "examples" in document:
            among = f" among {document['examples']:,} training rows"
        found.append(
            Say(
                f"Ranked by {line(document['by'])}{among}. A row that speaks for itself, that no "
                "other row speaks for and that others oppose often has a wrong label. The label "
                "proposed is that of its strongest opponents.",
                soft=True,
            )
        )
    if weights := weights_sentence(document):
        found.append(Say(weights, soft=True))
    return [*found, _rows(document)]


def _planted(planted: Document) -> list[Block]:
    most = max(planted["checked"], 1)
    rows: list[list[Cell]] = [
        [line(name), bar(value, most, f"{value} of {planted['count']}")]
        for name, value in planted["found"].items()
    ]
    columns = [Column("ranking", "name"), Column("flips found", "bar")]
    return [Say(planted_sentence(planted)), Grid("", columns, rows)]


def _rows(document: Document) -> Grid:
    columns = [Column("#"), Column("id", "name"), Column("label", "label")]
    columns += [Column("proposed", "name"), Column("model says", "name")]
    columns += [Column("text, and words against the label", "text"), Column("loss")]
    known = "flipped" if document.get("planted") else "wrong" if document.get("judged") else None
    if known:
        columns.append(Column(known, "name"))
    rows: list[list[Cell]] = []
    for row in document["rows"]:
        cells: list[Cell] = [
            line(row["rank"]),
            line(row["id"]),
            line(row["label"]),
            _proposed(row),
            line(row["predicted"]),
            _passage(row),
            f"{row['loss']:.2f}",
        ]
        if known:
            cells.append("✓" if row.get("planted") or row.get("wrong") else "")
        rows.append(cells)
    return Grid("", columns, rows)


def _proposed(row: Document) -> str:
    share = row.get("proposed_share")
    return line(row.get("proposed") or "–") + (f" {percent(share)}" if share else "")


def _passage(row: Document) -> Passage:
    return Passage(
        tuple(line(row[name]) for name in ("text", "text2") if name in row),
        tuple(line(token) for token, _ in row.get("words") or ()),
        tuple(
            (line(one["label"]), line(one["id"]), line(one["text"]))
            for one in row.get("opponents") or ()
        ),
    )
