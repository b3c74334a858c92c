"""Traces that a page or a program asks for."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from wordtrace.app.opened import Opened


class TraceAsked(BaseModel):
    """What is asked: a text, and how it is to be explained."""

    text: str
    text2: str | None = None
    label: str | None = None
    measure: str | None = None
    top: int = Field(20, ge=1, le=1000)
    words: bool = True


def router(opened: Opened) -> APIRouter:
    """Return the routes below /api that answer why a model predicts what it does."""
    routes = APIRouter()

    @routes.post("/trace")
    def trace(asked: TraceAsked) -> dict[str, Any]:
        """Find the training examples, and the words in them, behind a prediction."""
        opened.check()
        text: Any = asked.text if asked.text2 is None else (asked.text, asked.text2)
        found = opened.index.trace(
            text, asked.label, measure=asked.measure, top=asked.top, words=asked.words
        )
        opened.check()
        return found.document()

    return routes
