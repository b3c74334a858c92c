"""How the document of ``wordtrace verify`` reads, query by query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.report.blocks import (
    Block,
    Cell,
    Column,
    Grid,
    Head,
    Judgement,
    Names,
    Pairs,
    Ranges,
    Say,
)
from wordtrace.report.numbers import seconds, signed
from wordtrace.report.sentences import (
    control_name,
    held_out_sentence,
    models,
    rows,
    verdict,
    verified,
)
from wordtrace.report.text import line

Document = Mapping[str, Any]


def verification_blocks(document: Document, query: Document, last: bool) -> list[Block]:
    """Return the verdict on one query with its intervals and seeds.

    Parameters
    ----------
    last
        Whether the query is the document's last, so that what holds for all of it follows.
    """
    judged, label, side = verdict(query, document), line(query["label"]), line(document["remove"])
    before, after = query["base"], query["without"]
    text = line(query["text"])
    found: list[Block] = [
        Say(f"For “{text if len(text) <= 160 else text[:160] + '…'}”", soft=True),
        Judgement(
            judged.shown,
            f"{'✓' if judged.shown else '–'} Effect {judged.short}",
            (
                (f"P({label}), mean", f"{before['mean']:.2f} → {after['mean']:.2f}", ""),
                ("change", signed(after["change"]["mean"]), ""),
                (
                    f"{models(document)} saying {label}",
                    f"{before['right']} → {after['right']}",
                    f"of {document['repeats']}",
                ),
            ),
            verified(query, document),
        ),
        Ranges(
            f"Change of P({label}) when rows are left out",
            tuple(changes(query, side)),
            "Left of the dotted line the label became less likely, right of it more likely. "
            f"Bars: {line(document['interval'])}; small dots: one seed each.",
        ),
        Pairs(
            f"P({label}) in each {models(document)[:-1]}, before and after",
            tuple(
                (line(seed), old, new)
                for seed, old, new in zip(
                    document["seeds"], before["values"], after["values"], strict=True
                )
            ),
            _numbers(document, query),
        ),
        Names(tuple(map(line, query["removed"])), f"The {len(query['removed'])} rows removed"),
    ]
    if last and document.get("held_out"):
        found.append(Head("Did it hurt anything else?"))
        found.append(Say(held_out_sentence(document["held_out"])))
    if last:
        took = seconds(document["seconds"])
        found.append(Say(f"{document['retrainings']} {models(document)} in {took}.", soft=True))
    return found


def changes(query: Mapping[str, Any], side: str) -> list[tuple[str, Mapping[str, Any], str]]:
    """Return (name, change, role) of what there is to draw, from top to bottom."""
    count = len(query["removed"])
    lines = [(rows(count, f"strongest {side}"), query["without"]["change"], "main")]
    lines += [
        (rows(count, control_name(control["name"])), control["change"], "control")
        for control in query["controls"]
    ]
    lines += [
        (f"difference from {control_name(control['name'])}", control["difference"], "difference")
        for control in query["controls"]
    ]
    return lines


def _numbers(document: Document, query: Document) -> Grid:
    outcomes = [query["base"], query["without"], *query["controls"]]
    names = [f"without the {line(document['remove'])}"]
    names += [f"without {control_name(one['name'])}" for one in query["controls"]]
    columns = [Column("seed", "name"), Column("all rows"), *map(Column, names)]
    rows: list[list[Cell]] = [
        [line(seed), *(f"{one['values'][place]:.3f}" for one in outcomes)]
        for place, seed in enumerate(document["seeds"])
    ]
    return Grid(f"Each {models(document)[:-1]} in numbers", columns, rows)
