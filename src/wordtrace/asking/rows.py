"""The examples that are scored: those of a run, or those of its index."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from wordtrace.data.examples import Examples
from wordtrace.execute.once import once
from wordtrace.index.folder import IndexFolder
from wordtrace.run.run import Run

IntArray = npt.NDArray[np.int64]


class ScoredRows(Protocol):
    """Examples by row."""

    @property
    def indexed(self) -> bool:
        """Whether they are the rows of an index, which may hold added ones, and not of a run."""
        ...

    @property
    def total(self) -> int:
        """The number of rows, including those of removed examples."""
        ...

    @property
    def removed(self) -> IntArray:
        """int64: the rows of removed examples, in rising order; they have no influence."""
        ...

    @property
    def count(self) -> int:
        """The number of examples, without removed ones."""
        ...

    def take(self, rows: IntArray) -> Examples:
        """Return the examples at some rows, in that order."""
        ...


class IndexRows:
    """The rows of an index: the run's examples, and those that were added."""

    indexed = True

    def __init__(self, index: IndexFolder, run: Run) -> None:
        self._index, self._run = index, run
        self.total = index.manifest.examples

    @property
    def removed(self) -> IntArray:
        """int64: the rows that were removed from the index, in rising order."""
        return self._index.removed

    @property
    def count(self) -> int:
        """The number of examples in the index, without removed ones."""
        return self._index.count

    def take(self, rows: IntArray) -> Examples:
        """Return the examples at some rows; no other text is read."""
        return self._index.take(rows, self._run)


class RunRows:
    """A run's training examples.

    Parameters
    ----------
    index
        An index of the run, if there is one: examples that were removed from it count as removed
        here, too.
    """

    indexed = False

    def __init__(self, run: Run, index: IndexFolder | None = None) -> None:
        self._run, self._index = run, index

    @property
    def total(self) -> int:
        """The number of training examples."""
        return self._run.manifest.train.rows

    @once
    def removed(self) -> IntArray:
        """int64: the run's rows that were removed from the index, in rising order."""
        index = self._index
        if index is None or (
            len(index.removed) == 0 and index.manifest.parts[0].count == self.total
        ):
            return np.empty(0, np.int64)
        ids = enumerate(self._run.train.ids)
        return np.array([row for row, id in ids if id not in index.rows], np.int64)

    @property
    def count(self) -> int:
        """The number of training examples, without removed ones."""
        return self.total - len(self.removed)

    def take(self, rows: IntArray) -> Examples:
        """Return the training examples at some rows, in that order."""
        return self._run.train.take(rows)
