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
from wordtrace.report.deeds import (
    changed,
    control_changed,
    control_name,
    is_patch,
    rows,
)
from wordtrace.report.designs import design_sentence, repeat_sentence, seeds_of
from wordtrace.report.measured import Measured, measured
from wordtrace.report.numbers import seconds, signed
from wordtrace.report.sentences import held_out_sentence, models, verified
from wordtrace.report.text import line
from wordtrace.report.verdicts import verdict

Document = Mapping[str, Any]


def verification_blocks(document: Document, query: Document, last: bool) -> list[Block]:
    """Return the verdict on one query with its intervals and seeds.

    Parameters
    ----------
    last
        Whether the query is the document's last, so that what holds for all of it follows.
    """
    judged, label = verdict(query, document), line(query["label"])
    before, after, what = query["base"], query["without"], measured(query, document)
    found: list[Block] = [
        Say(_asked_about(query, document), soft=True),
        Judgement(
            judged.shown,
            f"{'✓' if judged.shown else '–'} Effect {judged.short}",
            (
                (
                    f"{what.short}, mean",
                    f"{what.write(before['mean'])} → {what.write(after['mean'])}",
                    "",
                ),
                ("change", signed(after["change"]["mean"], what.digits), ""),
                *_hits(document, label, before, after),
            ),
            verified(query, document),
        ),
        ranges(query, document, what),
        pairs(query, document, what),
    ]
    # Rows that are the same for all queries are named once, and so is what they did elsewhere.
    if last or not (is_patch(document) or document.get("together")):
        found += named_rows(query, document)
    if last:
        found += ending(document)
    return found


def ranges(query: Document, document: Document, what: Measured) -> Ranges:
    """Draw what was changed beside its controls."""
    return Ranges(
        f"Change of {what.short} when rows are "
        + ("changed" if is_patch(document) else "left out"),
        tuple(changes(query, document)),
        f"Left of the dotted line {what.less}, right of it {what.more}. "
        f"Bars: {line(document['interval'])}; small dots: one seed each.",
        what.digits,
    )


def pairs(query: Document, document: Document, what: Measured) -> Pairs:
    """Draw each seed's outcome before and after."""
    seeds = seeds_of(query, document)
    before, after = query["base"]["values"], query["without"]["values"]
    return Pairs(
        f"{what.short[:1].upper()}{what.short[1:]} in each {models(document)[:-1]}, before and "
        "after",
        tuple((line(seed), old, new) for seed, old, new in zip(seeds, before, after, strict=True)),
        _numbers(document, query, what),
        None if what.is_share else what.digits + 1,
    )


def ending(document: Document) -> list[Block]:
    """Return what holds for all queries: what was done elsewhere, and how much was trained."""
    found: list[Block] = []
    if document.get("held_out"):
        found.append(Head("Did it hurt anything else?"))
        doing = "changing" if is_patch(document) else "removing"
        found.append(Say(held_out_sentence(document["held_out"], doing)))
    took = seconds(document["seconds"])
    trained = f"{document['retrainings']} {models(document)} in {took}."
    found.append(Say(trained + design_sentence(document), soft=True))
    if repeats := repeat_sentence(document):
        found.append(Say(repeats, soft=True))
    return found


def _asked_about(query: Document, document: Document) -> str:
    text = _cut(line(query["text"]))
    if document.get("measured") == "answer" and query.get("text2"):
        return f"For the answer “{_cut(line(query['text2']))}” to “{text}”"
    return f"For “{text}”"


def _cut(text: str) -> str:
    return text if len(text) <= 160 else text[:160] + "…"


def named_rows(query: Document, document: Document) -> list[Names]:
    """Name the rows that were changed."""
    if not is_patch(document):
        found = [(query["removed"], "removed")]
    else:
        labels = document["patch"]["relabelled"]
        relabelled = [f"{line(id)} → {line(label)}" for id, label in labels.items()]
        found = [(relabelled, "relabelled"), (document["patch"]["removed"], "removed")]
    return [
        Names(tuple(map(line, names)), f"The {rows(len(names), 'rows')} {how}")
        for names, how in found
        if names
    ]


def changes(query: Document, document: Document) -> list[tuple[str, Document, str]]:
    """Return (name, change, role) of what there is to draw, from top to bottom."""
    lines = [(changed(query, document), query["without"]["change"], "main")]
    lines += [
        (control_changed(control["name"], query, document), control["change"], "control")
        for control in query["controls"]
    ]
    lines += [
        (f"difference from {control_name(control['name'])}", control["difference"], "difference")
        for control in query["controls"]
    ]
    return lines


def _hits(
    document: Document, label: str, before: Document, after: Document
) -> tuple[tuple[str, str, str], ...]:
    """Return in how many retrainings the label is what the model says, where it may be."""
    if before.get("right") is None:
        return ()
    counts = f"{before['right']} → {after['right']}"
    return ((f"{models(document)} saying {label}", counts, f"of {len(before['values'])}"),)


def _numbers(document: Document, query: Document, what: Measured) -> Grid:
    outcomes = [query["base"], query["without"], *query["controls"]]
    how = "with the same of" if is_patch(document) else "without"
    names = ["with the patch" if is_patch(document) else f"without the {line(document['remove'])}"]
    names += [f"{how} {control_name(one['name'])}" for one in query["controls"]]
    columns = [Column("seed", "name"), Column("all rows"), *map(Column, names)]
    rows: list[list[Cell]] = [
        [line(seed), *(what.write(one["values"][place], 1) for one in outcomes)]
        for place, seed in enumerate(seeds_of(query, document))
    ]
    return Grid(f"Each {models(document)[:-1]} in numbers", columns, rows)
