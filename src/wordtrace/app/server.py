"""The server's application: the pages, and below /api what they and programs ask."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from wordtrace import __version__
from wordtrace.app import (
    about,
    asked_by_programs,
    asked_traces,
    groups,
    proofs,
    reopening,
    reports,
    reviews,
    rows,
    sessions,
    studies,
    suspects,
)
from wordtrace.app.asgi import Asgi
from wordtrace.app.limits import Limited
from wordtrace.app.opened import Opened
from wordtrace.app.refusals import add_refusals
from wordtrace.app.reopening import Reopenable
from wordtrace.app.security import Guarded
from wordtrace.app.unmixed import Unmixed

STATIC = Path(__file__).parent / "static"

#: The app's views; each has an address of its own, and all are the same page.
VIEWS = ("rows", "why", "review", "groups", "prove")

ROUTERS = (
    about.router,
    asked_traces.router,
    asked_by_programs.router,
    proofs.router,
    studies.router,
    reports.router,
    rows.router,
    reviews.router,
    suspects.router,
    groups.router,
)


def application(opened: Opened, *, hosts: Collection[str] = (), token: str | None = None) -> Asgi:
    """Return the ASGI application that serves an opened index.

    Parameters
    ----------
    hosts, token
        As :class:`.Guarded` has them.
    """

    def make(opened: Opened, open_again: Callable[[], Opened]) -> Asgi:
        return Unmixed(_routes(opened, open_again, token), opened)

    return Guarded(Limited(Reopenable(opened, make)), hosts=hosts, token=token)


def _routes(opened: Opened, open_again: Callable[[], Opened], token: str | None) -> FastAPI:
    app = FastAPI(
        title="wordtrace",
        version=__version__,
        description="Which training examples, and which words in them, made the model say that.",
        docs_url=None,  # these pages load scripts from another site
        redoc_url=None,
        openapi_url="/api/openapi.json",
        redirect_slashes=False,  # what is asked for by no name of ours is refused, not sent on
    )
    add_refusals(app)
    for routes in (*(make(opened) for make in ROUTERS), reopening.router(open_again)):
        app.include_router(routes, prefix="/api")
    if token is not None:
        app.include_router(sessions.router(token), prefix="/api")
    app.mount("/static", StaticFiles(directory=STATIC))

    for view in ("", *VIEWS):
        app.add_api_route(f"/{view}", _page("index.html"), include_in_schema=False)
    app.add_api_route("/api", _page("api.html"), include_in_schema=False)
    return app


def _page(name: str) -> Callable[[], FileResponse]:
    return lambda: FileResponse(STATIC / name)
