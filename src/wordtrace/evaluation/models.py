"""The models that a study trains, and what they say of its queries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labelling
from wordtrace.evaluation.deletion import FloatArray, SeedAndRows
from wordtrace.retrainers.ask import value
from wordtrace.verification.beginning import Begun, begin
from wordtrace.verification.retrainings import Retrainings


class Models:
    """Trains what a study asks for; each model is asked about all its queries.

    Attributes
    ----------
    asked
        The queries.
    trained
        How many trainings were asked for.
    failed
        Why a seed could not be trained, of those that deletion curves asked for.
    begun
        What was found out before the first of them; None before :meth:`begin`.
    """

    def __init__(self, retrainings: Retrainings, asked: Examples) -> None:
        self._retrainings, self.asked = retrainings, asked
        self.trained = 0
        self.failed: dict[int, str] = {}
        self.begun: Begun | None = None

    @property
    def labelling(self) -> Labelling:
        """How the run's labels are spelled."""
        return self._retrainings.on.labelling

    def begin(
        self,
        seeds: Sequence[int],
        rounds: Sequence[Sequence[SeedAndRows]],
        surely: int,
        expects: str = "",
    ) -> Begun:
        """Announce all that the study may train; see :func:`.beginning.begin`."""
        tasks = [[self._retrainings.task(*one) for one in some] for some in rounds]
        self.begun = begin(self._retrainings, seeds, tasks, surely, expects=expects)
        self.trained += self.begun.repeats is not None
        return self.begun

    def outputs(
        self, trainings: Sequence[SeedAndRows], failed: dict[int, str]
    ) -> dict[SeedAndRows, FloatArray]:
        """Return what each training says of every query, NaN where it failed.

        Parameters
        ----------
        failed
            Receives why a seed could not be trained.

        Returns
        -------
        dict
            Of float64 arrays, shape (queries, outputs), as :class:`.Said` has them.
        """
        tasks = {one: self._retrainings.task(*one) for one in trainings}
        self.trained += len(tasks)
        assert self.begun is not None
        results = self._retrainings.run(
            list(tasks.values()), failed, self.begun.plan, begun=self.begun.repeats is not None
        )
        keys = {one: task.key for one, task in tasks.items()}
        shape = (len(self.asked), max(1, len(self.labelling.names)))
        return {
            one: np.asarray(results[key]["probabilities"], np.float64)
            if key in results
            else np.full(shape, np.nan)
            for one, key in keys.items()
        }

    def __call__(self, trainings: Sequence[SeedAndRows]) -> dict[SeedAndRows, FloatArray]:
        """Return what is measured of every query (:func:`.value`), NaN where a training failed."""
        said = self.outputs(trainings, self.failed)
        return {one: self._values(outputs) for one, outputs in said.items()}

    def _values(self, said: FloatArray) -> FloatArray:
        """Return what is measured of each query, shape (queries,)."""
        found = [
            value(self.labelling, said[place : place + 1], label)
            for place, label in enumerate(self.asked.labels)
        ]
        return np.concatenate(found)
