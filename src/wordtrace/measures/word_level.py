"""Measures that read token gradients, from an index or a stream, and split scores into words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from wordtrace.measures.accumulate import QueryTokens
from wordtrace.measures.protocol import Measure, Queries, Scores
from wordtrace.measures.source import PostingSource
from wordtrace.measures.token_weights import Weights
from wordtrace.run.run import Run

#: (token of the example, token of the query) → contribution; equal for a shared token.
TokenPairs = dict[tuple[int, int], float]


@runtime_checkable
class WordMeasure(Measure, Protocol):
    """A measure over postings: a sum of terms, each of which belongs to one or two tokens."""

    @property
    def top_k(self) -> int | None:
        """How many positions of an example count; an index must hold as many. None for all."""
        ...

    @property
    def query_top_k(self) -> int | None:
        """How many positions of a query count; None for all."""
        ...

    @property
    def weights(self) -> Weights:
        """What each token's term is multiplied by; "" where there are no weights."""
        ...

    def query_tokens(self, run: Run, queries: Queries) -> list[QueryTokens]:
        """Return the queries' token gradients at each checkpoint.

        Whoever asks weighs them: document frequencies may be those of an index.
        """
        ...

    def score_from(
        self, source: PostingSource, run: Run, count: int, asked: Sequence[QueryTokens]
    ) -> Scores:
        """Return influences, float32, shape (`count` queries, examples), from a source.

        Parameters
        ----------
        asked
            From :meth:`query_tokens`, weighted.
        """
        ...

    def words_from(
        self,
        source: PostingSource,
        run: Run,
        asked: Sequence[QueryTokens],
        wanted: Sequence[npt.NDArray[np.int64]],
    ) -> list[dict[int, TokenPairs]]:
        """Split scores into words.

        Parameters
        ----------
        asked
            From :meth:`query_tokens`, weighted.
        wanted
            For each query, the training rows to explain.

        Returns
        -------
        list
            For each query: row → (token, query's token) → contribution. The contributions of a row
            sum to its score.
        """
        ...
