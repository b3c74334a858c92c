"""All sets that are similar to one another, without comparing all pairs, and without missing one.

Two sets that share enough elements share some of their rarest ones: of two sets of l elements or
more that share at least a, the first l − a + 1 by rarity have an element in common (Chaudhuri et
al. 2006; Bayardo et al. 2007), and the first l − a + n have n in common (Wang et al. 2012). So sets
are put into buckets by such an element, and a bucket that is too large is divided by a further one,
until it is small enough to compare its pairs. A sketch of some hundred bits then shows of most
pairs that they are too different (Sandes et al. 2017); the others are compared element by element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wordtrace.act.set_similarity import Numbers, places, similarity
from wordtrace.act.sketches import Bits, mixed, ones, sketches

#: Buckets of up to so many sets are compared pair by pair.
_SMALL = 32
#: Dividing a bucket costs as much for each new posting as comparing so many pairs.
_POSTING = 8
#: Postings, and pairs, that are handled at once.
_SLICE, _PAIRS = 1 << 20, 1 << 21
#: The work that may be done, in pairs compared: about two minutes.
_WORK = 1 << 31
_SLACK = 1e-9


@dataclass(frozen=True)
class Alike:
    """Which sets belong together.

    Attributes
    ----------
    group
        int64, shape (sets,): sets with the same number are connected by similar ones.
    complete
        Whether every similar pair was found; else sets were too alike to divide them.
    """

    group: Numbers
    complete: bool


def alike(
    element: Numbers,
    offsets: Numbers,
    threshold: float,
    advance: Callable[[int], None] = lambda count: None,
) -> Alike:
    """Connect all sets with a Jaccard similarity of at least `threshold`.

    Parameters
    ----------
    element, offsets
        As :class:`.WordSets` has them: rising in each set, rare elements first, no empty set.
    threshold
        Over 0, up to 1.
    advance
        Called with the number of sets by which the work got on, about their number in all.
    """
    count = len(offsets) - 1
    first = _identical(element, offsets)
    alone, group = np.unique(first, return_inverse=True)
    sizes = np.diff(offsets)[alone]
    kept = element[places(offsets[alone], sizes)]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    advance(count - len(alone))
    join = _Join(kept, starts, threshold)
    join.run(advance)
    return Alike(join.group[group], join.complete)


class _Join:
    """Sets that differ from one another, and how far they are connected."""

    def __init__(self, element: Numbers, offsets: Numbers, threshold: float) -> None:
        self.element, self.offsets, self.threshold = element, offsets, threshold
        self.sizes = np.diff(offsets)
        self.group = np.arange(len(self.sizes))
        self.complete = True
        self.work = 0.0
        # A partner shares at least a share of the set's elements: all but so many.
        self.spare = self.sizes - np.ceil(threshold * self.sizes - _SLACK).astype(np.int64)
        self.sketch = sketches(element, offsets)

    def run(self, advance: Callable[[int], None]) -> None:
        """Put all sets into buckets by each of their rarest elements, and work on these."""
        largest = np.floor(self.sizes / self.threshold + _SLACK)
        sets = np.flatnonzero((self.spare > 0) | (largest > self.sizes))
        advance(len(self.sizes) - len(sets))
        each = np.minimum(self.spare[sets] + 1, self.sizes[sets])
        owner = np.repeat(sets, each)
        place = places(np.zeros(len(sets), np.int64), each)
        key = self.element[self.offsets[owner] + place].astype(np.uint64)
        order = np.argsort(key, kind="stable")
        key, owner, place = key[order], owner[order], place[order]
        if len(sets) * len(sets) / 2 < self._cost(key, self._further(owner, place, 1)):
            self._all(sets, advance)
            return
        bounds = np.append(np.flatnonzero(_begins(key)), len(key))
        cuts = bounds[np.searchsorted(bounds, np.arange(0, len(key), _SLICE))]
        cuts = np.unique(np.append(cuts, len(key)))
        done = 0
        for start, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
            self._work(key[start:end], owner[start:end], place[start:end])
            now = len(sets) * end // max(1, len(key))
            advance(now - done)
            done = now

    def _further(self, owner: Numbers, place: Numbers, level: int) -> Numbers:
        """Return by how many further elements each posting of a bucket can be divided."""
        last = np.minimum(self.spare[owner] + level, self.sizes[owner] - 1)
        found: Numbers = np.maximum(last - place, 0)
        return found

    def _cost(self, key: Bits, more: Numbers) -> float:
        """Return the least work that postings make, ordered by key."""
        if not len(key):
            return 0
        begin = np.flatnonzero(_begins(key))
        each = np.diff(np.append(begin, len(key)))
        return float(
            np.minimum(each * (each - 1) / 2, _POSTING * np.add.reduceat(more, begin)).sum()
        )

    def _all(self, sets: Numbers, advance: Callable[[int], None]) -> None:
        """Compare all pairs whose sizes are not too different."""
        sets = sets[np.argsort(self.sizes[sets], kind="stable")]
        sizes = self.sizes[sets]
        ends = np.searchsorted(sizes, sizes / self.threshold + _SLACK, "right")
        count = ends - np.arange(len(sets)) - 1
        part = np.cumsum(count) // _PAIRS
        for some in np.split(np.arange(len(sets)), np.flatnonzero(np.diff(part)) + 1):
            other = places(some + 1, count[some])
            self._compare(sets[np.repeat(some, count[some])], sets[other])
            advance(len(some))

    def _work(self, key: Bits, owner: Numbers, place: Numbers) -> None:
        """Compare the sets of each bucket, dividing the large ones again and again."""
        level = 1
        while len(key):
            # The smallest set of a bucket stands first in it.
            order = np.lexsort((self.sizes[owner], key))
            key, owner, place = self._open(key[order], owner[order], place[order])
            if not len(key):
                return
            begin = np.flatnonzero(_begins(key))
            each = np.diff(np.append(begin, len(key)))
            # Sets that share as many elements as they need are similar to the smallest one, too.
            self._compare(np.repeat(owner[begin], each), owner)
            more = self._further(owner, place, level)
            pairs = each * (each - 1) / 2
            small = (each <= _SMALL) | (pairs <= _POSTING * np.add.reduceat(more, begin))
            self.work += float(pairs[small].sum())
            small = np.repeat(small, each)
            self._compare_all(key[small], owner[small])
            key, owner, place = key[~small], owner[~small], place[~small]
            for a, b in _pairs(key, owner, 2):
                self._compare(a, b)
            key, owner, place = self._open(key, owner, place)
            more = self._further(owner, place, level)
            self.work += _POSTING * float(more.sum())
            if self.work > _WORK:
                self.complete = self.complete and not len(key)
                return
            which = np.repeat(np.arange(len(key)), more)
            place = places(place + 1, more)
            owner = owner[which]
            key = mixed(key[which] ^ mixed(self.element[self.offsets[owner] + place]))
            level += 1

    def _compare_all(self, key: Bits, owner: Numbers) -> None:
        """Compare all pairs of each bucket, a limited number at once."""
        if not len(key):
            return
        ones: list[Numbers] = []
        others: list[Numbers] = []
        held = 0
        for a, b in _pairs(key, owner, len(key)):
            ones.append(a)
            others.append(b)
            held += len(a)
            if held > _PAIRS:
                self._compare(np.concatenate(ones), np.concatenate(others))
                ones, others, held = [], [], 0
        if held:
            self._compare(np.concatenate(ones), np.concatenate(others))

    def _open(self, key: Bits, owner: Numbers, place: Numbers) -> tuple[Bits, Numbers, Numbers]:
        """Leave out the buckets whose sets are all connected: nothing is to be found in them."""
        if not len(key):
            return key, owner, place
        begin = np.flatnonzero(_begins(key))
        group = self.group[owner]
        several = np.minimum.reduceat(group, begin) < np.maximum.reduceat(group, begin)
        keep = np.repeat(several, np.diff(np.append(begin, len(key))))
        return key[keep], owner[keep], place[keep]

    def _compare(self, a: Numbers, b: Numbers) -> None:
        """Connect the pairs that are similar."""
        small, large = (find(self.sizes[a], self.sizes[b]) for find in (np.minimum, np.maximum))
        keep = (self.group[a] != self.group[b]) & (small >= self.threshold * large - _SLACK)
        a, b = a[keep], b[keep]
        share = (1 - self.threshold) / (1 + self.threshold)
        most = share * (self.sizes[a] + self.sizes[b]) + _SLACK
        apart = np.zeros(len(a), np.int64)
        for bits in self.sketch:
            apart += ones(bits[a] ^ bits[b])
            keep = apart <= most
            a, b, most, apart = a[keep], b[keep], most[keep], apart[keep]
        if not len(a):
            return
        pairs = np.unique(np.minimum(a, b) * len(self.sizes) + np.maximum(a, b))
        a, b = np.divmod(pairs, len(self.sizes))
        close = similarity(self.element, self.offsets, a, b) >= self.threshold - _SLACK
        self._connect(self.group[a[close]], self.group[b[close]])

    def _connect(self, a: Numbers, b: Numbers) -> None:
        if not len(a):
            return
        from scipy import sparse

        names, place = np.unique(np.concatenate([a, b]), return_inverse=True)
        ends = place[: len(a)], place[len(a) :]
        graph = sparse.coo_array((np.ones(len(a), bool), ends), shape=(len(names), len(names)))
        _, joined = sparse.csgraph.connected_components(graph, directed=False)
        least = np.full(joined.max() + 1, np.iinfo(np.int64).max)
        np.minimum.at(least, joined, names)
        new = np.arange(len(self.sizes))
        new[names] = least[joined]
        self.group = new[self.group]


def _identical(element: Numbers, offsets: Numbers) -> Numbers:
    """Return for each set the first set with the same elements, int64, shape (sets,)."""
    if len(offsets) < 2:
        return np.empty(0, np.int64)
    sums = np.add.reduceat(mixed(element), offsets[:-1])
    _, first, same = np.unique(sums, return_index=True, return_inverse=True)
    found = first[same]
    others = np.flatnonzero(found != np.arange(len(found)))
    # Different sets with the same sum of 64 bits: as good as never, but then they stay apart.
    other = others[similarity(element, offsets, found[others], others) < 1]
    found[other] = other
    return found


def _pairs(key: Bits, owner: Numbers, most: int) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield all pairs of a bucket's sets that stand less than `most` places from each other."""
    if not len(key):
        return
    at = np.arange(len(key))
    begin = np.flatnonzero(_begins(key))
    end = np.repeat(np.append(begin[1:], len(key)), np.diff(np.append(begin, len(key))))
    for step in range(1, most):
        at = at[at + step < end[at]]
        if not len(at):
            return
        yield owner[at], owner[at + step]


def _begins(key: Bits) -> npt.NDArray[np.bool_]:
    found = np.ones(len(key), bool)
    found[1:] = key[1:] != key[:-1]
    return found
