"""TracIn through the word embeddings: TracIn-WE (Eq. 4) and TracIn-WE-Topk (Eq. 5–6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.measures.accumulate import QueryTokens, accumulate, contributions, query_tokens
from wordtrace.measures.protocol import Queries, Scores
from wordtrace.measures.source import PostingSource, Streamed
from wordtrace.run.run import Run


@dataclass(frozen=True)
class TracInWE:
    """+Σ_c η_c Σ_{w ∈ x ∩ x′} ∂ℓ(x)/∂Θ_w · ∂ℓ(x′)/∂Θ_w.

    Attributes
    ----------
    top_k
        Only the positions of largest gradient norm count, in training and query texts; None: all.
    """

    top_k: int | None = None

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return influences from gradients computed as they are needed."""
        asked = self.query_tokens(run, queries)
        return self.score_from(Streamed(run, self.top_k), run, len(queries), asked)

    def query_tokens(self, run: Run, queries: Queries) -> list[QueryTokens]:
        """Return the queries' token gradients at each checkpoint."""
        return [
            query_tokens(run.model(point), queries, self.top_k, f"step {point.step}")
            for point in run.checkpoints
        ]

    def score_from(
        self, source: PostingSource, run: Run, count: int, asked: list[QueryTokens]
    ) -> Scores:
        """Return influences, float32, shape (`count` queries, examples), from index or stream.

        Parameters
        ----------
        asked
            From :meth:`query_tokens`.
        """
        scores = torch.zeros(len(run.train), count)
        for place, eta in enumerate(source.etas):
            for rows, block in source.blocks(place):
                if isinstance(rows, slice):
                    accumulate(scores[rows], block, asked[place], eta)
                else:
                    part = torch.zeros(block.count, count)
                    accumulate(part, block, asked[place], eta)
                    scores[torch.from_numpy(rows)] += part
        result: Scores = scores.T.contiguous().numpy()
        return result

    def words_from(
        self,
        source: PostingSource,
        asked: list[QueryTokens],
        wanted: list[npt.NDArray[np.int64]],
    ) -> list[dict[int, dict[int, float]]]:
        """Split scores into words.

        Parameters
        ----------
        asked
            From :meth:`query_tokens`.
        wanted
            For each query the training rows to explain.

        Returns
        -------
        list
            For each query: row → token → contribution. A pair's contributions sum to its score.
        """
        found: list[dict[int, dict[int, float]]] = [
            {int(row): {} for row in rows} for rows in wanted
        ]
        for place, eta in enumerate(source.etas):
            held = asked[place]
            for rows, block in source.blocks(place):
                here = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
                masks = [torch.from_numpy(np.isin(here, chosen)) for chosen in wanted]
                for query, at, token, value in contributions(block, held, eta, masks):
                    words = found[query][int(here[at])]
                    words[token] = words.get(token, 0.0) + value
        return found
