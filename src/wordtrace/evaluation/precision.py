"""How narrow the interval of a linear datamodeling score will be, before models are trained."""

from __future__ import annotations

import math

# By how much scores differ from query to query (a variance), and what the errors of all queries
# have in common over one half. On 1,000 rows of AG News, 30 to 300 queries and 45 or 90 halves of
# one seed, intervals of TracIn-WE and BM25 were 0.8 to 0.95 times as wide as this says. Measures by
# which queries are more alike, such as the last layer's, have wider ones.
_QUERIES, _HALVES = 0.006, 0.005


def half_width(queries: int, halves: int) -> float:
    """Return about how far a 95 % interval will reach to either side.

    A query's rank correlation over n halves has a variance of about 1/n where scores foretell
    little. Queries differ besides, and what is special
    about a half is so for many queries at once. How much so depends on the data and the measure:
    this is a rule of thumb.
    """
    variance = _QUERIES / queries + 1 / (queries * halves) + _HALVES / halves
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
