"""How the means of two kinds of models are compared: as pairs or groups, once or at each look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wordtrace.statistics.draws import Draws, among_draws
from wordtrace.statistics.paired import Estimate, estimate, estimate_between, method
from wordtrace.statistics.resampling import LEVEL


@dataclass(frozen=True)
class Comparison:
    """How two means, of one value a seed each, are compared.

    Attributes
    ----------
    paired
        Whether two values of a seed are a pair; else they are two groups (Welch).
    p
        How often a single look's interval may miss (:func:`.sequential.nominal_p`); None where
        there is but one look.
    """

    paired: bool = True
    p: float | None = None

    def difference(self, after: Sequence[float], before: Sequence[float], bound: float) -> Estimate:
        """Return how far the first mean lies above the second one, with its interval.

        Parameters
        ----------
        after, before
            Two values or more each, one a seed, in the same order of seeds.
        bound
            The largest possible distance of a difference from 0: the interval is cut there.
        """
        if not self.paired:
            return estimate_between(after, before, bound, self.p or 1 - LEVEL)
        differences = np.subtract(np.asarray(after, np.float64), np.asarray(before, np.float64))
        return estimate(differences.tolist(), bound, p=self.p)

    def draws(
        self,
        rows: Sequence[float],
        draws: Sequence[float],
        base: Sequence[float],
        difference: Estimate,
        bound: float,
    ) -> Draws:
        """Return what single draws did beside some rows (:func:`.among_draws`).

        Parameters
        ----------
        rows, draws, base
            One value a seed, of models without the rows, without a draw, and of all rows.
        difference, bound
            As :meth:`difference` returned it, and as it was given.
        """
        started = np.asarray(base, np.float64) if self.paired else np.zeros(len(base))
        own, drawn = np.asarray(rows, np.float64) - started, np.asarray(draws) - started
        return among_draws(own.tolist(), drawn.tolist(), difference, bound, self.p or 1 - LEVEL)

    def method(self, count: int) -> str:
        """Name the interval over `count` seeds."""
        if self.p is None:
            return method(count, paired=self.paired)
        kind = "t" if self.paired else "Welch"
        return f"{100 * LEVEL:.0f} % repeated {kind} interval over up to {count} seeds"
