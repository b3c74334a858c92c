"""How the document of ``wordtrace overlap`` reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wordtrace.report.blocks import Block, Cell, Column, Grid, Say, bar
from wordtrace.report.numbers import percent, signed_or_dash
from wordtrace.report.text import line

Document = Mapping[str, Any]


def overlap_blocks(document: Document) -> list[Block]:
    """Return what lists share with the parts alone, with each other, and between queries."""
    top, queries = document["top"], document["queries"]
    measures = document["measures"]
    found: list[Block] = [
        Say(
            f"The {top} largest |scores| of each of {queries:,} "
            f"{'query' if queries == 1 else 'queries'} among {document['examples']:,} training "
            "examples. A measure whose lists are those of loss saliency alone (L), or that lists "
            "the same examples for queries of different labels, says little about a single query.",
            soft=True,
        )
    ]
    headings = ("same as L alone", "as similarity alone", "by chance")
    columns = [Column("measure", "name"), *(Column(one, "bar") for one in headings[:2])]
    columns += [Column(headings[2]), Column("proponents: L"), Column("similarity")]
    rows: list[list[Cell]] = [
        [
            line(one["measure"]),
            *(_share_bar(one[name]["overlap"]) for name in ("saliency", "similarity")),
            _share(one["saliency"]["chance"]),
            _share(one["saliency_proponents"]["overlap"]),
            _share(one["similarity_proponents"]["overlap"]),
        ]
        for one in measures
    ]
    found.append(Grid("Shared with the parts alone", columns, rows))
    if queries > 1:
        found += _recurrence(measures, queries)
    if len(measures) > 1:
        names = [line(one["measure"]) for one in measures]
        for title, key in (
            ("Rank correlation of the scores (Spearman)", "spearman"),
            (f"Shared among the {top} strongest", "overlaps"),
        ):
            show = signed_or_dash if key == "spearman" else _share
            cells = [
                [name, *map(show, row)] for name, row in zip(names, document[key], strict=True)
            ]
            found.append(Grid(title, [Column("", "name"), *map(Column, names)], cells))
    return found


def _recurrence(measures: Sequence[Document], queries: int) -> list[Block]:
    columns = [
        Column("measure", "name"),
        Column("two queries share", "bar"),
        Column("of different labels", "bar"),
        Column("different examples"),
        Column("by chance"),
        Column("most frequent in"),
        Column("by chance"),
    ]
    rows: list[list[Cell]] = []
    found: list[Block] = []
    for one in measures:
        seen = one["recurrence"]
        most = max((example["count"] for example in seen["examples"]), default=0)
        rows.append(
            [
                line(one["measure"]),
                _share_bar(seen["pairs"]["overlap"]),
                _share_bar(seen["different_labels"]["overlap"]),
                f"{seen['distinct']:,}",
                f"{seen['distinct_by_chance']:,.0f}",
                f"{most} of {queries}",
                f"{seen['most_by_chance']:.1f}",
            ]
        )
        if most > 1:
            heads = [Column("in"), Column("id", "name"), Column("label", "name")]
            listed: list[list[Cell]] = [
                [
                    str(example["count"]),
                    line(example["id"]),
                    line(example.get("label", "")),
                    line(example.get("text", ""))[:160],
                ]
                for example in seen["examples"]
                if example["count"] > 1
            ]
            title = f"In the lists of several queries, by {line(one['measure'])}"
            found.append(Grid(title, [*heads, Column("text", "text")], listed, folded=True))
    return [Grid("Shared between queries", columns, rows), *found]


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _share_bar(value: float | None) -> Cell:
    return "–" if value is None else bar(value, 1.0, percent(value))
