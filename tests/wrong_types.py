"""Every place of a JSON document, and the document with something of another type there."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

#: None, and something of each of JSON's types; numbers beyond what any field holds.
OTHERS: tuple[Any, ...] = (None, True, "x", 7.5, -1, 10**30, [], {}, [None], {"x": 1})


def places(document: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value in a document; of a list's entries that to the first."""
    if isinstance(document, dict):
        inner = list(document.items())
    else:
        inner = list(enumerate(document))[:1] if isinstance(document, list) else []
    for key, value in inner:
        yield (*above, key)
        yield from places(value, (*above, key))


def replaced(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a document with another value at a place."""
    found = copy.deepcopy(document)
    inner = found
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return found
