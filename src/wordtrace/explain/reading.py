"""Reading a trace back from its JSON file, all of it or one query."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from wordtrace.errors import InputError, option
from wordtrace.explain.trace import Trace
from wordtrace.results.reading import read_result


def read_trace(path: str | Path, query: int | None = None) -> Trace:
    """Read a trace that ``wordtrace trace --out`` or ``Trace.save`` wrote.

    Parameters
    ----------
    query
        Keep only the query with this number, counted from 0.

    Raises
    ------
    InputError
        When the file is missing, is not a trace, is of a newer version, or has no such query.
    CorruptError
        When the file is not JSON.

    Examples
    --------
    >>> trace.save("why.json")
    >>> len(wt.read_trace("why.json", query=0))
    1
    """
    found = read_result(path, [Trace])
    if query is None:
        return found
    count = len(found.queries)
    if not 0 <= query < count:
        raise InputError(
            f"{path} has {count} queries; {option('query')} must be from 0 to {count - 1}."
        )
    return replace(found, queries=found.queries[query : query + 1])
