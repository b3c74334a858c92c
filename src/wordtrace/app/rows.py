"""The rows of the index: searched, filtered, sorted, counted, and one of them whole."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query

from wordtrace.act.distribution import COLUMNS
from wordtrace.act.rows_result import Row
from wordtrace.app.filters import AskedFilters
from wordtrace.app.opened import Opened
from wordtrace.app.reviews import shown

#: How many characters of a text a list shows.
CUT = 300

Sort = Literal["row", "id", "label", "predicted", "suspicion", "loss", "self_influence"]


def router(opened: Opened) -> APIRouter:
    """Return the routes below /api that list rows."""
    routes = APIRouter(tags=["rows"])

    @routes.get("/rows")
    def rows(
        filters: AskedFilters,
        sort: Annotated[Sort, Query(description="The column that orders the rows.")] = "row",
        descending: Annotated[bool, Query(description="Highest first.")] = False,
        offset: Annotated[int, Query(ge=0, description="How many rows to pass over.")] = 0,
        limit: Annotated[int, Query(ge=0, le=1000, description="How many to list.")] = 50,
    ) -> dict[str, Any]:
        """List the training rows that pass all filters; texts are cut to 300 characters.

        `suspicion` is null while it is computed, which takes one reading of the whole index;
        `waiting` then is true. A list that is sorted or filtered by it waits.
        """
        table = opened.index.row_table
        known = table.columns.suspicion_known()
        found = table.rows(
            filters,
            sort=sort,
            descending=descending,
            offset=offset,
            limit=limit,
            cut=CUT,
            suspicion=known,
            marks=opened.review.marks(),
        )
        listed = [_decided(opened, row) for row in found.rows]
        waiting = table.columns.suspected and not known
        return {**found.document(), "rows": listed, "waiting": waiting}

    @routes.get("/rows/distribution")
    def distribution(
        filters: AskedFilters,
        column: Annotated[
            list[str] | None,
            Query(description=f"One or more of {', '.join(COLUMNS)}; all without any."),
        ] = None,
    ) -> dict[str, Any]:
        """Tell how rows spread over columns: all of them, and those that pass the filters.

        A bar is a name, or a range from a number to before another one. Columns that these rows
        have not are left out, and `suspicion` while it is computed; `waiting` then is true.
        """
        table, marks = opened.index.row_table, opened.review.marks()
        known = table.columns.suspicion_known() or filters.by_suspicion
        found = [
            table.distribution(name, filters, marks)
            for name in (COLUMNS if column is None else column)
            if name != "suspicion" or known
        ]
        matching = int(table.mask(filters, marks).sum())
        return {
            "total": table.total,
            "matching": matching,
            "columns": [one.document() for one in found if one is not None],
            "waiting": table.columns.suspected and not known,
        }

    @routes.get("/rows/{row}")
    def row(row: int) -> dict[str, Any]:
        """Give one row with its whole text."""
        table = opened.index.row_table
        numbers, known = np.array([row], np.int64), table.columns.suspicion_known()
        found = table.read(numbers, suspicion=known)[0]
        return {**_decided(opened, found), "waiting": table.columns.suspected and not known}

    return routes


def _decided(opened: Opened, row: Row) -> dict[str, Any]:
    return {**row.document(), "decision": shown(opened.review.decision(row.id))}
