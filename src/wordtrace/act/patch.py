"""A patch: changes to training data that can be read, edited, reversed, merged and applied."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from wordtrace.disk import atomic
from wordtrace.disk.json_text import parse_json
from wordtrace.disk.lines import read_lines
from wordtrace.errors import DataError, InputError

Action = Literal["relabel", "remove", "edit"]
Field = Literal["label", "text", "text2"]

ACTIONS = ("relabel", "remove", "edit")


@dataclass(frozen=True)
class PatchChange:
    """One row's change.

    Attributes
    ----------
    id
        The row's id.
    action
        "relabel" (another label), "edit" (another text), or "remove" (the row).
    before, after
        The label, or the text, before and after the change; for a removal, `before` is the label
        and `after` is None.
    field
        What an edit changes: "text" or "text2".
    fingerprint
        The fingerprint of the row's texts when the change was proposed; None checks nothing.
    rows
        How many rows the data have that the change is for; None where it does not say. It tells a
        row's number from the same number in data from which rows were removed.
    reason
        A sentence for the reviewer.
    evidence
        The figures behind the change, as JSON.
    """

    id: str
    action: Action
    before: str
    after: str | None
    field: Field = "label"
    fingerprint: str | None = None
    reason: str = ""
    evidence: dict[str, Any] = dataclasses.field(default_factory=dict)
    rows: int | None = None

    def document(self) -> dict[str, Any]:
        """Return the change as JSON."""
        found: dict[str, Any] = {"id": self.id, "action": self.action}
        if self.action == "edit":
            found["field"] = self.field
        found |= {"before": self.before, "after": self.after, "reason": self.reason}
        found |= {"evidence": self.evidence, "fingerprint": self.fingerprint}
        return found if self.rows is None else {**found, "rows": self.rows}


@dataclass(frozen=True)
class Patch:
    """Changes in a fixed order, at most one for each field of a row.

    Examples
    --------
    >>> patch = index.mislabels(top=5).patch("remove")
    >>> len(patch), {change.action for change in patch}
    (5, {'remove'})
    """

    changes: tuple[PatchChange, ...]

    def __len__(self) -> int:
        return len(self.changes)

    def __iter__(self) -> Iterator[PatchChange]:
        return iter(self.changes)

    def only(self, *actions: Action) -> Patch:
        """Return the changes of some actions alone.

        Examples
        --------
        >>> patch = index.mislabels(top=5).patch("remove")
        >>> len(patch.only("remove")), len(patch.only("relabel", "edit"))
        (5, 0)
        """
        return Patch(tuple(one for one in self if one.action in actions))

    def reversed(self) -> Patch:
        """Return the patch that undoes this one.

        Raises
        ------
        InputError
            When it removes rows, since a patch does not hold their content.

        Examples
        --------
        >>> patch = index.mislabels(top=5).patch("relabel")
        >>> patch.reversed().changes[0].after == patch.changes[0].before
        True
        """
        removed = [one.id for one in self if one.action == "remove"]
        if removed:
            raise InputError(
                f"the patch removes {len(removed):,} rows ({removed[0]!r} first) and can't be "
                "reversed: a patch does not hold what it removes; go back to the data before."
            )
        marks = _marks_after(self)
        return Patch(tuple(_taken_back(one, marks) for one in self))

    def merged(self, *others: Patch) -> Patch:
        """Return one patch with the changes of all patches; equal changes appear once.

        Raises
        ------
        InputError
            When two patches change a row in different ways; the message names the row.

        Examples
        --------
        >>> first, second = (index.mislabels(top=top).patch("remove") for top in (5, 2))
        >>> len(first.merged(second))
        5
        """
        rows: dict[str, dict[str, PatchChange]] = {}  # by id, then by field
        changes: list[PatchChange] = []
        for one in (change for patch in (self, *others) for change in patch):
            row = rows.setdefault(one.id, {})
            known = row.get(one.field)
            if known is None and row:
                first = next(iter(row.values()))
                if "remove" in (one.action, first.action):
                    known = first
            if known is None:
                row[one.field] = one
                changes.append(one)
            elif (known.action, known.after) != (one.action, one.after):
                raise InputError(
                    f"the patches change the row {one.id!r} in two ways ({_shown(known)}; "
                    f"{_shown(one)}); take one of the two lines out."
                )
        return Patch(tuple(changes))

    def write(self, path: str | Path) -> None:
        """Write the patch as JSON lines, one change on each line.

        Examples
        --------
        >>> patch = index.mislabels(top=5).patch("remove")
        >>> patch.write("fix.jsonl")
        >>> wt.read_patch("fix.jsonl") == patch
        True
        """
        lines = (json.dumps(one.document(), ensure_ascii=False, allow_nan=False) for one in self)
        atomic.write_text(Path(path), "".join(f"{line}\n" for line in lines))


def read_patch(path: str | Path) -> Patch:
    """Read a patch; lines may have been taken out or edited by a reviewer.

    Raises
    ------
    DataError
        For a line that is not a change; the message says which line, and what is wrong.

    Examples
    --------
    >>> index.mislabels(top=5).patch("remove").write("fix.jsonl")
    >>> len(wt.read_patch("fix.jsonl"))
    5
    """
    source = Path(path)
    try:
        lines = read_lines(source)
    except FileNotFoundError:
        raise DataError(f"{source} does not exist; give a patch.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{source} can't be read as UTF-8 text ({error}).") from None
    return patch_of(lines, source.name)


def patch_of(lines: Iterable[str], name: str) -> Patch:
    """Return the patch that lines hold; `name` is what they are called in messages (DataError)."""
    changes = [
        _change(line, f"{name}, line {number}")
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    return Patch(()).merged(Patch(tuple(changes)))


def fingerprint(text: str, text2: str | None = None) -> str:
    """Return a hash of a row's texts, by which a later change of the row is noticed."""
    digest = hashlib.blake2b(digest_size=8)
    for one in (text, text2):
        if one is not None:
            data = one.encode("utf-8")
            digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def _marks_after(patch: Patch) -> dict[str, str | None]:
    """Return, by id, the fingerprint that each edited row has once `patch` is applied.

    It is None where it can't be known: a patch holds only those texts of a row that it edits.
    """
    edits: dict[str, dict[str, PatchChange]] = {}
    for one in patch:
        if one.action == "edit":
            edits.setdefault(one.id, {})[one.field] = one
    marks: dict[str, str | None] = {}
    for id, fields in edits.items():
        texts = [fields[name] for name in ("text", "text2") if name in fields]
        # The fingerprint of the texts before shows that these are all texts of the row.
        whole = "text" in fields and texts[0].fingerprint == fingerprint(
            *(one.before for one in texts)
        )
        marks[id] = fingerprint(*(one.after or "" for one in texts)) if whole else None
    return marks


def _taken_back(change: PatchChange, marks: dict[str, str | None]) -> PatchChange:
    """Return the change that undoes one; `marks` comes from :func:`_marks_after`."""
    # Every change of an edited row, not the edit alone, meets the row's new texts.
    mark = marks.get(change.id, change.fingerprint)
    return replace(
        change,
        before=cast("str", change.after),
        after=change.before,
        fingerprint=None if change.fingerprint is None else mark,
        reason=f"reversed: {change.reason}".rstrip(": "),
    )


def _change(line: str, where: str) -> PatchChange:
    try:
        row = parse_json(line)
    except ValueError as error:
        raise DataError(f"{where}: broken JSON ({error}).") from None
    if not isinstance(row, dict) or not {"id", "action", "before"} <= row.keys():
        raise DataError(
            f"{where}: not a change; each line is an object with id, action, before, after."
        )
    if row["action"] not in ACTIONS:
        raise DataError(f"{where}: the action is {row['action']!r}; known: {', '.join(ACTIONS)}.")
    action: Action = row["action"]
    place = row.get("field", "text") if action == "edit" else "label"
    if place not in (("text", "text2") if action == "edit" else ("label",)):
        raise DataError(f"{where}: the field is {place!r}; an edit changes text or text2.")
    after = row.get("after")
    texts: Sequence[Any] = [row["id"], row["before"], *([] if action == "remove" else [after])]
    if not all(isinstance(one, str) and one for one in texts):
        raise DataError(f"{where}: id, before and after must be texts that are not empty.")
    mark = row.get("fingerprint")
    if mark is not None and not isinstance(mark, str):
        raise DataError(f"{where}: the fingerprint is no text; leave it as it was, or null.")
    rows = row.get("rows")
    if rows is not None and (isinstance(rows, bool) or not isinstance(rows, int) or rows < 1):
        raise DataError(f"{where}: rows is {rows!r}; it is the number of rows of the data.")
    evidence = row.get("evidence")
    return PatchChange(
        id=row["id"],
        action=action,
        before=row["before"],
        after=None if action == "remove" else after,
        field=cast("Field", place),
        fingerprint=mark,
        reason=str(row.get("reason") or ""),
        evidence=evidence if isinstance(evidence, dict) else {},
        rows=rows,
    )


def _shown(change: PatchChange) -> str:
    if change.action == "relabel":
        return f"relabel to {change.after!r}"
    return "remove" if change.action == "remove" else f"edit its {change.field}"
