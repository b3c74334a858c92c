"""How narrow the interval of a linear datamodeling score will be, before models are trained."""

from __future__ import annotations

import math

# By how much scores differ from query to query (a variance), and what the errors of all queries
# have in common over one half. Seen on 1,000 rows of AG News, 300 queries and 90 halves and parts
# of these, for TracIn-WE and BM25; by the last layer's measure queries are more alike, and the
# interval is 1.6 times as wide as is said here.
_QUERIES, _HALVES = 0.01, 0.01


def half_width(queries: int, halves: int) -> float:
    """Return about how far a 95 % interval will reach to either side.

    A query's rank correlation over n halves has a variance of about 1/n where scores foretell
    little, and the crossed bootstrap counts it twice. Queries differ besides, and what is special
    about a half is so for many queries at once. How much so depends on the data and the measure:
    this is a rule of thumb.
    """
    variance = _QUERIES / queries + 2 / (queries * halves) + _HALVES / halves
    return 1.96 * math.sqrt(variance)


def sentence(queries: int, halves: int) -> str:
    """Say it, with what twice as many halves or queries would change."""
    now, more = half_width(queries, halves), half_width(queries, 2 * halves)
    wider = half_width(2 * queries, halves)
    return (
        f"With {queries:,} queries and {halves:,} halves the 95 % interval of a measure's LDS will "
        f"be about ±{now:.3f}; with twice as many halves ±{more:.3f}, with twice as many queries "
        f"±{wider:.3f} (a rule of thumb)."
    )
