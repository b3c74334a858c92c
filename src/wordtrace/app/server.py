"""The server's application: the pages, and below /api what they and programs ask."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from wordtrace import __version__
from wordtrace.app import about, asked_traces, groups
from wordtrace.app.opened import ChangedError, Opened
from wordtrace.app.security import Asgi, Guarded
from wordtrace.errors import WordtraceError

STATIC = Path(__file__).parent / "static"

#: The app's views; each has an address of its own, and all are the same page.
VIEWS = ("rows", "why", "review", "groups", "prove")

ROUTERS = (about.router, asked_traces.router, groups.router)


def application(opened: Opened, *, hosts: Collection[str] = (), token: str | None = None) -> Asgi:
    """Return the ASGI application that serves an opened index.

    Parameters
    ----------
    hosts, token
        As :class:`.Guarded` has them.
    """
    app = FastAPI(
        title="wordtrace",
        version=__version__,
        description="Which training examples, and which words in them, made the model say that.",
        docs_url=None,  # these pages load scripts from another site
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.add_exception_handler(WordtraceError, _told)
    for router in ROUTERS:
        app.include_router(router(opened), prefix="/api")
    app.mount("/static", StaticFiles(directory=STATIC))

    for view in ("", *VIEWS):
        app.add_api_route(f"/{view}", _page, include_in_schema=False)
    return Guarded(app, hosts=hosts, token=token)


def _page() -> FileResponse:
    return FileResponse(STATIC / "index.html")


def _told(request: Request, error: Exception) -> JSONResponse:
    """Answer an error that a user can act on: 409 for an index that changed, else 400."""
    status = 409 if isinstance(error, ChangedError) else 400
    return JSONResponse({"error": str(error)}, status)
