"""Which rows are meant: what a search, a label, ranges of figures and a decision leave."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from wordtrace.errors import InputError, option

#: What a reviewer may have decided of a row; the last two stand for no decision, and for any.
DECISIONS = ("keep", "relabel", "remove", "edit", "none", "any")


def _setting(shown: str) -> Any:
    """Return a field that is None by default, with what commands and the server say of it."""
    return field(default=None, metadata={"help": shown, "description": shown})


@dataclass(frozen=True)
class Filters:
    """Which rows are meant. What is None filters nothing; a row must pass all others.

    A range runs from its first number to before its last, so that ranges side by side share no row.

    Attributes
    ----------
    q
        Words that must all stand in the row's texts, in any case, also inside longer words; a
        "quoted phrase" must stand as it is. Of a conversation, in what its messages say.
    label, predicted
        The label in the data, and the one that the final model predicts. Where texts have several
        labels: one that is among them, 'not NAME', or a whole set as '{A, B}'.
    right
        Whether the final model predicts the label.
    suspicion_from, suspicion_to
        The suspicion that the label is wrong, as ``mislabels`` ranks by "combined".
    loss_from, loss_to
        The loss of the final model.
    decision
        What a reviewer decided: keep, relabel, remove, edit; none, or any.
    """

    q: str | None = _setting("Words that must all stand in the text; a phrase in quotes.")
    label: str | None = _setting("The label in the data.")
    predicted: str | None = _setting("The label that the model predicts.")
    right: bool | None = _setting("Whether the model predicts the label.")
    suspicion_from: float | None = _setting("The lowest suspicion that the label is wrong.")
    suspicion_to: float | None = _setting("Suspicion under this.")
    loss_from: float | None = _setting("The lowest loss of the final model.")
    loss_to: float | None = _setting("Loss under this.")
    decision: str | None = _setting(
        "What the review decided: keep, relabel, remove, edit, none or any."
    )

    def __post_init__(self) -> None:
        if self.decision is not None and self.decision not in DECISIONS:
            raise InputError(
                f"{option('decision')} is {self.decision!r}; give {', '.join(DECISIONS[:-1])} or "
                f"{DECISIONS[-1]}."
            )
        for name in ("suspicion_from", "suspicion_to", "loss_from", "loss_to"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise InputError(f"{option(name)} is {value}; give a number.")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Filters:
        """Return the filters that are given by name (InputError for an unknown one)."""
        known = [one.name for one in fields(cls)]
        for name in given:
            if name not in known:
                near = get_close_matches(name, known, 1)
                meant = f"did you mean {near[0]}?" if near else f"rows have {', '.join(known)}."
                raise InputError(f"rows have no filter {name}; {meant}")
        return cls(**given)

    @property
    def by_suspicion(self) -> bool:
        """Whether the suspicion of each row must be known."""
        return self.suspicion_from is not None or self.suspicion_to is not None

    def said(self) -> dict[str, Any]:
        """Return those that are given, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}
