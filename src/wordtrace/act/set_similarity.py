"""How similar sets are: the share of their elements that they have in common."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]

#: Elements that are looked at at once.
_ELEMENTS = 1 << 22


def similarity(
    element: Numbers, offsets: Numbers, a: Numbers, b: Numbers
) -> npt.NDArray[np.float64]:
    """Return the Jaccard similarity of pairs of sets, |x ∩ y| / |x ∪ y|, shape (pairs,).

    Parameters
    ----------
    element, offsets
        The elements of all sets, each set's without repeats, and where each set begins.
    a, b
        int64, shape (pairs,): the places of the sets.
    """
    sizes = np.diff(offsets)
    total = sizes[a] + sizes[b]
    shared = np.zeros(len(a), np.int64)
    part = np.cumsum(total) // _ELEMENTS
    for some in np.split(np.arange(len(a)), np.flatnonzero(np.diff(part)) + 1):
        if not len(some):
            continue
        both = np.concatenate([a[some], b[some]])
        pair = np.repeat(np.tile(np.arange(len(some)), 2), sizes[both])
        key = (pair << 32) | element[places(offsets[both], sizes[both])]
        key.sort()
        same = np.flatnonzero(key[1:] == key[:-1])
        shared[some] = np.bincount(key[same] >> 32, minlength=len(some))
    found: npt.NDArray[np.float64] = shared / (total - shared)
    return found


def places(starts: Numbers, counts: Numbers) -> Numbers:
    """Return starts[0], starts[0] + 1, … (counts[0] numbers), then those from starts[1] on, …."""
    ends = np.cumsum(counts)
    return np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(starts - ends + counts, counts)
