"""Scoring token by token: one product of a token's postings with the queries that hold it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wordtrace.gradients import tokens as gradients
from wordtrace.gradients.embedding import embedding_gradients
from wordtrace.index.postings import Block, Postings
from wordtrace.measures.protocol import Queries
from wordtrace.models.protocol import TextModel
from wordtrace.run import predict
from wordtrace.run.fit import to_batch

# Rows converted from float16 at a time: a piece and its float32 copy stay in a core's cache.
_PIECE = 2048


@dataclass(frozen=True)
class QueryTokens:
    """The queries' token gradients at one checkpoint, grouped by token.

    Attributes
    ----------
    tokens
        The distinct tokens, rising.
    offsets
        Token i's entries are from ``offsets[i]`` to ``offsets[i + 1]``.
    query
        int64, shape (entries,): the query of each entry.
    gradient
        float32, shape (entries, dim).
    """

    tokens: list[int]
    offsets: list[int]
    query: Tensor
    gradient: Tensor

    def groups(self) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield (token, queries that hold it, their gradients (n, dim))."""
        for place, token in enumerate(self.tokens):
            start, end = self.offsets[place], self.offsets[place + 1]
            yield token, self.query[start:end], self.gradient[start:end]


def query_tokens(model: TextModel, queries: Queries, top_k: int | None, where: str) -> QueryTokens:
    """Take the queries' token gradients for their labels, top-k as for training texts (Eq. 5)."""
    rows = np.arange(len(queries))
    batch = to_batch(queries.encoded, queries.labels, rows, predict.device_of(model))
    found = embedding_gradients(model, batch)
    norms = gradients.position_norms(found)
    gradients.check_finite(found, norms, rows, queries.texts, where)
    kept = gradients.token_gradients(batch, found, norms, top_k)
    order = torch.argsort(kept.token, stable=True)
    tokens, counts = torch.unique_consecutive(kept.token[order], return_counts=True)
    offsets = [0, *torch.cumsum(counts, 0).tolist()]
    return QueryTokens(
        tokens.tolist(), offsets, kept.example[order].cpu(), kept.gradient[order].cpu()
    )


def accumulate(scores: Tensor, block: Block, queries: QueryTokens, eta: float) -> int:
    """Add η Σ_w g_w · g′_w (Eq. 4 at one checkpoint) to the scores of a block's examples.

    Parameters
    ----------
    scores
        float32, shape (queries, count), changed in place.

    Returns
    -------
    int
        Postings read.
    """
    read = 0
    for token, holders, gradient in queries.groups():
        postings = block.postings(token)
        if len(postings) == 0:
            continue
        read += len(postings)
        products = _products(postings, gradient * eta)
        example = postings.example.to(torch.int64)
        for column, query in enumerate(holders.tolist()):
            scores[query].index_add_(0, example, products[column])
    return read


def contributions(
    block: Block, queries: QueryTokens, eta: float, wanted: list[Tensor]
) -> Iterator[tuple[int, int, int, float]]:
    """Yield (query, example, token, η g_w · g′_w) for the examples wanted of each query.

    Parameters
    ----------
    wanted
        For each query a bool tensor, shape (count,).
    """
    for token, holders, gradient in queries.groups():
        postings = block.postings(token)
        if len(postings) == 0:
            continue
        example = postings.example.to(torch.int64)
        for column, query in enumerate(holders.tolist()):
            place = wanted[query][example].nonzero().flatten()
            if len(place):
                one = Postings(example[place], postings.norm[place], postings.direction[place])
                values = _products(one, gradient[column : column + 1] * eta)[0]
                for at, value in zip(one.example.tolist(), values.tolist(), strict=True):
                    yield query, at, token, value


def _products(postings: Postings, gradient: Tensor) -> Tensor:
    """Return ‖g‖ (g/‖g‖) · g′ in float32, shape (queries, n)."""
    direction, right = postings.direction, gradient.T.contiguous()
    if direction.dtype == torch.float32 or len(postings) <= _PIECE:
        product = direction.float() @ right
    else:
        product = torch.empty(len(postings), right.shape[1])
        piece = torch.empty(_PIECE, right.shape[0])
        for start in range(0, len(postings), _PIECE):
            half = direction[start : start + _PIECE]
            whole = piece[: len(half)].copy_(half)
            torch.mm(whole, right, out=product[start : start + len(half)])
    return product.mul_(postings.norm.unsqueeze(1)).T.contiguous()
