"""Reports of results that a page holds, as one file to hand on."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from wordtrace.app.opened import Opened
from wordtrace.report.page import render_html
from wordtrace.run.describe import describe_run


class ReportAsked(BaseModel):
    """Results to show on one page."""

    documents: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=100,
        description="JSON documents of traces, verifications and other results, in their order.",
    )
    title: str | None = Field(None, description="The page's title; by default what it shows.")


def router(opened: Opened) -> APIRouter:
    """Return the routes below /api that make reports."""
    routes = APIRouter(tags=["reports"])

    @routes.post("/report", response_class=HTMLResponse)
    def report(asked: ReportAsked) -> HTMLResponse:
        """Make one self-contained HTML page of results, without a script (`wordtrace report`).

        Nothing is computed again: the page shows the documents as they are given.
        """
        run = opened.run
        page = render_html(
            asked.documents, asked.title, [describe_run(run) | {"name": str(run.path)}]
        )
        return HTMLResponse(
            page, headers={"content-disposition": 'attachment; filename="wordtrace-report.html"'}
        )

    return routes
