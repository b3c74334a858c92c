"""TracIn over the last linear layer, in closed form (Eq. 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from wordtrace.gradients.last_layer import FloatArray, factors
from wordtrace.measures.protocol import About, Queries, Scores
from wordtrace.run.run import Run

Factors = tuple[FloatArray, FloatArray]

# The number of scores in a block: a quarter of a megabyte.
_CELLS = 1 << 16


@dataclass(frozen=True)
class TracInLast:
    """+Σ_c η_c (a · a′)(δ · δ′): two small matrix products; with the bias, (a · a′ + 1)(δ · δ′).

    Attributes
    ----------
    bias
        Count the bias too; by default it is left out (section 3.2).
    """

    bias: bool = False

    about: ClassVar = About(
        equation="Σ_c η_c (a · a′)(δ · δ′) (Eq. 2)",
        needs="the checkpoints",
        cost="n·c forward passes and two small matrix products",
        reads_texts=False,
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return influences, float32, shape (queries, examples)."""
        scores = np.zeros((len(queries), len(run.train)), np.float32)
        for checkpoint, eta in zip(run.checkpoints, run.etas, strict=True):
            model = run.model(checkpoint)
            held = factors(model, run.encoded, run.train.labels)
            asked = factors(model, queries.encoded, queries.labels)
            add_products(scores, asked, held, eta, bias=self.bias)
        return scores


def add_products(scores: Scores, asked: Factors, held: Factors, eta: float, *, bias: bool) -> None:
    """Add η (a · a′ [+ 1])(δ · δ′) to scores, shape (queries, examples), in place.

    This goes block by block, so that the two products and their own product stay in a core's cache.
    """
    a_query, delta_query = asked[0], asked[1] * np.float32(eta)
    size = max(256, _CELLS // max(1, len(a_query)))
    for start in range(0, len(held[0]), size):
        a, delta = held[0][start : start + size], held[1][start : start + size]
        inputs = a_query @ a.T
        if bias:
            inputs += 1
        inputs *= delta_query @ delta.T
        scores[:, start : start + size] += inputs
