"""Random scores: what a ranking without information gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from wordtrace.measures.protocol import About, Queries, Scores
from wordtrace.run.run import Run


@dataclass(frozen=True)
class Random:
    """Independent standard normal scores.

    Attributes
    ----------
    seed
        The same seed gives the same scores.
    """

    seed: int = 0

    about: ClassVar = About(
        equation="standard normal values",
        needs="nothing",
        cost="none",
        reads_texts=False,
        passes=False,
        reads_model=False,
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return random scores, float32, shape (queries, examples)."""
        shape = (len(queries), len(run.train))
        return np.random.default_rng(self.seed).standard_normal(shape, dtype=np.float32)
