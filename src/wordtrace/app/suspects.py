"""The rows that are most likely mislabelled, page by page, with the evidence."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from wordtrace.act.decisions import ACTIONS
from wordtrace.app.opened import Opened
from wordtrace.app.reviews import Ranking, shown
from wordtrace.models.chat_tokenizer import ChatTokenizer


def router(opened: Opened) -> APIRouter:
    """Return the routes below /api that list suspects."""
    routes = APIRouter(tags=["review"])

    @routes.get("/suspects")
    def suspects(
        by: Annotated[Ranking, Query(description="The ranking.")] = "combined",
        label: Annotated[str | None, Query(description="Only rows with this label.")] = None,
        top: Annotated[
            int, Query(ge=1, le=10_000, description="How many suspects are to be reviewed.")
        ] = 50,
        offset: Annotated[int, Query(ge=0, description="How many suspects to skip.")] = 0,
        limit: Annotated[
            int, Query(ge=0, le=100, description="How many to give with their evidence.")
        ] = 10,
    ) -> dict[str, Any]:
        """List the rows most likely mislabelled, with the rows and words that oppose each.

        The evidence is computed for the rows that are given. `decisions` tells what is decided
        about each of the first `top` suspects, in their order. Of a conversation, `text` is what
        the data have, and `read` what the model reads: its words' places are counted in it.
        """
        ranked, folder = opened.index.suspects, opened.index.folder
        places = ranked.of_label(by, label)
        matching, places = len(places), places[:top]
        numbers = ranked.order(by)[places]
        marks = opened.review.marks()[numbers].tolist()
        part = slice(offset, offset + limit)
        found = ranked.at(by, places[part], words=True).document()["rows"]
        tokenizer = opened.index.run.tokenizer
        if isinstance(tokenizer, ChatTokenizer):
            found = [{**one, "read": tokenizer.shown(one["text"])} for one in found]
        rows = [
            {**one, "row": row, "decision": shown(opened.review.decision(one["id"]))}
            for one, row in zip(found, numbers[part].tolist(), strict=True)
        ]
        return {
            "by": by,
            "ranked": folder.count,
            "matching": matching,
            "total": len(places),
            "offset": offset,
            "decisions": [None if mark == 0 else ACTIONS[mark - 1] for mark in marks],
            "rows": rows,
        }

    return routes
