"""How a verification reads in which all queries have one change: all of them first, then each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.report.blocks import Block, Cell, Column, Grid, Judgement, Ranges
from wordtrace.report.deeds import is_patch
from wordtrace.report.designs import seeds_of
from wordtrace.report.measured import measured
from wordtrace.report.numbers import interval, signed
from wordtrace.report.text import line
from wordtrace.report.together import measured_together, together_sentence, whole_of
from wordtrace.report.verdicts import verdict
from wordtrace.report.verifications import changes, ending, named_rows, pairs, ranges

Document = Mapping[str, Any]


def together_heading(document: Document) -> str:
    """Return what stands above it."""
    count = document["together"]["queries"]
    did = "the patch" if is_patch(document) else f"removing the {line(document['remove'])}"
    return f"What {did} did to {count:,} queries together"


def together_blocks(document: Document) -> list[Block]:
    """Return the verdict on all queries, what was measured of them, and a table of them."""
    whole, what = whole_of(document), measured_together(document)
    judged, before, after = verdict(whole, document), whole["base"], whole["without"]
    means = f"{what.write(before['mean'])} → {what.write(after['mean'])}"
    facts = [
        (what.short, means, ""),
        ("change", signed(after["change"]["mean"], what.digits), ""),
    ]
    right = whole["right"]
    if right is not None:
        counts = f"{right['base']['number']:.1f} → {right['without']['number']:.1f}"
        facts.append(("predicted right", counts, f"of {whole['queries']:,}"))
    found: list[Block] = [
        Judgement(
            judged.shown,
            f"{'✓' if judged.shown else '–'} Effect {judged.short}",
            tuple(facts),
            together_sentence(document),
        ),
        ranges(whole, document, what),
    ]
    if right is not None:
        share = right | {"removed": whole["removed"]}
        found.append(
            Ranges(
                "Change of the share predicted right when rows are "
                + ("changed" if is_patch(document) else "left out"),
                tuple(changes(share, document)),
                "Left of the dotted line fewer are right, right of it more. "
                f"Bars: {line(document['interval'])}; small dots: one seed each.",
            )
        )
    found += [pairs(whole, document, what), _queries(document)]
    return [*found, *named_rows(document["queries"][0], document), *ending(document)]


def _queries(document: Document) -> Grid:
    """Return a row for each query."""
    controls = [line(one["name"]) for one in document["together"]["controls"]]
    counted = document["together"]["right"] is not None
    columns = [
        Column("text", "text"),
        Column("label", "label"),
        Column("before"),
        Column("after"),
        Column("change"),
        *(Column(f"against {name}") for name in controls),
        *[Column("right")] * counted,
        Column("effect", "name"),
    ]
    rows = [_query(query, document, counted) for query in document["queries"]]
    return Grid("Query by query", columns, rows)


def _query(query: Document, document: Document, counted: bool) -> list[Cell]:
    what, before, after = measured(query, document), query["base"], query["without"]
    seeds = len(seeds_of(query, document))
    right = f"{before['right']} → {after['right']} of {seeds}"
    text = line(query["text"])
    return [
        text if len(text) <= 80 else text[:80] + "…",
        line(query["label"]),
        what.write(before["mean"]),
        what.write(after["mean"]),
        interval(after["change"], what.digits),
        *(interval(one["difference"], what.digits) for one in query["controls"]),
        *[right] * counted,
        verdict(query, document).short,
    ]
