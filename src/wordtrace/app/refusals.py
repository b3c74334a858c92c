"""Answers that refuse: always a status and one sentence, {"error": …}."""

from __future__ import annotations

import json
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from wordtrace.errors import ChangedError, WordtraceError


def add_refusals(app: FastAPI) -> None:
    """Make every error of an application a sentence."""
    app.add_exception_handler(WordtraceError, _told)
    app.add_exception_handler(RequestValidationError, _misasked)
    app.add_exception_handler(HTTPException, _not_served)
    app.add_exception_handler(OverflowError, _too_large)
    # The server's log has the traceback: who asks learns nothing of the files of this machine.
    app.add_exception_handler(Exception, _failed)


def _answer(status: int, sentence: str) -> Response:
    # As ASCII: what was asked, which the sentence may name, need not be text that UTF-8 can hold.
    return Response(json.dumps({"error": sentence}), status, media_type="application/json")


def _told(request: Request, error: Exception) -> Response:
    """Answer an error that a user can act on: 409 for an index that changed, else 400."""
    return _answer(409 if isinstance(error, ChangedError) else 400, str(error))


def _misasked(request: Request, error: Exception) -> Response:
    """Answer what does not fit the route's description, by its first fault."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"][1:])) or str(first["loc"][0])
    if first["type"] == "json_invalid":
        return _answer(422, "The body is not valid JSON.")
    said = first["msg"].removeprefix("Value error, ")
    return _answer(422, f"{place}: {said[:1].lower()}{said[1:].rstrip('.')}.")


def _not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    if error.status_code == HTTPStatus.NOT_FOUND:
        return _answer(404, f"There is nothing at {path}; the page /api lists what can be asked.")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return _answer(405, f"{path} can't be asked by {request.method}; the page /api says how.")
    return _answer(error.status_code, str(error.detail))


def _too_large(request: Request, error: Exception) -> Response:
    return _answer(422, "A number that was asked for is too large.")


def _failed(request: Request, error: Exception) -> Response:
    return _answer(
        500,
        f"The server failed at this ({type(error).__name__}), which is a fault of wordtrace; its "
        "log says where.",
    )
