"""TracIn through the word embeddings: TracIn-WE (Eq. 4), with top-k (Eq. 5–6), by token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wordtrace.errors import CorruptError
from wordtrace.execute.threads import in_threads
from wordtrace.index.postings import Block
from wordtrace.measures.accumulate import QueryTokens, accumulate, contributions, query_tokens
from wordtrace.measures.protocol import About, Queries, Scores
from wordtrace.measures.source import PostingSource, Streamed
from wordtrace.measures.token_filters import TokenFilter
from wordtrace.measures.token_weights import Weights, weights_of_run
from wordtrace.measures.word_level import TokenPairs
from wordtrace.run.run import Run

#: As many positions of a query as of a training text.
SAME = 0


@dataclass(frozen=True)
class TracInWE:
    """+Σ_c η_c Σ_{w ∈ x ∩ x′} weight(w) ∂ℓ(x)/∂Θ_w · ∂ℓ(x′)/∂Θ_w.

    Attributes
    ----------
    top_k
        Only this many positions of each training text count, those of largest gradient norm; None
        for all positions.
    tokens
        Only these tokens count; None for all tokens.
    query_top_k
        The same for queries. By default it is `top_k`, and the attribute then says so.
    weights
        What each token's product is multiplied by; "" for 1.
    """

    top_k: int | None = None
    tokens: TokenFilter | None = None
    query_top_k: int | None = SAME
    weights: Weights = ""

    def __post_init__(self) -> None:
        if self.query_top_k == SAME:
            object.__setattr__(self, "query_top_k", self.top_k)

    @property
    def about(self) -> About:
        """What a user should know about it."""
        held = "all positions" if self.top_k is None else "as many positions"
        equation = "Σ_c η_c Σ_w ∂ℓ/∂Θ_w · ∂ℓ′/∂Θ_w over shared tokens (Eq. 4)"
        if self.top_k is not None:
            equation = "the same over each text's k positions of largest gradient (Eq. 5–6)"
        if self.query_top_k != self.top_k:
            equation = "the same over an example's k positions and all of the query's"
        if self.tokens is not None:
            equation = f"the same over {self.tokens.which}"
        if self.weights:
            equation += ", each product times the token's " + (
                "idf²" if self.weights == "idf" else "weight"
            )
        return About(
            equation,
            needs=f"an index of {held}, else the checkpoints",
            cost="index: the postings of the query's tokens; run: n·c backward passes",
            by_word=True,
            reads_texts=False,
        )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return influences, float32, shape (queries, examples), from gradients computed now."""
        asked = self.query_tokens(run, queries)
        weights = weights_of_run(self.weights, run)
        if weights is not None:
            asked = [one.weighted(weights) for one in asked]
        return self.score_from(Streamed(run, self.top_k), run, len(queries), asked)

    def query_tokens(self, run: Run, queries: Queries) -> list[QueryTokens]:
        """Return the queries' token gradients at each checkpoint, not weighted yet."""
        found = [query_tokens(run, point, queries, self.query_top_k) for point in run.checkpoints]
        if self.tokens is None:
            return found
        kept = self.tokens.keeps(run).astype(np.float32)
        return [one.weighted(kept) for one in found]

    def score_from(
        self, source: PostingSource, run: Run, count: int, asked: Sequence[QueryTokens]
    ) -> Scores:
        """Return influences, float32, shape (`count` queries, examples), from a source."""
        scores = np.zeros((count, source.examples), np.float32)
        # The blocks of the same examples, one for each checkpoint, go to one thread, so that no two
        # threads write to the same cell.
        same: dict[int, list[tuple[int, Block]]] = {}
        for place, eta in enumerate(source.etas):
            for rows, block in source.blocks(place):
                if isinstance(rows, slice):
                    same.setdefault(rows.start, []).append((place, block))
                else:
                    part = np.zeros((count, block.count), np.float32)
                    accumulate(part, block, asked[place], eta)
                    scores[:, rows] += part

        def add(first: int) -> None:
            for place, block in same[first]:
                try:
                    accumulate(scores, block, asked[place], source.etas[place], first)
                except (IndexError, RuntimeError) as error:
                    raise CorruptError(
                        f"a shard of the index, from row {first} on at checkpoint {place}, is "
                        f"damaged ({error}); `wordtrace check` names the file."
                    ) from None

        in_threads(add, list(same))
        return scores

    def words_from(
        self,
        source: PostingSource,
        run: Run,
        asked: Sequence[QueryTokens],
        wanted: Sequence[npt.NDArray[np.int64]],
    ) -> list[dict[int, TokenPairs]]:
        """Split the scores of the rows wanted for each query by shared token."""
        found: list[dict[int, TokenPairs]] = [{int(row): {} for row in rows} for rows in wanted]
        sorted_rows = [np.sort(rows) for rows in wanted]
        for place, eta in enumerate(source.etas):
            held = asked[place]
            for rows, block in source.blocks(place):
                if isinstance(rows, slice):
                    here = [_within(one, rows) for one in sorted_rows]
                else:
                    here = [np.flatnonzero(np.isin(rows, one)) for one in wanted]
                if not any(len(one) for one in here):
                    continue
                try:
                    terms = list(contributions(block, held, eta, here))
                except IndexError as error:
                    raise CorruptError(
                        f"postings at checkpoint {place} are damaged ({error}); "
                        "`wordtrace check` names the file."
                    ) from None
                for query, at, token, value in terms:
                    row = rows.start + at if isinstance(rows, slice) else int(rows[at])
                    words = found[query][row]
                    words[token, token] = words.get((token, token), 0.0) + value
        return found


def _within(rows: npt.NDArray[np.int64], span: slice) -> npt.NDArray[np.int64]:
    """Return the rows (given in rising order) that lie in a span, counted from its start."""
    first, last = np.searchsorted(rows, (span.start, span.stop))
    here: npt.NDArray[np.int64] = rows[first:last] - span.start
    return here
