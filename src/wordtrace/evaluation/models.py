"""The models that a study trains, and what they say of its queries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wordtrace.data.examples import Examples
from wordtrace.evaluation.deletion import FloatArray, SeedAndRows
from wordtrace.verification.retrainings import Retrainings


class Models:
    """Trains what a :class:`.Deletion` asks for: its `solve`.

    Attributes
    ----------
    trained
        How many trainings were asked for.
    failed
        Why a seed could not be trained.
    """

    def __init__(self, retrainings: Retrainings, asked: Examples) -> None:
        self._retrainings, self._asked = retrainings, asked
        self.trained = 0
        self.failed: dict[int, str] = {}

    def __call__(self, trainings: Sequence[SeedAndRows]) -> dict[SeedAndRows, FloatArray]:
        """Return each training's p(label) of every query, NaN where it failed."""
        tasks = {one: self._retrainings.task(*one) for one in trainings}
        self.trained += len(tasks)
        results = self._retrainings.run(list(tasks.values()), self.failed)
        queries = np.arange(len(self._asked))
        nothing = np.full(len(queries), np.nan)
        return {
            one: np.asarray(results[task.key]["probabilities"])[queries, self._asked.labels]
            if task.key in results
            else nothing
            for one, task in tasks.items()
        }
