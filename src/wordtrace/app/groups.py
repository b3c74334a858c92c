"""Rows that belong together: near-duplicates, mistakes of one kind, and rows like no other."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fastapi import APIRouter, Query

from wordtrace.act.duplicate_groups import DuplicateGroups
from wordtrace.act.duplicates import described
from wordtrace.act.duplicates_result import DuplicateRow
from wordtrace.app.computed import Computed
from wordtrace.app.kept_groups import THRESHOLDS, KeptGroups
from wordtrace.app.opened import Opened
from wordtrace.app.reviews import shown
from wordtrace.errors import InputError, option

Offset = Annotated[int, Query(ge=0, description="How many groups to skip.")]
Limit = Annotated[int, Query(ge=1, le=100, description="How many groups to give at most.")]

#: Rows of a group that a list gives; `group` asks for all of one.
SHOWN = 8


def router(opened: Opened) -> APIRouter:
    """Return the routes below /api/groups."""
    routes = APIRouter(prefix="/groups")
    kept = KeptGroups(opened)

    @routes.get("/duplicates")
    def duplicates(
        threshold: Annotated[
            float, Query(description="The least share of words in common: 0.6, 0.7, … 1.")
        ] = 0.8,
        labels: Annotated[
            Literal["all", "differ", "same"],
            Query(description="Only groups whose labels differ, or are the same."),
        ] = "all",
        group: Annotated[
            int | None, Query(ge=0, description="All rows of one group, by its number.")
        ] = None,
        offset: Offset = 0,
        limit: Limit = 20,
    ) -> dict[str, Any]:
        """List groups of rows whose texts are nearly the same, those first whose labels differ.

        Answers {"state": "computing", "what", "done", "total"} until they are found; ask again.
        """
        found = _asked(kept, threshold).ask()
        if found is None:
            return _asked(kept, threshold).waiting()
        table = found.table
        differ = int(np.sum(table["differ"].to_numpy()))
        first, last = {"all": (0, len(table)), "differ": (0, differ), "same": (differ, len(table))}[
            labels
        ]
        if group is None:
            start = min(first + offset, last)
            part = table.slice(start, max(0, min(limit, last - start)))
        else:
            start, part = group, table.slice(group, 1)
        most = SHOWN if group is None else None
        entries = described(opened.index.folder, opened.run, part, most)
        numbers = part["rows"].to_pylist()
        like = part["like"].to_pylist()
        return {
            "state": "ready",
            "complete": found.complete,
            "total": len(table),
            "differ": differ,
            "rows": len(table["rows"].combine_chunks().flatten()),
            "matching": last - first,
            "offset": offset,
            "groups": [
                {
                    "number": start + place,
                    "count": one.count,
                    "labels": one.labels,
                    "same": one.same,
                    "words": one.words,
                    "advice": one.advice,
                    "proposed": one.proposed,
                    "all_rows": numbers[place],
                    "rows_of_label": _by_label(opened, numbers[place]),
                    "spare_rows": [
                        row
                        for row, kept in zip(numbers[place], like[place], strict=True)
                        if row != kept
                    ],
                    "rows": [
                        _shown(opened, row, number)
                        for row, number in zip(one.rows, numbers[place], strict=False)
                    ],
                }
                for place, one in enumerate(entries)
            ],
        }

    @routes.get("/duplicates/spare")
    def spare(
        threshold: Annotated[
            float, Query(description="The least share of words in common: 0.6, 0.7, … 1.")
        ] = 0.8,
    ) -> dict[str, Any]:
        """List the rows that could go if one were kept of each group whose rows have one label."""
        found = _asked(kept, threshold).ask()
        if found is None:
            return _asked(kept, threshold).waiting()
        one = found.table.filter(pc.invert(found.table["differ"]))
        rows, like = (one[name].combine_chunks().flatten().to_numpy() for name in ("rows", "like"))
        return {"state": "ready", "rows": rows[rows != like].tolist()}

    @routes.get("/outliers")
    def outliers(offset: Offset = 0, limit: Limit = 20) -> dict[str, Any]:
        """List the rows whose texts are least like the others, with what is unusual about each.

        Answers {"state": "computing", "what", "done", "total"} until they are found; ask again.
        """
        found = kept.outliers.ask()
        if found is None:
            return kept.outliers.waiting()
        part = found.rows[offset : offset + limit]
        rows = opened.index.folder.rows_of([one.id for one in part]).tolist()
        return {
            "state": "ready",
            "total": len(found.rows),
            "examples": found.examples,
            "offset": offset,
            "rows": [
                {**asdict(one), "row": row, "decision": decision(opened, one.id)}
                for one, row in zip(part, rows, strict=True)
            ],
        }

    @routes.get("/mistakes")
    def mistakes(offset: Offset = 0, limit: Limit = 20) -> dict[str, Any]:
        """List groups of training rows that the final model gets wrong and that act alike.

        Each comes with the words by which they act alike, and the rows behind it: those that speak
        most for what the model says. Answers {"state": "computing", "what", "done", "total"} until
        they are found; ask again.
        """
        found = kept.mistakes.ask()
        if found is None:
            return kept.mistakes.waiting()
        place = opened.index.folder.rows
        groups = []
        for number, one in enumerate(found.clusters[offset : offset + limit], offset):
            members = [{**asdict(row), "row": place[row.id]} for row in one.members]
            groups.append(
                {
                    "number": number,
                    "count": len(members),
                    "advice": one.advice,
                    "words": one.words,
                    "rows": [
                        {**row, "predicted": row["said"], "decision": decision(opened, row["id"])}
                        for row in members
                    ],
                    "behind": [{**asdict(row), "row": place[row.id]} for row in one.behind],
                }
            )
        return {
            "state": "ready",
            "total": len(found.clusters),
            "wrong": found.wrong,
            "examples": found.examples,
            "left_out": found.left_out,
            "offset": offset,
            "groups": groups,
        }

    return routes


def _asked(kept: KeptGroups, threshold: float) -> Computed[DuplicateGroups]:
    if threshold not in THRESHOLDS:
        known = ", ".join(f"{one:g}" for one in THRESHOLDS)
        raise InputError(f"{option('threshold')} is {threshold}; it must be one of {known}.")
    return kept.duplicates[threshold]


def _by_label(opened: Opened, rows: list[int]) -> dict[str, list[int]]:
    labels = opened.index.folder.table["label"].take(pa.array(rows)).to_pylist()
    found: dict[str, list[int]] = {}
    for row, label in zip(rows, labels, strict=True):
        found.setdefault(str(label), []).append(row)
    return found


def decision(opened: Opened, id: str) -> dict[str, Any] | None:
    """Return what is decided about a row, as every view shows it; None for nothing."""
    return shown(opened.review.decision(id))


def _shown(opened: Opened, row: DuplicateRow, number: int) -> dict[str, Any]:
    found = asdict(row)
    differing = found.pop("differing")
    for name in ("text", "text2"):
        if found[name] is not None:
            spans = [(start, end) for field, start, end in differing if field == name]
            found[f"{name}_parts"] = _parts(found[name], spans)
    return {**found, "row": number, "decision": decision(opened, row.id)}


def _parts(text: str, spans: list[tuple[int, int]]) -> list[tuple[str, bool]]:
    """Cut a text into pieces, each with whether it differs: a page counts characters otherwise."""
    found: list[tuple[str, bool]] = []
    at = 0
    for start, end in spans:
        found += [(text[at:start], False), (text[start:end], True)]
        at = end
    return [piece for piece in [*found, (text[at:], False)] if piece[0]]
