"""TracIn-WE-Syn: tokens match similar tokens, not only themselves (appendix H)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from wordtrace.index.postings import Block
from wordtrace.measures.accumulate import QueryTokens
from wordtrace.measures.protocol import About, Queries, Scores
from wordtrace.measures.source import PostingSource, Streamed
from wordtrace.measures.token_weights import Weights
from wordtrace.measures.tracin_we import TracInWE
from wordtrace.measures.word_level import TokenPairs
from wordtrace.run.run import Run

_TOKENS = 1024  # rows of the cosine matrix at a time


@dataclass(frozen=True)
class Pairs:
    """Terms of the sum, each for a token of an example matched with another token of a query.

    Attributes
    ----------
    query, example, token, query_token
        int64, shape (n,); `example` counts within the block.
    value
        float32, shape (n,): ∂ℓ(x)/∂Θ_w · ∂ℓ(x′)/∂Θ_w′.
    """

    query: npt.NDArray[np.int64]
    example: npt.NDArray[np.int64]
    token: npt.NDArray[np.int64]
    query_token: npt.NDArray[np.int64]
    value: npt.NDArray[np.float32]

    def take(self, places: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Pairs:
        """Return some of the terms."""
        return Pairs(
            self.query[places],
            self.example[places],
            self.token[places],
            self.query_token[places],
            self.value[places],
        )


@dataclass(frozen=True)
class TracInWESyn:
    """+Σ_c η_c Σ over matched tokens (w, w′) of ∂ℓ(x)/∂Θ_w · ∂ℓ(x′)/∂Θ_w′.

    At each checkpoint the tokens of the two texts' top-k positions are matched one to one. A token
    that both texts hold matches itself. Two other tokens may match if the cosine of their
    embeddings is above `cosine`; among all such matchings, the one with the largest
    Σ|∂ℓ(x)/∂Θ_w · ∂ℓ(x′)/∂Θ_w′| is taken.

    Attributes
    ----------
    cosine
        The least cosine. If it is above 1, only equal tokens match, which is TracIn-WE-Topk.
    """

    top_k: int | None = 10
    cosine: float = 0.7

    #: Of a pair of different tokens there is no one token that would have a weight.
    weights: ClassVar[Weights] = ""

    about: ClassVar = About(
        equation="Σ_c η_c Σ_(w, w′) matched one to one ∂ℓ/∂Θ_w · ∂ℓ′/∂Θ_w′ (appendix H)",
        needs="an index of as many positions, else the checkpoints",
        cost="as tracin-we-topk, and the postings of each query token's synonyms",
        by_word=True,
        reads_texts=False,
    )

    @property
    def query_top_k(self) -> int | None:
        """As many positions of a query count as of an example."""
        return self.top_k

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return influences, float32, shape (queries, examples), from gradients computed now."""
        asked = self.query_tokens(run, queries)
        return self.score_from(Streamed(run, self.top_k), run, len(queries), asked)

    def query_tokens(self, run: Run, queries: Queries) -> list[QueryTokens]:
        """Return the queries' token gradients at each checkpoint."""
        return TracInWE(self.top_k).query_tokens(run, queries)

    def score_from(
        self, source: PostingSource, run: Run, count: int, asked: Sequence[QueryTokens]
    ) -> Scores:
        """Return influences, float32, shape (`count` queries, examples), from a source."""
        scores = TracInWE(self.top_k).score_from(source, run, count, asked)
        for place, rows, pairs in self._matched(source, run, asked):
            np.add.at(scores, (pairs.query, rows[pairs.example]), source.etas[place] * pairs.value)
        return scores

    def words_from(
        self,
        source: PostingSource,
        run: Run,
        asked: Sequence[QueryTokens],
        wanted: Sequence[npt.NDArray[np.int64]],
    ) -> list[dict[int, TokenPairs]]:
        """Split the scores of the rows wanted for each query by matched pair of tokens."""
        found = TracInWE(self.top_k).words_from(source, run, asked, wanted)
        for place, rows, pairs in self._matched(source, run, asked):
            rows_of = rows[pairs.example]
            for at in range(len(pairs.value)):
                words = found[int(pairs.query[at])].get(int(rows_of[at]))
                if words is not None:
                    key = int(pairs.token[at]), int(pairs.query_token[at])
                    value = source.etas[place] * float(pairs.value[at])
                    words[key] = words.get(key, 0.0) + value
        return found

    def _matched(
        self, source: PostingSource, run: Run, asked: Sequence[QueryTokens]
    ) -> Iterator[tuple[int, npt.NDArray[np.int64], Pairs]]:
        """Yield (checkpoint, training rows of the block, matched pairs of unequal tokens)."""
        for place, point in enumerate(run.checkpoints):
            like = None
            for rows, block in source.blocks(place):
                if like is None:  # a source may have nothing at this checkpoint
                    (table,) = run.model(point).embedding.parameters()
                    like = synonyms(table.detach().cpu(), asked[place].tokens, self.cosine)
                    if not any(len(tokens) for tokens in like):
                        break
                here = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
                yield place, here, match(candidates(block, asked[place], like))


def synonyms(
    table: torch.Tensor, tokens: Sequence[int], cosine: float
) -> list[npt.NDArray[np.int64]]:
    """Return for each token the other tokens whose embedding has a cosine above `cosine` with it.

    Parameters
    ----------
    table
        float32, shape (vocabulary, dim).
    """
    if cosine > 1:
        return [np.empty(0, np.int64) for _ in tokens]
    directions = F.normalize(table.float(), dim=1)
    found = []
    for start in range(0, len(tokens), _TOKENS):
        chunk = torch.as_tensor(tokens[start : start + _TOKENS], dtype=torch.int64)
        near = directions[chunk] @ directions.T > cosine
        near[torch.arange(len(chunk)), chunk] = False
        found += [row.nonzero().flatten().numpy() for row in near]
    return found


def candidates(block: Block, queries: QueryTokens, like: Sequence[npt.NDArray[np.int64]]) -> Pairs:
    """Return all pairs of unequal tokens that may match; tokens in both texts are left out."""
    vocabulary = len(block.token_offsets) - 1
    counts = np.diff(block.token_offsets.numpy())
    example = block.example.numpy().astype(np.int64)
    # The pairs (example, token) and (query, token) that exist.
    there = np.sort(example * vocabulary + np.repeat(np.arange(vocabulary), counts))
    asked = {
        (int(query), token) for token, holders, _ in queries.groups() for query in holders.tolist()
    }
    parts: list[Pairs] = []
    for (query_token, holders, gradient), others in zip(queries.groups(), like, strict=True):
        for token in others.tolist():
            postings = block.postings(token)
            free = [at for at, query in enumerate(holders.tolist()) if (query, token) not in asked]
            if len(postings) == 0 or not free:
                continue
            rows = postings.example.numpy().astype(np.int64)
            place = np.searchsorted(there, rows * vocabulary + query_token)
            held = there[np.minimum(place, len(there) - 1)] == rows * vocabulary + query_token
            keep = torch.from_numpy(np.flatnonzero(~held))
            values = (postings.direction[keep].float() @ gradient[free].T).mul_(
                postings.norm[keep].unsqueeze(1)
            )
            count = len(keep)
            parts.append(
                Pairs(
                    np.tile(holders[free].numpy(), count),
                    np.repeat(rows[~held], len(free)),
                    np.full(count * len(free), token),
                    np.full(count * len(free), query_token),
                    values.numpy().flatten(),
                )
            )
    if not parts:
        empty = np.empty(0, np.int64)
        return Pairs(empty, empty, empty, empty, np.empty(0, np.float32))
    return Pairs(
        np.concatenate([part.query for part in parts]),
        np.concatenate([part.example for part in parts]),
        np.concatenate([part.token for part in parts]),
        np.concatenate([part.query_token for part in parts]),
        np.concatenate([part.value for part in parts]),
    )


def match(pairs: Pairs) -> Pairs:
    """Keep, for each query and example, the one-to-one matching of largest Σ|value|.

    A pair matches at once if its two tokens stand in no other pair. The assignment is solved
    (scipy.optimize.linear_sum_assignment) only where tokens compete.
    """
    from scipy.optimize import linear_sum_assignment

    if len(pairs.value) == 0:
        return pairs
    _, text = np.unique(np.stack([pairs.query, pairs.example]), axis=1, return_inverse=True)
    contested = _repeated(text, pairs.token) | _repeated(text, pairs.query_token)
    crowded = np.isin(text, text[contested])
    kept = np.flatnonzero(~crowded)
    order = np.flatnonzero(crowded)[np.argsort(text[crowded], kind="stable")]
    ends = np.flatnonzero(np.diff(text[order])) + 1
    chosen = [kept]
    for group in np.split(order, ends) if len(order) else []:
        tokens, row = np.unique(pairs.token[group], return_inverse=True)
        others, column = np.unique(pairs.query_token[group], return_inverse=True)
        gain = np.zeros((len(tokens), len(others)))
        at = np.full(gain.shape, -1)
        gain[row, column] = np.abs(pairs.value[group])
        at[row, column] = group
        picked = at[linear_sum_assignment(gain, maximize=True)]
        chosen.append(picked[picked >= 0])
    return pairs.take(np.sort(np.concatenate(chosen)))


def _repeated(text: npt.NDArray[np.int64], token: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    key = text * (int(token.max()) + 1) + token
    _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    result: npt.NDArray[np.bool_] = counts[inverse] > 1
    return result
