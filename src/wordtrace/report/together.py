"""What one change did to all queries of a verification, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wordtrace.report.deeds import control_deed, deed, verb
from wordtrace.report.designs import draws_clause, seeds_of, stopped_sentence
from wordtrace.report.measured import Measured, measured
from wordtrace.report.numbers import interval
from wordtrace.report.verdicts import verdict

Document = Mapping[str, Any]


def whole_of(document: Document) -> dict[str, Any]:
    """Return the figures of all queries in the form of one query's.

    Its label is theirs, where they have one and the same. Numbers count towards what was asked, so
    that more is what was asked for all of them.
    """
    labels = {str(query["label"]) for query in document["queries"]}
    label = labels.pop() if len(labels) == 1 else "label"
    if document.get("measured") == "number":
        label = "higher"
    removed = document["queries"][0].get("removed")
    return {**document["together"], "label": label, "removed": removed}


def measured_together(document: Document) -> Measured:
    """Return how the mean over the queries is named and written."""
    found = measured(whole_of(document), document)
    if document.get("measured") != "number":
        return replace(found, short=f"mean {found.short}")
    return replace(
        found,
        short="the numbers, each towards what was asked",
        less="they went away from what was asked",
        more="towards it",
    )


def together_sentence(document: Document) -> str:
    """Say what the change did to all queries, beside its controls, and whether that is shown."""
    whole, what = whole_of(document), measured_together(document)
    before, after, right = whole["base"], whole["without"], whole["right"]
    change, count = interval(after["change"], what.digits), whole["queries"]
    if document.get("measured") == "number":
        did = f"moved the predicted numbers towards what was asked by {change}"
    else:
        did = (
            f"{verb(after['change'])} {what.name} by {change}, from {what.write(before['mean'])} "
            f"to {what.write(after['mean'])}"
        )
    said = (
        f"{deed(whole, document)} {did} on average over the {count:,} queries and "
        f"{len(seeds_of(whole, document))} seeds"
    )
    if right is not None:
        then, now = (_number(right[one]) for one in ("base", "without"))
        said += f"; {now} of the {count:,} were then predicted right, {then} before"
    said += ". "
    for place, control in enumerate(whole["controls"]):
        said += (
            f"{control_deed(control['name'], whole, document)}: "
            f"{interval(control['change'], what.digits)}; the difference "
            f"{interval(control['difference'], what.digits)} "
            f"{'excludes' if control['excludes_zero'] else 'does NOT exclude'} zero"
            f"{draws_clause(control)}"
        )
        if right is not None:
            other = right["controls"][place]
            said += (
                f"; {_number(other)} were then predicted right, a difference of the shares of "
                f"{interval(other['difference'])}"
            )
        said += ". "
    return said + verdict(whole, document).sentence + stopped_sentence(whole, document)


def _number(right: Document) -> str:
    """Write how many queries are right, in the mean over seeds."""
    return f"{right['number']:.1f}"
