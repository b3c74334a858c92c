"""How the document of ``wordtrace duplicates`` reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.report.blocks import Block, Cell, Column, Grid, Passage, Say, Warn
from wordtrace.report.numbers import percent
from wordtrace.report.text import line

Document = Mapping[str, Any]

#: Rows of a group that are shown; the document holds all.
_SHOWN = 12
_FOLDED = 10


def duplicate_blocks(document: Document) -> list[Block]:
    """Return how much is said twice, then each group with the words in which its rows differ."""
    found: list[Block] = [Say(_summary(document))]
    if not document["complete"]:
        found.append(
            Warn(
                "Too many texts share most of their words to compare all pairs: some similar pairs "
                "may be missing. A higher threshold finds all."
            )
        )
    if document["groups"]:
        found.append(
            Say(
                "The similarity is the share of words that two texts have in common, of all words "
                "that either has, to the row that is kept. The words listed below a text are those "
                "that the other one lacks.",
                soft=True,
            )
        )
    return found + [_group(number, group) for number, group in enumerate(document["groups"], 1)]


def _summary(document: Document) -> str:
    among = f"{document['examples']:,} training rows"
    like = f"texts that share at least {percent(document['threshold'])} of their words"
    if not document["found"]:
        return f"Among {among} there are no {like}."
    groups = "one group" if document["found"] == 1 else f"{document['found']:,} groups"
    differ = document["differ"]
    labels = {0: "Their labels agree", 1: "In one of them labels differ"}
    said = labels.get(differ, f"In {differ:,} of them labels differ")
    return (
        f"{document['rows']:,} of {among} stand in {groups} of {like}. {said}. "
        f"{document['spare']:,} rows could go if one of each were kept."
    )


def _group(number: int, group: Document) -> Grid:
    labels = ", ".join(f"{count:,} {line(label)}" for label, count in group["labels"])
    same = "the same text" if group["same"] else "nearly the same text"
    advice = {
        "remove": "keep one",
        "relabel": f"label all {line(group['proposed'] or '')}, after a look",
    }.get(group["advice"], "labels differ: look at each")
    title = f"{number}. {group['count']:,} rows with {same} ({labels}): {advice}"
    left = group["count"] - min(_SHOWN, len(group["rows"]))
    if left:
        title += f"; {left:,} more"
    columns = [Column("id", "name"), Column("label", "label"), Column("model says", "name")]
    columns += [Column("similar"), Column("text, and words that differ", "text")]
    rows: list[list[Cell]] = [
        [
            line(row["id"]),
            line(row["label"]),
            line(row["predicted"]),
            "kept" if row["like"] is None else percent(row["similarity"]),
            _passage(row),
        ]
        for row in group["rows"][:_SHOWN]
    ]
    return Grid(title, columns, rows, folded=number > _FOLDED)


def _passage(row: Document) -> Passage:
    words = [row[field][start:end] for field, start, end in row["differing"]]
    return Passage(
        tuple(line(row[name]) for name in ("text", "text2") if name in row),
        tuple(line(one if len(one) < 60 else one[:59] + "…") for one in words[:8]),
    )
