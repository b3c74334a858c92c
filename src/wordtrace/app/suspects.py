"""The rows that are most likely mislabelled, page by page, with the evidence."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from wordtrace.app.opened import Opened
from wordtrace.app.reviews import shown


def router(opened: Opened) -> APIRouter:
    """Return the routes below /api that list suspects."""
    routes = APIRouter()

    @routes.get("/suspects")
    def suspects(
        by: Annotated[
            Literal["combined", "self-influence", "opposition", "loss", "final-loss"],
            Query(description="The ranking."),
        ] = "combined",
        offset: Annotated[int, Query(ge=0, description="How many suspects to skip.")] = 0,
        limit: Annotated[int, Query(ge=1, le=100, description="How many at most.")] = 10,
    ) -> dict[str, Any]:
        """List the rows most likely mislabelled, with the rows and words that oppose each."""
        opened.check()
        found = opened.index.mislabels(by=by, top=offset + limit, words=True)
        folder = opened.index.folder
        rows = [
            {
                **one,
                "row": folder.rows[one["id"]],
                "decision": shown(opened.review.decision(one["id"])),
            }
            for one in found.document()["rows"][offset:]
        ]
        return {"by": by, "total": folder.count, "offset": offset, "rows": rows}

    return routes
