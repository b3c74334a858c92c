"""Holm's correction of p-values for their number."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p: Sequence[float]) -> list[float]:
    """Return corrected p-values, in the order given (Holm 1979).

    Whoever calls a difference shown where its corrected value is below 5 % errs in any of them with
    a chance of at most 5 %, however they depend on each other. The smallest of n values is
    multiplied by n, the next one by n − 1, and so on; none is less than the one before it.
    """
    found = [1.0] * len(p)
    largest = 0.0
    order = sorted(range(len(p)), key=lambda place: p[place])
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - rank) * p[place]))
        found[place] = largest
    return found
