"""A review of training data: what a person decides about its rows, kept and made into a patch."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.act.decisions import ACTIONS, Decision, History, Step
from wordtrace.act.fitting import Fitting
from wordtrace.act.mislabels_result import Mislabels
from wordtrace.act.patch import Field, Patch
from wordtrace.act.reviewed_rows import ReviewedRows
from wordtrace.disk.journal import Journal
from wordtrace.errors import InputError
from wordtrace.run.run import Run

FORMAT, VERSION = "wordtrace-review", 1

#: Where a run keeps it.
PLACE = Path("review") / "decisions.jsonl"


class Review:
    """Decisions about the rows of a run's training data: keep, relabel, remove, edit.

    Each decision is on the disk, in the run's folder ``review/``, before :meth:`decide` returns.
    Several threads, and several processes, may decide at once: each sees what the others decided.
    ``index.review()`` or :meth:`open` opens one.

    Attributes
    ----------
    path
        Its file, JSON lines; lines are only ever added.

    Examples
    --------
    >>> review = index.review()
    >>> review.decide(index.ids[:2], "remove")
    2
    >>> review.decide(index.ids[0], "keep")  # replaces what was decided about this row
    1
    >>> review.counts()
    {'keep': 1, 'relabel': 0, 'remove': 1, 'edit': 0}
    >>> review.patch().write("fix.jsonl")
    """

    def __init__(self, path: Path, rows: ReviewedRows) -> None:
        self.path, self._rows = path, rows
        self._journal = Journal(path, FORMAT, VERSION)
        self._history = History()
        self._lock = RLock()
        self._fitting = Fitting(rows)
        self._version = 0
        self._read()

    @classmethod
    def open(cls, run: Run | str | Path) -> Review:
        """Open the review of a run's training data, or begin one.

        Raises
        ------
        CorruptError
            For a file that can't be read as a review.

        Examples
        --------
        >>> review = wt.Review.open("runs/news")
        >>> review.decide("3", "relabel", label="Sport")
        1
        >>> [(one.id, one.before, one.label) for one in review.decisions()]
        [('3', 'Film', 'Sport')]
        """
        opened = run if isinstance(run, Run) else Run.open(run)
        train = opened.train
        rows = {id: row for row, id in enumerate(train.ids)}
        return cls(
            opened.path / PLACE, ReviewedRows(rows, train.take, opened.labelling, len(train))
        )

    def __len__(self) -> int:
        """Return how many rows are decided."""
        return len(self._history.standing)

    @property
    def torn(self) -> int:
        """How many bytes a kill left of a line that does not count; 0 mostly."""
        return self._journal.torn

    @property
    def version(self) -> int:
        """A number that rises whenever something is decided or undone, by whomever."""
        with self._lock:
            self._read()
            return self._version

    def decide(
        self,
        ids: str | Sequence[str],
        action: str,
        *,
        label: str | None = None,
        text: str | None = None,
        field: Field = "text",
        why: str = "",
        suspects: Mislabels | None = None,
    ) -> int:
        """Decide about one row or many; this is one step, which :meth:`undo` takes back.

        Parameters
        ----------
        ids
            The ids of the rows.
        action
            "keep" says that a row was checked and is right as it is; "relabel" gives it `label`;
            "remove" takes it out; "edit" gives it another `text`; "clear" takes back what was
            decided about it. A row may be relabelled and edited; else the last decision counts.
        field
            What an edit changes: "text", or "text2" of a pair.
        why
            A sentence for whoever reads the patch.
        suspects
            What :meth:`Index.mislabels` found: its evidence about these rows is kept for the patch.

        Returns
        -------
        int
            How many rows it concerns.

        Raises
        ------
        InputError
            For an unknown action, label or id, a label or text that is missing, or no rows.
        """
        asked = [ids] if isinstance(ids, str) else list(dict.fromkeys(ids))
        self._rows.check(asked, action, label, text, field, why)
        with self._lock, self._journal.held():
            self._read()
            if action == "clear":  # also of rows that the data no longer have
                standing = self._history.standing
                rows = {id: standing[id][-1].rows[id] for id in asked if id in standing}
                if not rows:
                    return 0
            else:
                rows = self._rows.held(asked)
            value = label if action == "relabel" else text if action == "edit" else None
            if action == "edit" and text == self._rows.text(asked[0], field):
                value = None
            line = Step(action, rows, _now(), value, field, why, _told(suspects, rows)).line()
            self._journal.append(line)
            self._followed(line)
            self._fitting.trust(self._history.done[-1])
        return len(rows)

    def undo(self) -> list[str]:
        """Take back the last step; returns the ids of the rows that it concerned.

        Raises
        ------
        InputError
            When there is nothing to undo.

        Examples
        --------
        >>> review = index.review()
        >>> review.decide(index.ids[:3], "remove")
        3
        >>> len(review.undo()), len(review)
        (3, 0)
        >>> len(review.redo()), len(review)
        (3, 3)
        """
        return self._turn("undo")

    def redo(self) -> list[str]:
        """Do again what was undone last; returns the ids of the rows that it concerns.

        Raises
        ------
        InputError
            When nothing was undone since the last decision.
        """
        return self._turn("redo")

    @property
    def steps(self) -> tuple[int, int]:
        """How many steps can be undone, and how many done again."""
        with self._lock:
            self._read()
            return len(self._history.done), len(self._history.undone)

    def decision(self, id: str) -> Decision | None:
        """Return what is decided about a row as it is now, or None."""
        with self._lock:
            return None if id in self.misfits() else self._history.decision(id)

    def decisions(self) -> list[Decision]:
        """Return what is decided about each row, in the order of deciding; misfits, too."""
        return self.latest()[::-1]

    def latest(self, top: int | None = None, offset: int = 0) -> list[Decision]:
        """Return the latest decisions first, at most `top` of them, after `offset` others."""
        with self._lock:
            self._read()
            begin = min(offset, sys.maxsize - (top or 0))  # as far as islice counts
            end = None if top is None else begin + top
            return list(islice(self._history.latest(), begin, end))

    def misfits(self) -> dict[str, str]:
        """Return why decisions do not fit the data, by id: the row has gone, or is another now.

        They are kept, and left out of all else.
        """
        with self._lock:
            self._read()
            return self._fitting.misfits(self._history)

    def marks(self) -> npt.NDArray[np.int8]:
        """Return what is decided about each row of the index, int8, shape (rows,).

        0 is nothing; 1 to 4 are keep, relabel, remove and edit, as :data:`.decisions.ACTIONS` has
        them.
        """
        with self._lock:
            self._read()
            return self._fitting.marks(self._history)

    def counts(self) -> dict[str, int]:
        """Return how many of the data's rows are kept, relabelled, removed and edited."""
        found = np.bincount(self.marks(), minlength=1 + len(ACTIONS)).tolist()
        return dict(zip(ACTIONS, found[1:], strict=True))

    def patch(self) -> Patch:
        """Return the changes that were decided, as :func:`apply_patch` and the commands take them.

        A row that is kept is no change, and decisions that do not fit the data (:meth:`misfits`)
        are left out.
        """
        with self._lock:
            misfits = self.misfits()
            found = [one for one in self.decisions() if one.id not in misfits]
        return Patch(tuple(change for one in found for change in self._rows.changes(one)))

    def document(self, top: int | None = None) -> dict[str, Any]:
        """Return the review as JSON: counts, and the latest decisions, at most `top` of them.

        Examples
        --------
        >>> review = index.review()
        >>> review.decide(index.ids[0], "keep")
        1
        >>> review.document()["counts"]["keep"]
        1
        """
        with self._lock:
            misfits, counts = self.misfits(), self.counts()
            latest = self.latest(top)
            undo, redo = self.steps
        return {
            "format": FORMAT,
            "version": VERSION,
            "path": str(self.path),
            "examples": len(self._rows.rows),
            "counts": counts,
            "decided": len(self),
            "changes": sum(counts.values()) - counts["keep"],
            "misfits": len(misfits),
            "undo": undo,
            "redo": redo,
            "decisions": [
                {**one.document(), **({"misfit": misfits[one.id]} if one.id in misfits else {})}
                for one in latest
            ],
        }

    def _turn(self, do: str) -> list[str]:
        with self._lock, self._journal.held():
            self._read()
            steps = self._history.done if do == "undo" else self._history.undone
            if not steps:
                raise InputError(f"there is nothing to {do}.")
            ids = list(steps[-1].rows)
            line = {"at": _now(), "do": do}
            self._journal.append(line)
            self._followed(line)
        return ids

    def _read(self) -> None:
        """Follow what was written since, by other processes."""
        anew, lines = self._journal.news()
        if anew:
            self._fitting.changed(self._history.standing.keys())
            self._history = History()
            self._version += 1
        for line in lines:
            self._followed(line)

    def _followed(self, line: Mapping[str, Any]) -> None:
        self._fitting.changed(self._history.follow(line))
        self._version += 1


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _told(
    suspects: Mislabels | None, rows: Collection[str]
) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the evidence against rows, by id, as far as it was found."""
    found = () if suspects is None else suspects.rows
    return {one.id: suspects.against(one) for one in found if suspects and one.id in rows}
