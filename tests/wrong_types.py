"""Something of another type for every place of a JSON document."""

from __future__ import annotations

from typing import Any

#: None, and something of each of JSON's types; numbers beyond what any field holds.
OTHERS: tuple[Any, ...] = (None, True, "x", 7.5, -1, 10**30, [], {}, [None], {"x": 1})
