"""The rows that are removed, and the controls to compare with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.data.labelling import Labelling, Labels
from wordtrace.errors import InputError, option
from wordtrace.retrainers.retrain import Rows
from wordtrace.run.run import Run

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pool:
    """The training rows that controls are drawn from.

    Attributes
    ----------
    labelling, labels
        The rows' labels. No draw leaves a class without a row, if it had any.
    alike
        int64, shape (rows,): equal for rows that are alike.
    control
        The name of a control of rows like those removed.
    sparing
        Whether such a control takes random rows in place of rows that are alike where these are
        fewer than twice those removed. It would be much the same rows else.
    """

    labelling: Labelling
    labels: Labels
    alike: IntArray
    control: str = "same labels"
    sparing: bool = False

    def __len__(self) -> int:
        return len(self.labels)

    def empties(self, removed: Iterable[int]) -> bool:
        """Return whether a class would be left without rows, or nothing at all would be left."""
        rows = list(removed)
        if self.labelling.kind == "class":
            counts = np.bincount(self.labels)
            left = counts - np.bincount(self.labels[rows], minlength=len(counts))
            return bool((left[counts > 0] == 0).any())
        if self.labelling.kind == "number":
            return len(rows) >= len(self)
        counts = (self.labels == 1).sum(0)
        left = counts - (self.labels[rows] == 1).sum(0)
        return len(rows) >= len(self) or bool((left[counts > 0] == 0).any())

    def of_label(self, label: Any) -> IntArray:
        """Return the rows with a label, of sets as far as it is asked about."""
        return np.flatnonzero(self.labelling.agree(self.labels, label))

    def each(self) -> list[IntArray]:
        """Return the rows of each class that has any; of numbers all rows together."""
        if self.labelling.kind == "class":
            return [np.flatnonzero(self.labels == label) for label in np.unique(self.labels)]
        if self.labelling.kind == "number":
            return [np.arange(len(self))]
        found = [np.flatnonzero(column == 1) for column in self.labels.T]
        return [rows for rows in found if len(rows)] or [np.arange(len(self))]

    def refuse_empty(self, removed: Sequence[int]) -> None:
        """Raise InputError where a class would be left without rows, or nothing at all."""
        if self.empties(removed):
            raise self.emptied(len(removed))

    def emptied(self, count: int) -> InputError:
        """Return the error for a removal of too many rows."""
        what = "a label without examples" if len(self.labelling.names) > 1 else "no examples"
        return InputError(
            f"removing {count:,} rows would leave {what}; give a smaller {option('k')}."
        )


@lru_cache(maxsize=2)
def pool_of(run: Run) -> Pool:
    """Return a run's training rows; rows are alike by label, number or length.

    Two rows are alike that have the same label, or the same set of labels; whose numbers lie in the
    same tenth of all numbers; or, of a language model, whose counts of tokens do.
    """
    labelling, labels = run.labelling, run.train.labels
    if run.generates:
        return Pool(labelling, labels, tenths(run.encoded.lengths), "similar lengths", True)
    if labelling.kind == "number":
        return Pool(labelling, labels, tenths(labels[:, 0]), "similar numbers", True)
    return Pool(labelling, labels, labelling.codes(labels), sparing=labelling.kind == "set")


def tenths(values: npt.NDArray[Any]) -> IntArray:
    """Return in which tenth of all values each lies, int64, equal ones in the same."""
    edges = np.quantile(values, np.arange(1, 10) / 10)
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def random_rows(pool: Pool, count: int, seed: int, removed: Rows = ()) -> Rows:
    """Draw `count` training rows; the same for all queries with this (count, seed).

    A draw that would leave a class without rows, as no removal that it is compared with does, is
    made again from all rows but one of each class. If it is just the rows `removed`, one of them is
    exchanged.

    Raises
    ------
    InputError
        When there are not so many rows to spare.
    """
    generator = np.random.default_rng([seed, count, 0])
    drawn = generator.choice(len(pool), count, replace=False)
    if pool.empties(drawn.tolist()):
        kept = [generator.choice(rows) for rows in pool.each()]
        spare = np.setdiff1d(np.arange(len(pool)), kept)
        if count > len(spare):
            raise pool.emptied(count)
        drawn = generator.choice(spare, count, replace=False)
    found = tuple(sorted(drawn.tolist()))
    anything = np.zeros(len(pool), np.int64)
    return _other(pool, anything, removed, generator) if found == removed else found


def alike_rows(pool: Pool, removed: Rows, seed: int) -> Rows:
    """Draw as many rows of each kind as `removed` has.

    Opponents mostly have another label than the query, and proponents the same label. So removing
    any rows of that label shifts the prediction, and this control shows by how much. In the same
    way rows of similar numbers shift a regression, and long answers a language model.
    """
    generator = np.random.default_rng([seed, len(removed), 1])
    of_removed = pool.alike[list(removed)]
    drawn: list[int] = []
    missing = 0
    for kind in np.unique(of_removed):
        rows, count = np.flatnonzero(pool.alike == kind), int((of_removed == kind).sum())
        if pool.sparing and len(rows) < 2 * count:
            missing += count
        else:
            drawn += generator.choice(rows, count, replace=False).tolist()
    if missing:
        others = np.setdiff1d(np.arange(len(pool)), drawn)
        drawn += generator.choice(others, missing, replace=False).tolist()
    found = tuple(sorted(drawn))
    if found == removed:
        found = _other(pool, pool.alike, removed, generator)
    if found == removed or pool.empties(found):
        return random_rows(pool, len(removed), seed, removed)
    return found


def label_rows(pool: Pool, label: Any, count: int, seed: int) -> Rows | None:
    """Draw `count` rows of one label; None if no row of the label would be left.

    A number has no rows of its own label, nor has a language model's answer: for them it is None.
    """
    kind = pool.labelling.kind
    if kind == "number" or (kind == "class" and len(pool.labelling.names) < 2):
        return None
    rows = pool.of_label(label)
    if count >= len(rows):
        return None
    key = [int(label)] if kind == "class" else np.flatnonzero(label == 1).tolist()
    drawn = np.random.default_rng([seed, count, 2, *key]).choice(rows, count, replace=False)
    return tuple(sorted(drawn.tolist()))


def _other(pool: Pool, alike: IntArray, removed: Rows, generator: np.random.Generator) -> Rows:
    """Exchange one of the rows removed for another that is like it, if there is one to spare."""
    kept = np.delete(np.arange(len(pool)), removed)
    for place, row in enumerate(removed):
        others = kept[alike[kept] == alike[row]]
        if len(others):
            rest = (*removed[:place], *removed[place + 1 :])
            found = tuple(sorted((*rest, int(generator.choice(others)))))
            if not pool.empties(found):
                return found
    return removed
