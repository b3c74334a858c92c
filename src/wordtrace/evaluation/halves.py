"""Random halves of the training rows, the same for all queries and all measures.

Halves that are drawn from all rows alike differ in how many rows of each class they have. Models
learn that first, and a measure that knows nothing but labels foretells it. So a half has half of
each class, or of what else rows are alike by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wordtrace.errors import InputError, option
from wordtrace.measures.protocol import Scores
from wordtrace.retrainers.retrain import Rows
from wordtrace.statistics.resampling import FloatArray
from wordtrace.verification.removal import IntArray, Pool

BoolArray = npt.NDArray[np.bool_]

#: How halves are drawn: half of each group of rows that are alike, or of all rows.
WAYS = ("stratified", "plain")
_TRIES = 1_000


@dataclass(frozen=True, eq=False)
class Halves:
    """Halves of the training rows.

    Attributes
    ----------
    kept
        bool, shape (halves, rows): the rows that models are trained on.
    alike
        int64, shape (rows,): the group of rows that are alike, from 0.
    by
        What rows of a group have in common: "class", "set of labels", "tenth of the numbers" or
        "tenth of the lengths".
    stratified
        Whether each half has half of each group.
    """

    kept: BoolArray
    alike: IntArray
    by: str
    stratified: bool

    def __len__(self) -> int:
        return len(self.kept)

    def take(self, which: BoolArray) -> Halves:
        """Return some of the halves, as a mask says."""
        return Halves(self.kept[which], self.alike, self.by, self.stratified)

    def removed(self) -> list[Rows]:
        """Return the rows that each half leaves out."""
        return [tuple(np.flatnonzero(~one).tolist()) for one in self.kept]

    def counts(self) -> FloatArray:
        """Return how many rows of each group each half keeps, float64, shape (halves, groups)."""
        groups = int(self.alike.max()) + 1
        found = np.zeros((len(self.kept), groups))
        for place, one in enumerate(self.kept):
            found[place] = np.bincount(self.alike[one], minlength=groups)
        return found

    def summed(self, scores: Scores) -> FloatArray:
        """Return the sums of the scores of the rows that each half keeps.

        Parameters
        ----------
        scores
            Shape (queries, rows).

        Returns
        -------
        float64, shape (queries, halves).
        """
        found: FloatArray = np.asarray(scores, np.float64) @ self.kept.T.astype(np.float64)
        return found


def draw(pool: Pool, count: int, seed: int, *, stratified: bool = True) -> Halves:
    """Draw halves; the first ones of more halves are those of fewer.

    Of an odd number of rows the kept half has one more, with `stratified` so of each group: the
    counts are the same in all halves, since even a difference of one row is something that a
    measure can foretell which knows labels alone. Sets of labels are many, most of them of few
    rows; of them the odd rows are paired in the order of the sets, and a half has one of each pair.
    The only row of a class is always kept: no model learns a class of which it sees no row.

    Parameters
    ----------
    pool
        The training rows, with the groups of rows that are alike: the same class; the same set of
        labels; numbers, or a language model's counts of tokens, in the same tenth of all.
    seed
        Of the draw.

    Raises
    ------
    InputError
        When no draw keeps a row of each class; or for so few plain halves that the groups' counts
        would tell everything about them.
    """
    generator = np.random.default_rng([seed, 5])
    alike = np.unique(pool.alike, return_inverse=True)[1].reshape(-1).astype(np.int64)
    groups = int(alike.max()) + 1
    if not stratified and count < 2 * groups:
        raise InputError(
            f"{option('lds')} is {count:,}; plain halves of {groups:,} groups of rows that are "
            f"alike need {2 * groups:,} at least, or take {option('halves', 'stratified')}."
        )
    sole = np.zeros(len(pool), bool)
    for rows in pool.each():
        if len(rows) == 1:
            sole[rows] = True
    kept = np.empty((count, len(pool)), bool)
    for place in range(count):
        for _ in range(_TRIES):
            rows = generator.permutation(np.flatnonzero(~sole))
            if stratified:
                rows = _in_pairs(rows, alike, odd_too=pool.labelling.kind == "set")
            kept[place] = _half(generator, rows, len(pool))
            if not pool.empties(np.flatnonzero(~kept[place]).tolist()):
                break
        else:
            raise InputError(
                f"in {_TRIES:,} draws no half of the {len(pool):,} training rows had a row of each "
                f"label; some labels have too few rows for {option('lds')}: give {option('lds')} 0."
            )
    return Halves(kept, alike, _named(pool), stratified)


def _half(generator: np.random.Generator, rows: IntArray, count: int) -> BoolArray:
    """Keep all of `count` rows but one of each two that follow each other, bool, shape (count,)."""
    kept = np.ones(count, bool)
    first, second = rows[0 : len(rows) - 1 : 2], rows[1::2]
    kept[np.where(generator.random(len(second)) < 0.5, first, second)] = False
    return kept


def _in_pairs(rows: IntArray, alike: IntArray, *, odd_too: bool) -> IntArray:
    """Order rows so that two of a group follow each other, then one of each odd group, or none."""
    ordered = rows[np.argsort(alike[rows], kind="stable")]
    _, starts, sizes = np.unique(alike[ordered], return_index=True, return_counts=True)
    odd = np.zeros(len(ordered), bool)
    odd[(starts + sizes - 1)[sizes % 2 == 1]] = True
    return np.concatenate([ordered[~odd], ordered[odd]]) if odd_too else ordered[~odd]


def _named(pool: Pool) -> str:
    """Name what rows of a group have in common."""
    named = {"similar lengths": "tenth of the lengths", "similar numbers": "tenth of the numbers"}
    if pool.control in named:
        return named[pool.control]
    return "set of labels" if pool.labelling.kind == "set" else "class"
