"""How the documents of ``wordtrace fix`` and ``wordtrace clusters`` read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wordtrace.report.blocks import Block, Cell, Chart, Column, Grid, Line, Say
from wordtrace.report.designs import repeat_sentence
from wordtrace.report.numbers import interval, percent, seconds, signed
from wordtrace.report.sentences import weights_sentence
from wordtrace.report.text import line

RANDOM = "random rows"
#: What follows of how far a training repeats.
_CHANCE = ("", "So a change is told from chance by more seeds alone.")
_VOTES = ("", "So a single mistake may be chance; count them over more trainings.")


def fix_blocks(document: Mapping[str, Any]) -> list[Block]:
    """Return curves, the table under them, and each query's smallest sufficient change."""
    queries = document["queries"]
    solved = [one for one in queries if one["suffices"]]
    alone = sum(bool(one["without_change"]) for one in queries)
    said = (
        f"{len(solved)} of {len(queries)} misclassified queries have a change after which "
        "retraining sets them right for sure (the 95 % lower bound of P(right) is over one half); "
        f"for {alone} more retraining alone does."
    )
    summary = (
        f"{document['retrainings']:,} retrainings of {document['repeats']} seeds in "
        f"{seconds(document['seconds'])}. Intervals are over queries and seeds."
    )
    curves, base = document["curves"], document["base"]
    return [
        Say(said),
        _shares(curves, base),
        _changes(curves, base),
        _sufficient(queries, document["repeats"]),
        Say(summary, soft=True),
        *_repeats(document, _CHANCE),
    ]


def _repeats(document: Mapping[str, Any], follows: tuple[str, str]) -> list[Block]:
    """Say how far a training repeats that is not the library's own."""
    said = repeat_sentence(document, follows)
    return [Say(said, soft=True)] if said else []


def _shares(curves: Mapping[str, Any], base: Mapping[str, Any]) -> Chart:
    lines = [
        Line(
            line(name),
            tuple((one["k"], one["mean"], one["low"], one["high"]) for one in points),
            "control" if name == RANDOM else "main",
        )
        for name, points in curves.items()
    ]
    return Chart(
        "Share of retrainings that are right, against the number of rows changed",
        tuple(lines),
        (base["mean"], "retraining alone"),
    )


def _changes(curves: Mapping[str, Any], base: Mapping[str, Any]) -> Grid:
    rows: list[list[Cell]] = [["retraining alone", "0", _interval(base), "", ""]]
    for name, points in curves.items():
        for one in points:
            rows.append(
                [
                    line(name),
                    f"{one['k']:,}",
                    _interval(one),
                    interval(one["difference"]),
                    "–" if one["held_out_change"] is None else signed(one["held_out_change"], 3),
                ]
            )
    columns = [Column("change of the strongest opponents", "name"), Column("k")]
    columns += [Column("right [95 %]"), Column("over retraining alone"), Column("held-out acc.")]
    return Grid("", columns, rows)


def _sufficient(queries: Sequence[Mapping[str, Any]], repeats: int) -> Grid:
    listed: list[list[Cell]] = [
        [
            line(one["id"]),
            line(one["predicted"]),
            line(one["label"]),
            f"{one['base']} of {repeats}",
            _suffices(one),
            line(one["text"])[:160],
        ]
        for one in queries
    ]
    heads = ("id", "model says", "right label", "right by retraining alone", "suffices")
    columns = [*(Column(one, "name") for one in heads), Column("text", "text")]
    return Grid("Queries", columns, listed)


def cluster_blocks(document: Mapping[str, Any]) -> list[Block]:
    """Return the patterns, then rows whose words are the same but whose labels differ."""
    wrong = (
        f"{document['wrong']:,} of {document['examples']:,} examples are often wrong in "
        f"{document['trainings']} retrainings"
    )
    if not document["trainings"]:
        wrong = (
            f"Of {document['wrong']:,} of {document['examples']:,} training rows the final model "
            "says another label than they have"
        )
    found: list[Block] = [
        Say(f"{wrong}; {len(document['clusters'])} patterns among them."),
        Say(
            "Examples of a pattern act alike: average influence distance up to "
            f"{document['threshold']:g}. Words are those among the five strongest of most pairs.",
            soft=True,
        ),
    ]
    if weights := weights_sentence(document):
        found.append(Say(weights, soft=True))
    if document["left_out"]:
        sizes = ", ".join(f"{one:,}" for one in document["left_out"])
        found.append(Say(f"Too large to be clustered, and left out: groups of {sizes} examples."))
    for number, one in enumerate(document["clusters"], 1):
        members = one["members"]
        words = ", ".join(line(token) for token, _ in one["words"])
        given, said = ({line(m[key]) for m in members} for key in ("label", "said"))
        advice = (
            f"relabel to {min(said)}, after a look"
            if one["advice"] == "relabel"
            else "review one by one"
        )
        title = (
            f"{number}. {len(members)} examples labelled {' or '.join(sorted(given))}, said to be "
            f"{' or '.join(sorted(said))}: {words} ({advice})"
        )
        found.append(_member_table(title, members, folded=number > 3))
        if one.get("behind"):
            rows = ", ".join(f"{line(row['id'])} ({line(row['label'])})" for row in one["behind"])
            found.append(Say(f"Behind it: {rows}.", soft=True))
    for group in document["clashes"]:
        found.append(_member_table("The same words with different labels", group))
    return [*found, *_repeats(document, _VOTES)]


def _member_table(
    title: str, members: Sequence[Mapping[str, Any]], *, folded: bool = False
) -> Grid:
    columns = [Column("id", "name"), Column("label", "name"), Column("models say", "name")]
    columns += [Column("wrong"), Column("text", "text")]
    rows: list[list[Cell]] = [
        [
            line(one["id"]),
            line(one["label"]),
            line(one["said"]),
            percent(one["wrong"]),
            line(one["text"])[:160],
        ]
        for one in members
    ]
    return Grid(title, columns, rows, folded)


def _suffices(query: Mapping[str, Any]) -> str:
    if query["without_change"]:
        return "retraining alone"
    if not query["suffices"]:
        return "none"
    return f"{line(query['suffices']['method'])} {query['suffices']['k']:,}"


def _interval(one: Mapping[str, Any]) -> str:
    return f"{percent(one['mean'])} [{percent(one['low'])}, {percent(one['high'])}]"
