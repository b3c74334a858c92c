"""A review of training data: what a person decides about its rows, kept and made into a patch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.act.decisions import ACTIONS, DEEDS, Decision, History, Step
from wordtrace.act.mislabels_result import Mislabels
from wordtrace.act.patch import Action as PatchAction
from wordtrace.act.patch import Field, Patch, PatchChange, fingerprint
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labelling
from wordtrace.disk.journal import Journal
from wordtrace.errors import InputError, option
from wordtrace.run.run import Run

FORMAT, VERSION = "wordtrace-review", 1

#: Where a run keeps it.
PLACE = Path("review") / "decisions.jsonl"

Take = Callable[[npt.NDArray[np.int64]], Examples]


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

    def __init__(
        self, path: Path, rows: Mapping[str, int], take: Take, labelling: Labelling
    ) -> None:
        self.path = path
        self._rows, self._take, self._labelling = rows, take, labelling
        self._journal = Journal(path, FORMAT, VERSION)
        self._history = History()
        self._lock = RLock()
        self._marks = np.zeros(1 + max(rows.values(), default=-1), np.int8)
        self._touched: set[str] = set()  # their marks are to be made
        self._unsure: set[str] = set()  # whether they fit the data is to be looked up
        self._misfits: dict[str, str] = {}
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
        [('3', 'Business', 'Sport')]
        """
        opened = run if isinstance(run, Run) else Run.open(run)
        train = opened.train
        rows = {id: row for row, id in enumerate(train.ids)}
        return cls(opened.path / PLACE, rows, train.take, opened.labelling)

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
        rows = [ids] if isinstance(ids, str) else list(dict.fromkeys(ids))
        found = {} if suspects is None else {one.id: one for one in suspects.rows}
        told = {id: suspects.against(found[id]) for id in rows if suspects and id in found}
        return self.decided(rows, action, label, text, field, why, told)

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
        with self._lock:
            self._read()
            return self._history.decisions()

    def misfits(self) -> dict[str, str]:
        """Return why decisions do not fit the data, by id: the row has gone, or is another now.

        They are kept, and left out of all else.
        """
        with self._lock:
            self._read()
            if self._unsure:
                self._misfits = {
                    id: why for id, why in self._misfits.items() if id not in self._unsure
                } | self._looked_up([id for id in self._unsure if id in self._history.standing])
                self._unsure.clear()
            return self._misfits

    def marks(self) -> npt.NDArray[np.int8]:
        """Return what is decided about each row of the index, int8, shape (rows,).

        0 is nothing; 1 to 4 are keep, relabel, remove and edit, as :data:`.decisions.ACTIONS` has
        them.
        """
        with self._lock:
            misfits = self.misfits()
            for id in self._touched:
                row = self._rows.get(id)
                if row is not None:
                    action = None if id in misfits else self._history.action(id)
                    self._marks[row] = 0 if action is None else 1 + ACTIONS.index(action)
            self._touched.clear()
            return self._marks.copy()

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
            found = [one for one in self._history.decisions() if one.id not in misfits]
        return Patch(tuple(change for one in found for change in self._changes(one)))

    def decided(
        self,
        ids: Sequence[str],
        action: str,
        label: str | None,
        text: str | None,
        field: Field,
        why: str,
        told: Mapping[str, tuple[str, Mapping[str, Any]]],
    ) -> int:
        """Do what :meth:`decide` does; `told` is the evidence by id, a sentence and figures."""
        self._check(ids, action, label, text, field, why)
        with self._lock, self._journal.held():
            self._read()
            if action == "clear":
                ids = [id for id in ids if id in self._history.standing]
                if not ids:
                    return 0
            if action == "clear":  # also of rows that the data no longer have
                rows = {id: self._history.standing[id][-1].rows[id] for id in ids}
            else:
                rows = self._held(ids)
            value = label if action == "relabel" else text if action == "edit" else None
            if action == "edit" and text == self._text(ids[0], field):
                value = None
            at = datetime.now(UTC).isoformat(timespec="seconds")
            step = Step(action, rows, at, value, field, why, told)
            self._journal.append(step.line())
            self._followed(step.line())
            # They were read from the data just now.
            self._unsure.difference_update(rows)
            for id in rows:
                self._misfits.pop(id, None)
        return len(ids)

    def _turn(self, do: str) -> list[str]:
        with self._lock, self._journal.held():
            self._read()
            steps = self._history.done if do == "undo" else self._history.undone
            if not steps:
                raise InputError(f"there is nothing to {do}.")
            ids = list(steps[-1].rows)
            line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "do": do}
            self._journal.append(line)
            self._followed(line)
        return ids

    def _read(self) -> None:
        """Follow what was written since, by other processes."""
        anew, lines = self._journal.news()
        if anew:
            self._touched.update(self._history.standing)
            self._unsure.update(self._history.standing)
            self._history = History()
            self._version += 1
        for line in lines:
            self._followed(line)

    def _followed(self, line: Mapping[str, Any]) -> None:
        ids = self._history.follow(line)
        self._touched.update(ids)
        self._unsure.update(ids)
        self._version += 1

    def _looked_up(self, ids: Sequence[str]) -> dict[str, str]:
        """Return why decisions do not fit the data, for those that do not."""
        there = [id for id in ids if id in self._rows]
        held = self._held(there)
        found = dict.fromkeys(set(ids) - held.keys(), "is no longer in the data")
        for id, (label, mark) in held.items():
            standing = self._history.standing[id]
            if any(step.rows[id][1] != mark for step in standing):
                found[id] = "has another text than when it was decided"
            elif standing[-1].rows[id][0] != label:
                found[id] = f"has the label {label!r} now"
        return found

    def _held(self, ids: Collection[str]) -> dict[str, tuple[str, str]]:
        """Return label and fingerprint of rows as the data have them, by id."""
        found = self._take(np.array([self._rows[id] for id in ids], np.int64))
        labels = self._labelling.spell_all(found.labels)
        seconds: Iterable[str | None] = found.texts2 or (None for _ in ids)
        marks = map(fingerprint, found.texts, seconds)
        return dict(zip(ids, zip(labels, marks, strict=True), strict=True))

    def _text(self, id: str, field: Field) -> str | None:
        found = self._take(np.array([self._rows[id]], np.int64))
        texts = found.texts if field == "text" else found.texts2
        return None if texts is None else texts[0]

    def _check(
        self,
        ids: Sequence[str],
        action: str,
        label: str | None,
        text: str | None,
        field: Field,
        why: str,
    ) -> None:
        if action not in DEEDS:
            raise InputError(
                f"{option('action')} is {action!r}; it must be one of {', '.join(DEEDS)}."
            )
        if not ids:
            raise InputError("there is no row to decide about; give at least one.")
        if action != "clear":
            unknown = next((id for id in ids if id not in self._rows), None)
            if unknown is not None:
                raise InputError(f"the training data have no row with the id {unknown!r}.")
        if action == "relabel":
            if self._labelling.kind != "class" or len(self._labelling.names) < 2:
                raise InputError("only a row that has one label of several can be relabelled.")
            if label is None:
                raise InputError(f"give the {option('label')} that the row should have.")
            self._labelling.parse(label)
        if action == "edit":
            if len(ids) > 1:
                raise InputError("an edit gives one row another text; give one row.")
            if text is None or not text.strip():
                raise InputError(f"give the {option('text')} that the row should have.")
            if self._text(ids[0], field) is None:
                raise InputError(f"the row {ids[0]!r} has no second text.")
        for told in (text, why):
            if told and any("\ud800" <= letter <= "\udfff" for letter in told):
                raise InputError("the text holds half a character (a lone surrogate); mend it.")

    def _changes(self, decision: Decision) -> list[PatchChange]:
        """Return one decision as changes of a patch."""
        found: list[tuple[PatchAction, Field, str, str | None]] = []
        if decision.action == "remove":
            found.append(("remove", "label", decision.before, None))
        if decision.label is not None:
            found.append(("relabel", "label", decision.before, decision.label))
        for name, after in (("text", decision.text), ("text2", decision.text2)):
            if after is not None:
                field: Field = "text" if name == "text" else "text2"
                found.append(("edit", field, self._text(decision.id, field) or "", after))
        reason = "; ".join(filter(None, (decision.why, decision.reason))) or "decided in a review"
        return [
            PatchChange(
                *(decision.id, action, before, after, field),
                fingerprint=decision.fingerprint,
                reason=reason,
                evidence=dict(decision.evidence),
            )
            for action, field, before, after in found
        ]
