"""Whether decisions fit the rows as they are now, and what then counts for each row."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from wordtrace.act.decisions import ACTIONS, History, Step
from wordtrace.act.reviewed_rows import ReviewedRows

_MARKS: dict[str | None, int] = {None: 0, **{name: at for at, name in enumerate(ACTIONS, 1)}}


class Fitting:
    """The decisions of a review beside the rows, looked up again only where something changed."""

    def __init__(self, rows: ReviewedRows) -> None:
        self._rows = rows
        self._marks = np.zeros(rows.count, np.int8)
        self._touched: set[str] = set()  # their marks are to be made
        self._unsure: set[str] = set()  # whether they fit the data is to be looked up
        self._sure: set[Step] = set()  # what was read from these data, and so fits
        self._misfits: dict[str, str] = {}

    def changed(self, ids: Collection[str]) -> None:
        """Note that something else is decided about some rows."""
        self._touched.update(ids)
        self._unsure.update(ids)

    def trust(self, step: Step) -> None:
        """Note that a step was made from these rows."""
        self._sure.add(step)

    def misfits(self, history: History) -> dict[str, str]:
        """Return why decisions do not fit the rows, by id."""
        if self._unsure:
            for id in self._unsure:
                self._misfits.pop(id, None)
            asked = {id: history.standing[id] for id in self._unsure if id in history.standing}
            self._misfits |= self._rows.misfits(
                {id: steps for id, steps in asked.items() if not self._sure.issuperset(steps)}
            )
            self._unsure.clear()
        return self._misfits

    def marks(self, history: History) -> npt.NDArray[np.int8]:
        """Return what counts for each row, as :meth:`.Review.marks` does."""
        misfits = self.misfits(history)
        for id in self._touched:
            row = self._rows.rows.get(id)
            if row is not None:
                self._marks[row] = _MARKS[None if id in misfits else history.action(id)]
        self._touched.clear()
        return self._marks.copy()
