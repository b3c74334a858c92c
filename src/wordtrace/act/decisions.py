"""Decisions about rows of training data, as steps that can be undone."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from wordtrace.act.patch import Field
from wordtrace.errors import CorruptError

Action = Literal["keep", "relabel", "remove", "edit"]

#: What can be decided about a row; a row's mark is its action's place here, from 1.
ACTIONS: tuple[Action, ...] = ("keep", "relabel", "remove", "edit")

#: What a step can do: decide, or take decisions back.
DEEDS = (*ACTIONS, "clear")


@dataclass(frozen=True)
class Decision:
    """What was decided about a row.

    Attributes
    ----------
    id
        The row's id.
    action
        "keep" (checked: right as it is), "relabel", "remove" or "edit" (of a text), whichever came
        last; a row that was relabelled and edited has both a `label` and a `text`.
    before
        Its label when it was decided.
    label, text, text2
        What they are changed to; None where they are not.
    fingerprint
        The fingerprint of its texts when it was decided (:func:`.patch.fingerprint`).
    at
        When it was decided, in UTC, as ISO 8601 writes it.
    why
        What the reviewer wrote.
    reason, evidence
        What spoke against the row when it was decided, for the patch.
    """

    id: str
    action: Action
    before: str
    fingerprint: str
    at: str
    label: str | None = None
    text: str | None = None
    text2: str | None = None
    why: str = ""
    reason: str = ""
    evidence: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return it as JSON, without what is not changed."""
        found: dict[str, Any] = {"id": self.id, "action": self.action, "before": self.before}
        for name in ("label", "text", "text2", "why"):
            if getattr(self, name):
                found[name] = getattr(self, name)
        return {**found, "at": self.at}


@dataclass(frozen=True, eq=False)
class Step:
    """One line of the journal: the same done to one row or to many.

    Attributes
    ----------
    rows
        By id: the row's label and the fingerprint of its texts.
    value
        The label of a "relabel"; the text of an "edit", None for the text that the row has.
    field
        What an "edit" changes: "text" or "text2".
    evidence
        By id, for some of the rows: reason and evidence, see :class:`Decision`.
    """

    action: str
    rows: dict[str, tuple[str, str]]
    at: str
    value: str | None = None
    field: Field = "text"
    why: str = ""
    evidence: Mapping[str, tuple[str, Mapping[str, Any]]] = dataclasses.field(default_factory=dict)

    def line(self) -> dict[str, Any]:
        """Return it as a line of the journal."""
        found: dict[str, Any] = {"at": self.at, "do": self.action}
        if self.value is not None:
            found["value"] = self.value
        if self.action == "edit":
            found["field"] = self.field
        if self.why:
            found["why"] = self.why
        if self.evidence:
            found["evidence"] = self.evidence
        return {**found, "rows": self.rows}

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Step:
        """Read what :meth:`line` writes."""
        try:
            step = cls(
                line["do"],
                line["rows"],
                line["at"],
                line.get("value"),
                line.get("field", "text"),
                line.get("why", ""),
                line.get("evidence", {}),
            )
        except KeyError as error:
            raise CorruptError(f"a line of the review has no {error}; take it out.") from None
        if step.action not in DEEDS:
            raise CorruptError(f"the review holds {step.action!r}, which is unknown here.")
        return step


#: What stands about a row: the steps that made it so, the last one last.
Standing = tuple[Step, ...]


class History:
    """Steps that were done, and those that were undone.

    Attributes
    ----------
    standing
        By id: the steps that stand about each row that is decided, in the order of deciding.
    done, undone
        The steps, the last one last.
    """

    def __init__(self) -> None:
        self.standing: dict[str, Standing] = {}
        self.done: list[Step] = []
        self.undone: list[Step] = []
        self._before: list[dict[str, Standing]] = []  # for each step: what stood before

    def follow(self, line: Mapping[str, Any]) -> Collection[str]:
        """Do what a line of the journal says; returns the ids that it concerns."""
        match line.get("do"):
            case "undo":
                return self._undo()
            case "redo":
                if not self.undone:
                    return ()
                return self._do(self.undone.pop())
        self.undone.clear()
        return self._do(Step.of(line))

    def decision(self, id: str) -> Decision | None:
        """Return what is decided about a row."""
        standing = self.standing.get(id)
        return None if standing is None else _decision(id, standing)

    def latest(self) -> Iterator[Decision]:
        """Yield what is decided about each row, the latest first; of a step, its last row first."""
        for step in reversed(self.done):
            for id in reversed(step.rows):
                standing = self.standing.get(id)
                if standing is not None and standing[-1] is step:
                    yield _decision(id, standing)

    def action(self, id: str) -> Action | None:
        """Return what is decided about a row, by its name alone."""
        standing = self.standing.get(id)
        if standing is None:
            return None
        if len(standing) == 1 and standing[0].action != "edit":  # nearly all, where rows are many
            (step,) = standing
            as_it_is = step.action == "relabel" and step.value == step.rows[id][0]
            return "keep" if as_it_is else cast("Action", step.action)
        return _action(id, standing)

    def _do(self, step: Step) -> Collection[str]:
        before = {id: self.standing[id] for id in step.rows if id in self.standing}
        if step.action == "clear":
            for id in before:
                del self.standing[id]
        else:
            self.standing.update(dict.fromkeys(step.rows, (step,)))
            if step.action in ("relabel", "edit"):
                for id, earlier in before.items():
                    self.standing[id] = _joined(earlier, step)
        self.done.append(step)
        self._before.append(before)
        return step.rows.keys()

    def _undo(self) -> Collection[str]:
        if not self.done:
            return ()
        step, before = self.done.pop(), self._before.pop()
        for id in step.rows:
            self.standing.pop(id, None)
        self.standing.update(before)
        self.undone.append(step)
        return step.rows.keys()


def _joined(earlier: Standing, step: Step) -> Standing:
    """Return what stands after a relabelling or an edit: what it does not replace stays."""
    kept = tuple(
        one
        for one in earlier
        if one.action in ("relabel", "edit")
        and (one.action, one.field) != (step.action, step.field)
    )
    return (*kept, step)


def _changes(id: str, standing: Standing) -> dict[str, str]:
    """Return what is changed to what: label, text, text2."""
    found: dict[str, str] = {}
    for step in standing:
        if step.value is None:
            continue
        if step.action == "edit":
            found[step.field] = step.value
        elif step.action == "relabel" and step.value != step.rows[id][0]:
            found["label"] = step.value
    return found


def _action(id: str, standing: Standing) -> Action:
    last = cast("Action", standing[-1].action)
    if last in ("keep", "remove"):
        return last
    changes = _changes(id, standing)
    # Who gives a row the label or the text that it has says that it is right as it is.
    if not changes:
        return "keep"
    if last == "relabel" and "label" not in changes:
        return "edit"
    return "relabel" if last == "edit" and changes.keys() == {"label"} else last


def _decision(id: str, standing: Standing) -> Decision:
    last = standing[-1]
    before, mark = last.rows[id]
    changes = _changes(id, standing)
    told = next((one.evidence[id] for one in reversed(standing) if id in one.evidence), ("", {}))
    return Decision(
        id,
        _action(id, standing),
        before,
        mark,
        last.at,
        changes.get("label"),
        changes.get("text"),
        changes.get("text2"),
        why=last.why,
        reason=told[0],
        evidence=told[1],
    )
