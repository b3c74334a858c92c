"""How narrow the interval of a linear datamodeling score will be, before models are trained."""

from __future__ import annotations

import math

# Variances seen in studies: of scores from query to query, and of what all queries share in a half.
_QUERIES, _HALVES = 0.012, 0.03


def half_width(queries: int, halves: int) -> float:
    """Return about how far a 95 % interval will reach to either side.

    A query's Spearman correlation over n halves has a variance of 1/n where scores foretell little.
    The interval counts that twice, as its bootstrap does; queries differ besides, and a half is
    like no other for all queries together. How much so depends on data and measure: this is a rule
    of thumb.
    """
    single = _QUERIES / queries + 2 / (queries * halves) + _HALVES / halves
    return 1.96 * math.sqrt(single)


def sentence(queries: int, halves: int) -> str:
    """Say it, with what more halves or more queries would change."""
    now, more = half_width(queries, halves), half_width(queries, 2 * halves)
    wider = half_width(2 * queries, halves)
    return (
        f"With {queries:,} queries and {halves:,} halves the 95 % interval of a measure's LDS will "
        f"be about ±{now:.3f}; with twice as many halves ±{more:.3f}, with twice as many queries "
        f"±{wider:.3f} (a rule of thumb)."
    )
