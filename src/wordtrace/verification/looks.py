"""Following a study while it goes on: what each look at its results shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

#: Called with a query's place, the number of seeds, and what they show of it, as its document.
Look = Callable[[int, int, Mapping[str, Any]], None]
_LOOK: ContextVar[Look | None] = ContextVar("look", default=None)


@contextmanager
def looking(look: Look) -> Iterator[None]:
    """Have `look` called after each look of a study that its design allows.

    A study that is not sequential looks once, at its end: what is seen before would tempt to stop
    where chance is kind.
    """
    token = _LOOK.set(look)
    try:
        yield
    finally:
        _LOOK.reset(token)


def show(place: int, seeds: int, query: Mapping[str, Any]) -> None:
    """Show what a study found of a query with so many seeds, to who follows it."""
    look = _LOOK.get()
    if look is not None:
        look(place, seeds, query)
