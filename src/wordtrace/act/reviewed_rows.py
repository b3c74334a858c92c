"""The rows that a review is about: what they hold, and what can be decided about them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from wordtrace.act.decisions import DEEDS, Decision, Standing
from wordtrace.act.patch import Action as PatchAction
from wordtrace.act.patch import Field, PatchChange, fingerprint
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labelling
from wordtrace.errors import InputError, option

Take = Callable[[npt.NDArray[np.int64]], Examples]


class ReviewedRows:
    """Rows of training data, by their ids.

    Attributes
    ----------
    rows
        The row's number by id.
    labelling
        The kind of the labels.
    count
        The number of rows, with those that were removed.
    """

    def __init__(
        self, rows: Mapping[str, int], take: Take, labelling: Labelling, count: int
    ) -> None:
        self.rows, self.labelling, self.count = rows, labelling, count
        self._take = take

    def held(self, ids: Collection[str]) -> dict[str, tuple[str, str]]:
        """Return label and fingerprint of rows as the data have them, by id."""
        found = self._take(np.array([self.rows[id] for id in ids], np.int64))
        labels = self.labelling.spell_all(found.labels)
        seconds: Iterable[str | None] = found.texts2 or (None for _ in ids)
        marks = map(fingerprint, found.texts, seconds)
        return dict(zip(ids, zip(labels, marks, strict=True), strict=True))

    def text(self, id: str, field: Field) -> str | None:
        """Return a row's text; None where there is no second one."""
        found = self._take(np.array([self.rows[id]], np.int64))
        texts = found.texts if field == "text" else found.texts2
        return None if texts is None else texts[0]

    def misfits(self, decided: Mapping[str, Standing]) -> dict[str, str]:
        """Return why decisions do not fit the data, by id, for those that do not."""
        held = self.held([id for id in decided if id in self.rows])
        found = dict.fromkeys(decided.keys() - held.keys(), "is no longer in the data")
        for id, (label, mark) in held.items():
            if any(step.rows[id][1] != mark for step in decided[id]):
                found[id] = "has another text than when it was decided"
            elif decided[id][-1].rows[id][0] != label:
                found[id] = f"has the label {label!r} now"
        return found

    def check(
        self,
        ids: Sequence[str],
        action: str,
        label: str | None,
        text: str | None,
        field: Field,
        why: str,
    ) -> None:
        """Refuse what can't be decided (InputError)."""
        if action not in DEEDS:
            raise InputError(
                f"{option('action')} is {action!r}; it must be one of {', '.join(DEEDS)}."
            )
        if not ids:
            raise InputError("there is no row to decide about; give at least one.")
        if action != "clear":
            unknown = next((id for id in ids if id not in self.rows), None)
            if unknown is not None:
                raise InputError(f"the training data have no row with the id {unknown!r}.")
        if action == "relabel":
            if self.labelling.kind != "class" or len(self.labelling.names) < 2:
                raise InputError("only a row that has one label of several can be relabelled.")
            if label is None:
                raise InputError(f"give the {option('label')} that the row should have.")
            self.labelling.parse(label)
        if action == "edit":
            if len(ids) > 1:
                raise InputError("an edit gives one row another text; give one row.")
            if text is None or not text.strip():
                raise InputError(f"give the {option('text')} that the row should have.")
            if self.text(ids[0], field) is None:
                raise InputError(f"the row {ids[0]!r} has no second text.")
        for told in (text, why):
            if told and any("\ud800" <= letter <= "\udfff" for letter in told):
                raise InputError("the text holds half a character (a lone surrogate); mend it.")

    def changes(self, decision: Decision) -> list[PatchChange]:
        """Return one decision as changes of a patch."""
        found: list[tuple[PatchAction, Field, str, str | None]] = []
        if decision.action == "remove":
            found.append(("remove", "label", decision.before, None))
        if decision.label is not None:
            found.append(("relabel", "label", decision.before, decision.label))
        for name, after in (("text", decision.text), ("text2", decision.text2)):
            if after is not None:
                field: Field = "text" if name == "text" else "text2"
                found.append(("edit", field, self.text(decision.id, field) or "", after))
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
