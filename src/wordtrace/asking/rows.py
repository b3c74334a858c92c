"""The examples that scores are of: a run's, or those of its index."""

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
        """Whether they are the index's, which may have been added to, and not the run's."""
        ...

    @property
    def total(self) -> int:
        """How many rows there are, those of removed examples too."""
        ...

    @property
    def removed(self) -> IntArray:
        """int64: the rows of removed examples, rising; they have no influence."""
        ...

    @property
    def count(self) -> int:
        """How many examples there are, removed ones left out."""
        ...

    def take(self, rows: IntArray) -> Examples:
        """Return the examples at some rows, in that order."""
        ...


class IndexRows:
    """What an index holds: the run's examples, and those that were added."""

    indexed = True

    def __init__(self, index: IndexFolder, run: Run) -> None:
        self._index, self._run = index, run
        self.total = index.manifest.examples

    @property
    def removed(self) -> IntArray:
        """The rows that were removed from it."""
        return self._index.removed

    @property
    def count(self) -> int:
        """How many it holds without those."""
        return self._index.count

    def take(self, rows: IntArray) -> Examples:
        """Return examples; no other text is read."""
        return self._index.take(rows, self._run)


class RunRows:
    """A run's training examples.

    Parameters
    ----------
    index
        Where there is one, what was removed from it counts as removed here, too.
    """

    indexed = False

    def __init__(self, run: Run, index: IndexFolder | None = None) -> None:
        self._run, self._index = run, index

    @property
    def total(self) -> int:
        """How many training examples there are."""
        return self._run.manifest.train.rows

    @once
    def removed(self) -> IntArray:
        """The run's rows that were removed from the index."""
        index = self._index
        if index is None or (
            len(index.removed) == 0 and index.manifest.parts[0].count == self.total
        ):
            return np.empty(0, np.int64)
        ids = enumerate(self._run.train.ids)
        return np.array([row for row, id in ids if id not in index.rows], np.int64)

    @property
    def count(self) -> int:
        """How many training examples there are without those."""
        return self.total - len(self.removed)

    def take(self, rows: IntArray) -> Examples:
        """Return training examples."""
        return self._run.train.take(rows)
