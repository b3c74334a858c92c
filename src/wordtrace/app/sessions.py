"""A browser that was given the token once keeps it as a cookie that no script can read."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from wordtrace.app.security import cookie_name


def router(token: str) -> APIRouter:
    """Return the route below /api at which a page exchanges the token for a cookie."""
    routes = APIRouter()

    @routes.post("/session", status_code=204)
    def begin(request: Request, response: Response) -> None:
        """Give the browser that sends the token (Authorization: Bearer TOKEN) a cookie for it.

        A program needs none: it sends the header with each question.
        """
        response.set_cookie(
            cookie_name(request.headers["host"]), token, httponly=True, samesite="strict", path="/"
        )

    return routes
