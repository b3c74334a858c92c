"""Lists of the strongest examples: what two of them share, and what chance would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from wordtrace.measures.topn import strongest

Side = Literal["all", "proponents"]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Share:
    """How much of one list is in another, on average.

    The part is what both lists hold, over the length of the longer one. Lists are shorter than
    asked where fewer scores are not zero; a pair of empty lists is left out.

    Attributes
    ----------
    overlap
        In [0, 1]; None where there is no pair of lists.
    chance
        The mean for lists of the same lengths drawn at random: the length of the shorter one over
        the number of examples, which is top / examples for lists of full length.
    pairs
        How many pairs of lists were compared.
    """

    overlap: float | None
    chance: float | None
    pairs: int


class Tops:
    """Each query's strongest examples, as a sparse matrix of 0 and 1.

    Attributes
    ----------
    members
        int32, shape (queries, examples): 1 where the example is in the query's list.
    sizes
        int64, shape (queries,): the lists' lengths.
    """

    def __init__(self, scores: npt.NDArray[np.float32], top: int, side: Side = "all") -> None:
        """Keep the `top` largest |scores| of each row, or the largest scores over 0.

        Scores of 0 are in no list. Ties at the cut go to the lower row (:func:`.topn.strongest`).
        """
        from scipy import sparse

        ranked = scores if side == "proponents" else np.abs(scores)
        lists = [strongest(row, top)[0] for row in ranked]
        self.sizes: Counts = np.array([len(one) for one in lists], np.int64)
        places = np.concatenate([*lists, np.empty(0, np.int64)])
        offsets = np.concatenate([[0], np.cumsum(self.sizes)])
        ones = np.ones(len(places), np.int32)
        self.members: Any = sparse.csr_array((ones, places, offsets), shape=scores.shape)

    @property
    def examples(self) -> int:
        """How many examples were ranked."""
        return int(self.members.shape[1])

    @property
    def counts(self) -> Counts:
        """int64, shape (examples,): in how many queries' lists each example is."""
        return np.asarray(self.members.sum(axis=0), np.int64)


def share(one: Tops, other: Tops) -> Share:
    """Compare two lists of the same query, averaged over the queries."""
    shared = np.asarray(one.members.multiply(other.members).sum(axis=1), np.int64)
    return _mean(shared, one.sizes, other.sizes, one.examples)


def share_across(tops: Tops, labels: Sequence[int] | Counts | None = None) -> Share:
    """Compare the lists of any two queries, or, with `labels`, of any two of different labels."""
    shared = (tops.members @ tops.members.T).toarray()
    first, second = np.triu_indices(len(tops.sizes), 1)
    if labels is not None:
        differ = np.asarray(labels)[first] != np.asarray(labels)[second]
        first, second = first[differ], second[differ]
    sizes = tops.sizes
    return _mean(shared[first, second], sizes[first], sizes[second], tops.examples)


def distinct_by_chance(tops: Tops) -> float:
    """Return how many different examples random lists of the same lengths hold on average."""
    missed = np.prod(1 - tops.sizes / tops.examples)
    return float(tops.examples * (1 - missed))


def most_by_chance(tops: Tops) -> float:
    """Return in how many lists the most frequent example is on average, by chance.

    The expected maximum of as many binomial counts as there are examples, taken as independent.
    """
    from scipy import stats

    queries = len(tops.sizes)
    rate = float(tops.sizes.mean()) / tops.examples
    below = stats.binom.cdf(np.arange(queries), queries, rate)
    return float((1 - below**tops.examples).sum())


def _mean(shared: Any, one: Counts, other: Counts, examples: int) -> Share:
    larger, smaller = np.maximum(one, other), np.minimum(one, other)
    there = larger > 0
    if not there.any():
        return Share(None, None, 0)
    return Share(
        float((shared[there] / larger[there]).mean()),
        float((smaller[there] / examples).mean()),
        int(there.sum()),
    )
