"""What a study finds at each look and at its end: query by query, and of all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wordtrace.statistics.comparison import Comparison
from wordtrace.verification.figures import query_figures, together_figures
from wordtrace.verification.looks import show
from wordtrace.verification.rounds import Rounds
from wordtrace.verification.target import Target


@dataclass(frozen=True)
class Findings:
    """The figures of a study's queries.

    Attributes
    ----------
    rounds
        With one set of changes for each query; or, if `together`, with one for all.
    names
        Whether each query names the rows that were removed.
    one_change
        Whether several queries have one and the same change, so that it has figures of all of them.
    together
        Whether these decide when the study has its answer.
    """

    targets: Sequence[Target]
    rounds: Rounds
    compare: Comparison
    names: bool
    one_change: bool
    together: bool

    def answer(self, place: int, count: int) -> str | None:
        """Return what the first `count` seeds show: the look after a round of trainings."""
        found = self._whole(count) if self.together else self._query(place, count)
        show(place, count, found)
        return self.rounds.design.answer(found)

    def queries(self) -> list[dict[str, Any]]:
        """Return what was found of each query, with its seeds and what ended it, as JSON."""
        found = []
        for place in range(len(self.targets)):
            at = self._decided_at(place)
            count = self.rounds.looks[at][-1]
            one = self._query(place, count)
            ended = self._judged(one) if self.together else self.rounds.stopped(at)
            found.append(one | {"seeds": list(self.rounds.seeds[:count]), **ended})
        return found

    def whole(self) -> dict[str, Any]:
        """Return the entry of what was found of all queries, as JSON; none of several changes."""
        if not self.one_change:
            return {}
        found = self._whole(self.rounds.most)
        ended = self.rounds.stopped(0) if self.together else self._judged(found)
        return {"together": found | ended}

    def _decided_at(self, place: int) -> int:
        """Return at which place of the rounds a query has its models."""
        return 0 if self.together else place

    def _judged(self, found: dict[str, Any]) -> dict[str, Any]:
        return {"answer": self.rounds.design.answer(found)}

    def _query(self, place: int, count: int) -> dict[str, Any]:
        run, target = self.rounds.retrainings.on, self.targets[place]
        said = self.rounds.said(self._decided_at(place), count)
        found = query_figures(run, target, place, said, self.compare)
        if self.names:
            found["removed"] = [run.train.ids[row] for row in target.rows]
        return found

    def _whole(self, count: int) -> dict[str, Any]:
        run = self.rounds.retrainings.on
        return together_figures(run, self.targets, self.rounds.said(0, count), self.compare)
