"""TracIn over the last linear layer, in closed form (Eq. 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from wordtrace.gradients.last_layer import factors
from wordtrace.measures.protocol import About, Queries, Scores
from wordtrace.run.run import Run


@dataclass(frozen=True)
class TracInLast:
    """+Σ_c η_c (a · a′)(δ · δ′), two small matrix products; with the bias (a · a′ + 1)(δ · δ′).

    Attributes
    ----------
    bias
        Count the bias too; without is the default (section 3.2).
    """

    bias: bool = False

    about: ClassVar = About(
        equation="Σ_c η_c (a · a′)(δ · δ′) (Eq. 2)",
        needs="the checkpoints",
        cost="n·c forward passes and two small matrix products",
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return influences, float32, shape (queries, examples)."""
        scores = np.zeros((len(queries), len(run.train)), np.float32)
        for checkpoint in run.checkpoints:
            model = run.model(checkpoint)
            a, delta = factors(model, run.encoded, run.train.labels)
            a_query, delta_query = factors(model, queries.encoded, queries.labels)
            inputs = a_query @ a.T
            if self.bias:
                inputs += 1
            inputs *= delta_query @ delta.T
            inputs *= np.float32(checkpoint.learning_rate)
            scores += inputs
        return scores
