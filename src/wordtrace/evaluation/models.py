"""The models that a study trains, and what they say of its queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordtrace.data.examples import Examples
from wordtrace.evaluation.deletion import FloatArray, SeedAndRows
from wordtrace.retrainers.ask import value
from wordtrace.verification.beginning import Begun, begin
from wordtrace.verification.retrainings import Retrainings


class Models:
    """Trains what a :class:`.Deletion` asks for: its `solve`.

    Attributes
    ----------
    trained
        How many trainings were asked for.
    failed
        Why a seed could not be trained.
    begun
        What was found out before the first of them; None before :meth:`begin`.
    """

    def __init__(self, retrainings: Retrainings, asked: Examples) -> None:
        self._retrainings, self._asked = retrainings, asked
        self.trained = 0
        self.failed: dict[int, str] = {}
        self.begun: Begun | None = None

    def begin(
        self, seeds: Sequence[int], rounds: Sequence[Sequence[SeedAndRows]], surely: int
    ) -> Begun:
        """Announce all that the study may train; see :func:`.beginning.begin`."""
        tasks = [[self._retrainings.task(*one) for one in some] for some in rounds]
        self.begun = begin(self._retrainings, seeds, tasks, surely)
        self.trained += self.begun.repeats is not None
        return self.begun

    def __call__(self, trainings: Sequence[SeedAndRows]) -> dict[SeedAndRows, FloatArray]:
        """Return what each training says of every query (:func:`.value`), NaN where it failed."""
        tasks = {one: self._retrainings.task(*one) for one in trainings}
        self.trained += len(tasks)
        assert self.begun is not None
        results = self._retrainings.run(
            list(tasks.values()),
            self.failed,
            self.begun.plan,
            begun=self.begun.repeats is not None,
        )
        nothing = np.full(len(self._asked), np.nan)
        return {
            one: self._values(results[task.key]) if task.key in results else nothing
            for one, task in tasks.items()
        }

    def _values(self, result: Mapping[str, Any]) -> FloatArray:
        """Return what is measured of each query, shape (queries,)."""
        said, labelling = np.asarray(result["probabilities"]), self._retrainings.on.labelling
        found = [
            value(labelling, said[place : place + 1], label)
            for place, label in enumerate(self._asked.labels)
        ]
        return np.concatenate(found)
