"""The review: what is decided about rows, from any view, and the patch that it makes."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from wordtrace.act.decisions import Decision
from wordtrace.act.filters import Filters
from wordtrace.app.opened import Opened
from wordtrace.errors import InputError

Ranking = Literal["combined", "self-influence", "opposition", "loss", "final-loss"]


class Decided(BaseModel):
    """What is decided, and about which rows."""

    rows: list[int] = Field(
        [], description="The rows' numbers in the index, as /api/rows has them."
    )
    ids: list[str] = Field(
        [], description="Their ids instead: also of rows that the data no longer have, to clear."
    )
    filters: Filters | None = Field(
        None, description="All rows that pass these, as /api/rows has them, instead of `rows`."
    )
    count: int | None = Field(
        None, description="How many rows pass `filters`, as was confirmed; else nothing is decided."
    )
    action: Literal["keep", "relabel", "remove", "edit", "clear"] = Field(
        description="keep: checked, right as it is; clear: take back what was decided."
    )
    label: str | None = Field(None, description="For relabel: the label that the rows should have.")
    text: str | None = Field(None, description="For edit: the text that the row should have.")
    field: Literal["text", "text2"] = Field("text", description="For edit: which text of a pair.")
    why: str = Field("", description="A sentence for whoever reads the patch.")
    by: Ranking = Field(
        "combined", description="The ranking in which the rows were seen: for the patch's reason."
    )


def router(opened: Opened) -> APIRouter:
    """Return the routes below /api by which rows are reviewed."""
    routes = APIRouter(tags=["review"])
    review = opened.review

    @routes.post("/review")
    def decide(decided: Decided) -> dict[str, Any]:
        """Decide about one row or many. It is one step, which /api/review/undo takes back."""
        rows = _rows_of(opened, decided)
        count = review.decide(
            [*ids_of(opened, rows), *decided.ids],
            decided.action,
            label=decided.label,
            text=decided.text,
            field=decided.field,
            why=decided.why,
            suspects=opened.index.suspects.seen(decided.by, rows),
        )
        return {"rows": count, **_state(opened)}

    @routes.post("/review/undo")
    def undo() -> dict[str, Any]:
        """Take back the last step."""
        return {**_some(review.undo()), **_state(opened)}

    @routes.post("/review/redo")
    def redo() -> dict[str, Any]:
        """Do again what was undone last."""
        return {**_some(review.redo()), **_state(opened)}

    @routes.get("/review")
    def state() -> dict[str, Any]:
        """Tell how many rows are decided in which way, and how many steps can be undone."""
        return _state(opened)

    @routes.get("/review/decisions")
    def decisions(
        offset: Annotated[int, Query(ge=0, description="How many of the latest to skip.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 50,
    ) -> dict[str, Any]:
        """List what is decided, the latest first, with label and text before and after."""
        found = _shown(opened, review.latest(limit, offset))
        return {"total": len(review), "offset": offset, "decisions": found}

    @routes.get("/review/patch")
    def patch() -> Response:
        """Download the changes as a patch, for `wordtrace apply`."""
        lines = [json.dumps(one.document(), ensure_ascii=False) + "\n" for one in review.patch()]
        return Response(
            "".join(lines).encode("utf-8"),
            media_type="application/jsonl; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="review.jsonl"'},
        )

    return routes


def _rows_of(opened: Opened, decided: Decided) -> npt.NDArray[np.int64]:
    if decided.filters is None:
        return np.array(decided.rows, np.int64)
    rows = opened.index.row_table.select(decided.filters, opened.review.marks())
    if decided.count not in (None, len(rows)):
        raise InputError(
            f"{len(rows):,} rows pass the filters by now, not {decided.count:,}; look again."
        )
    return rows


def ids_of(opened: Opened, rows: npt.NDArray[np.int64]) -> list[str]:
    """Return the ids of rows by their numbers (InputError for one that the index lacks)."""
    folder = opened.index.folder
    known = (rows >= 0) & (rows < folder.manifest.examples) & ~np.isin(rows, folder.removed)
    if not known.all():
        raise InputError(f"the index has no row {int(rows[~known][0])}.")
    found: list[str] = folder.table["id"].take(rows).to_pylist()
    return found


def shown(decision: Decision | None) -> dict[str, Any] | None:
    """Return a decision as a row of the other views shows it."""
    if decision is None:
        return None
    found = decision.document()
    return {name: found[name] for name in ("action", "label", "text", "text2") if name in found}


def _some(ids: list[str]) -> dict[str, Any]:
    """Return how many rows a step concerned, and which, where they are few."""
    return {"rows": len(ids), "ids": ids[:100]}


def _state(opened: Opened) -> dict[str, Any]:
    found = opened.review.document(0)
    shown = ("counts", "decided", "changes", "misfits", "undo", "redo")
    return {**{name: found[name] for name in shown}, "version": opened.review.version}


def _shown(opened: Opened, decisions: list[Decision]) -> list[dict[str, Any]]:
    """Return decisions with the texts and labels before."""
    rows, misfits = opened.index.folder.rows, opened.review.misfits()
    there = [one.id for one in decisions if one.id in rows]
    held = opened.index.folder.take(np.array([rows[id] for id in there], np.int64), opened.run)
    was = dict(zip(there, held.texts, strict=True))
    was2 = dict(zip(there, held.texts2 or (), strict=False))
    found = []
    for one in decisions:
        entry = {"row": rows.get(one.id), **one.document()}
        told = {"was": was.get(one.id), "was2": was2.get(one.id), "misfit": misfits.get(one.id)}
        found.append(
            {**entry, **{name: value for name, value in told.items() if value is not None}}
        )
    return found
