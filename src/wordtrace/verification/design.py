"""The design of a study: how many seeds, and when it may stop before the last one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from wordtrace.errors import InputError, option
from wordtrace.statistics.sequential import FIRST_LOOK, nominal_p

#: The seeds of a study where nobody says another number, and the most of a sequential one.
SEEDS, MOST_SEEDS = 5, 12


@dataclass(frozen=True)
class Design:
    """How many seeds are trained, and when a study may stop.

    Attributes
    ----------
    seeds
        How many; in a sequential study the most.
    sequential
        Whether to look after each seed, from the third on, and to stop when there is an answer.
    smallest
        The smallest effect that matters; None where any does.
    """

    seeds: int = SEEDS
    sequential: bool = False
    smallest: float | None = None

    @classmethod
    def of(cls, repeats: int | None, sequential: bool, smallest: float | None) -> Self:
        """Return the design that the settings of these names ask for (InputError)."""
        least = FIRST_LOOK if sequential else 2
        seeds = (MOST_SEEDS if sequential else SEEDS) if repeats is None else repeats
        if seeds < least:
            why = (
                f"a sequential study looks first after {least} seeds."
                if sequential
                else "at least 2 are needed to tell an effect from chance."
            )
            raise InputError(f"{option('repeats')} is {repeats}; {why}")
        if smallest is not None and not 0 < smallest < math.inf:
            raise InputError(f"{option('smallest')} is {smallest:g}; it must be over 0.")
        return cls(seeds, sequential, smallest)

    @property
    def first(self) -> int:
        """The number of seeds at the first look."""
        return FIRST_LOOK if self.sequential else self.seeds

    @property
    def p(self) -> float | None:
        """The nominal p of a look; None where there is one look only."""
        return nominal_p(self.seeds) if self.sequential else None

    def answer(self, query: Mapping[str, Any]) -> str | None:
        """Return what the intervals of a query's differences from its controls show already.

        Parameters
        ----------
        query
            Of a :class:`.Verification`'s document.

        Returns
        -------
        str or None
            "smaller" when none reaches the smallest effect that matters; else "effect" when every
            interval excludes zero, on whichever side, and does so for single draws as well; None
            while neither is so.
        """
        controls = query["controls"]
        if not controls:
            return None
        # A training that repeats closely tells even small effects from zero; they stay small.
        ends = [abs(control["difference"][end]) for control in controls for end in ("low", "high")]
        if self.smallest is not None and max(ends) < self.smallest:
            return "smaller"
        shown = all(one["excludes_zero"] and one["draws"]["beyond"] for one in controls)
        return "effect" if shown else None

    def document(self) -> dict[str, Any]:
        """Return the design as JSON."""
        return {
            "kind": "sequential" if self.sequential else "fixed",
            "seeds": self.seeds,
            "smallest": self.smallest,
            "nominal_p": self.p,
        }
