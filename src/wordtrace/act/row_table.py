"""An index's rows: those that pass filters, in the order of a column, a page at a time."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from wordtrace.act.distribution import Distribution, Distributions
from wordtrace.act.filters import DECISIONS, Filters
from wordtrace.act.row_columns import Marks, Mask, RowColumns
from wordtrace.act.row_search import RowSearch
from wordtrace.act.rows_result import Row, Rows
from wordtrace.errors import InputError, option
from wordtrace.execute.once import once
from wordtrace.index.folder import IndexFolder
from wordtrace.models.chat_tokenizer import ChatTokenizer
from wordtrace.run.run import Run

RowNumbers = npt.NDArray[np.int64]


class RowTable:
    """All rows of an index. Texts stay on disk; several threads may ask it.

    Attributes
    ----------
    columns
        What is known about each row.
    """

    def __init__(self, index: IndexFolder, run: Run) -> None:
        self.columns = RowColumns(index, run)
        self._index, self._run = index, run
        # A page, its distributions and an action on all its rows ask for the same rows.
        self._passing = lru_cache(maxsize=16)(self._pass)
        self._found = lru_cache(maxsize=16)(self._find)
        self._distributions = Distributions(self.columns)

    @property
    def total(self) -> int:
        """The number of rows, without removed ones."""
        return self._index.count

    @once
    def _search(self) -> RowSearch:
        return RowSearch(self._index, self._run)

    def select(self, filters: Filters, marks: Marks = None) -> RowNumbers:
        """Return the rows that pass filters, int64, in rising order.

        Parameters
        ----------
        marks
            What a reviewer decided about each row.

        Raises
        ------
        InputError
            For a filter that these rows have not, or a label that there is not.
        """
        return np.flatnonzero(self.mask(filters, marks))

    def mask(self, filters: Filters, marks: Marks = None) -> Mask:
        """Return the same as bool, shape (all rows,), not to be written to."""
        found = self._passing(replace(filters, decision=None))
        if filters.decision is None:
            return found
        marks = self._whole(marks)
        if marks is None:
            raise InputError(f"{option('decision')}: no review of these rows is open.")
        if filters.decision in ("none", "any"):
            fitting: Mask = (marks == 0) == (filters.decision == "none")
        else:
            fitting = marks == 1 + DECISIONS.index(filters.decision)
        both: Mask = found & fitting
        return both

    def distribution(
        self, column: str, filters: Filters, marks: Marks = None
    ) -> Distribution | None:
        """Return how all rows, and those that pass filters, spread over a column.

        Returns
        -------
        distribution
            None where these rows have no such column: a language model's have no label.

        Raises
        ------
        InputError
            As :meth:`select`, and for an unknown column.
        """
        return self._distributions.of(column, self.mask(filters, marks), self._whole(marks))

    def read(
        self,
        rows: RowNumbers,
        *,
        cut: int | None = None,
        suspicion: bool = True,
    ) -> list[Row]:
        """Return what is known about some rows, with their texts; no other text is read.

        Parameters
        ----------
        cut
            Give only so many characters of each text.
        suspicion
            Whether to give the suspicion, too.

        Raises
        ------
        InputError
            For a row that there is not, or that was removed.
        """
        live = self.columns.live
        for row in rows.tolist():
            if not 0 <= row < len(live) or not live[row]:
                raise InputError(f"{self._index.path} has no row {row}.")
        columns, examples = self.columns, self._index.take(rows, self._run)
        suspected = columns.suspicion if suspicion and columns.suspected else None
        found = []
        for place, row in enumerate(rows.tolist()):
            label = predicted = None
            if columns.labelled:
                label = columns.label.names[columns.label.codes[row]]
                predicted = columns.predicted.names[columns.predicted.codes[row]]
            texts2 = examples.texts2
            one = Row(
                row=row,
                id=examples.ids[place],
                text=examples.texts[place],
                text2=None if texts2 is None else texts2[place],
                label=label,
                predicted=predicted,
                right=None if columns.right is None else bool(columns.right[row]),
                suspicion=None if suspected is None else float(suspected[row]),
                loss=float(columns.loss[row]),
                self_influence=float(columns.self_influence[row]),
            )
            found.append(_cut(self._as_read(one), cut))
        return found

    def rows(
        self,
        filters: Filters,
        *,
        sort: str = "row",
        descending: bool = False,
        offset: int = 0,
        limit: int = 20,
        cut: int | None = None,
        suspicion: bool = False,
        marks: Marks = None,
    ) -> Rows:
        """Return rows as a result.

        Parameters
        ----------
        sort, descending, offset, limit
            As of :meth:`.Index.rows`.
        cut, suspicion, marks
            As of :meth:`read` and :meth:`select`. Rows that are sorted or filtered by their
            suspicion show it anyway.

        Raises
        ------
        InputError
            As :meth:`select`, and for an unknown column, or a negative offset or limit.
        """
        for name, value in (("offset", offset), ("limit", limit)):
            if value < 0:
                raise InputError(f"{option(name)} is {value}; give 0 or more.")
        chosen = self.mask(filters, marks)
        order = self.columns.order(sort, descending)
        rows = order[chosen[order]].astype(np.int64)
        asked = suspicion or filters.by_suspicion or sort == "suspicion"
        return Rows(
            str(self._index.path),
            filters.said(),
            sort,
            descending,
            self.total,
            len(rows),
            offset,
            tuple(self.read(rows[offset : offset + limit], cut=cut, suspicion=asked)),
        )

    def _as_read(self, row: Row) -> Row:
        """Return a row with its conversation as the model reads it."""
        if not isinstance(self._run.tokenizer, ChatTokenizer):
            return row
        dialogue = self._run.tokenizer.dialogue(row.text)
        return replace(row, text=dialogue.text, turns=dialogue.turns)

    def _whole(self, marks: Marks) -> Marks:
        """Return marks of all rows: a review does not know of removed rows at the end."""
        return None if marks is None else np.pad(marks, (0, self.columns.count - len(marks)))

    def _find(self, q: str) -> Mask:
        return self._search.find(q)

    def _pass(self, filters: Filters) -> Mask:
        columns = self.columns
        found = columns.live.copy()
        for name in ("label", "predicted"):
            wanted = getattr(filters, name)
            if wanted is not None:
                found &= columns.matching(name, wanted)
        if filters.right is not None:
            if columns.right is None:
                raise InputError(
                    f"{option('right')} is for labels that are classes; this run has none."
                )
            found &= columns.right == filters.right
        for name in ("suspicion", "loss"):
            first, end = getattr(filters, f"{name}_from"), getattr(filters, f"{name}_to")
            if first is not None:
                found &= getattr(columns, name) >= first
            if end is not None:
                found &= getattr(columns, name) < end
        if filters.q is not None and filters.q.strip():
            found &= self._found(filters.q)
        found.flags.writeable = False
        return found


def _cut(row: Row, length: int | None) -> Row:
    """Return a row with only the beginnings of its texts."""
    if length is None or max(len(row.text), len(row.text2 or "")) <= length:
        return row
    turns = row.turns and tuple(
        replace(one, end=min(one.end, length)) for one in row.turns if one.start < length
    )
    text2 = row.text2 and row.text2[:length]
    return replace(row, text=row.text[:length], text2=text2, turns=turns, cut=True)
