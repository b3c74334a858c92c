"""A query of a verification, and what of the training data is changed for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wordtrace.errors import InputError, option
from wordtrace.models.tokenizer import Span
from wordtrace.retrainers.retrain import Rows
from wordtrace.run.run import Run
from wordtrace.verification.changed_rows import Changed, Relabelled, refuse_empty
from wordtrace.verification.removal import pool_of


@dataclass(frozen=True, eq=False)
class Target:
    """A query, and the training rows to remove or to relabel for it.

    Attributes
    ----------
    label
        What is measured: a label as :class:`.Labelling` has it.
    predicted, probability
        The label that the recorded run predicts, and its probability of `label`; None of a number.
    rows
        The training rows to remove, strongest first.
    shown
        A conversation as people read it, where `text` is its document; else None.
    span
        The part of an answer that was traced; the whole answer is measured.
    measure
        What ranked the rows, where the targets of a study differ in that.
    relabelled
        The rows that get another label.
    """

    text: str
    text2: str | None
    label: Any
    predicted: str
    probability: float | None
    rows: Rows
    shown: str | None = None
    span: Span | None = None
    measure: str | None = None
    relabelled: Relabelled = ()

    @property
    def changed(self) -> Changed:
        """What is changed for it."""
        return Changed(tuple(sorted(self.rows)), self.relabelled)


def check(run: Run, targets: Sequence[Target]) -> None:
    """Refuse targets for which nothing, or too much, would be changed (InputError)."""
    if not targets:
        raise InputError("there is nothing to verify: the trace has no queries.")
    for target in targets:
        if not len(target.changed):
            raise InputError(
                f"there is nothing to remove for {(target.shown or target.text)[:40]!r}: no "
                f"training example of that sign; try the other {option('remove')}."
            )
        refuse_empty(pool_of(run), target.changed)
