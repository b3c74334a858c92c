"""Scoring token by token: one product of a token's postings with the queries that hold it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wordtrace.data.batches import by_length
from wordtrace.gradients import tokens as gradients
from wordtrace.gradients.embedding import embedding_gradients
from wordtrace.index.postings import Block, Postings
from wordtrace.measures.protocol import Queries
from wordtrace.models.protocol import TextModel
from wordtrace.run import predict
from wordtrace.run.fit import to_batch

# Rows converted from float16 at a time: a piece and its float32 copy stay in a core's cache.
_PIECE = 2048

# Measured nanoseconds: a product taken alone; a posting read for a matrix product; one of that
# product's cells; a call. They decide which way is taken, never a result.
_ENTRY, _ROW, _CELL, _CALL = 50.0, 33.0, 3.3, 15_000.0


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

    def only(self, kept: npt.NDArray[np.bool_]) -> QueryTokens:
        """Return those of the tokens for which `kept`, shape (vocabulary,), is True."""
        places = [place for place, token in enumerate(self.tokens) if kept[token]]
        spans = [range(self.offsets[place], self.offsets[place + 1]) for place in places]
        entries = torch.tensor([entry for span in spans for entry in span], dtype=torch.int64)
        offsets = [0, *np.cumsum([len(span) for span in spans]).tolist()]
        return QueryTokens(
            [self.tokens[place] for place in places],
            offsets,
            self.query[entries],
            self.gradient[entries],
        )

    def groups(self) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield (token, queries that hold it, their gradients (n, dim))."""
        for place, token in enumerate(self.tokens):
            start, end = self.offsets[place], self.offsets[place + 1]
            yield token, self.query[start:end], self.gradient[start:end]


def query_tokens(model: TextModel, queries: Queries, top_k: int | None, where: str) -> QueryTokens:
    """Take the queries' token gradients for their labels, top-k as for training texts (Eq. 5)."""
    parts = []
    for rows in by_length(queries.encoded.lengths, 1024, predict.TOKENS_A_BATCH):
        batch = to_batch(queries.encoded, queries.labels, rows, predict.device_of(model))
        found = embedding_gradients(model, batch)
        norms = gradients.position_norms(found)
        gradients.check_finite(found, norms, rows, queries.texts, where)
        kept = gradients.token_gradients(batch, found, norms, top_k)
        parts.append((torch.from_numpy(rows)[kept.example.cpu()], kept))
    return group_by_token(
        torch.cat([rows for rows, _ in parts]),
        torch.cat([kept.token.cpu() for _, kept in parts]),
        torch.cat([kept.gradient.cpu() for _, kept in parts]),
    )


def group_by_token(query: Tensor, token: Tensor, gradient: Tensor) -> QueryTokens:
    """Order token gradients by token, the queries of each in the order given."""
    order = torch.argsort(token, stable=True)
    tokens, counts = torch.unique_consecutive(token[order], return_counts=True)
    offsets = [0, *torch.cumsum(counts, 0).tolist()]
    return QueryTokens(tokens.tolist(), offsets, query[order], gradient[order])


def accumulate(scores: Tensor, block: Block, queries: QueryTokens, eta: float) -> int:
    """Add η Σ_w g_w · g′_w (Eq. 4 at one checkpoint) to the scores of a block's examples.

    A token that many of the queries hold is one matrix product of its postings with the gradients
    of all queries (0 where a query does not hold it). All other tokens are taken together, a
    product for each (posting, query) in pieces: a product of its own for each rare token would
    cost more in calls than in arithmetic.

    Parameters
    ----------
    scores
        float32, shape (count, queries), changed in place.

    Returns
    -------
    int
        Postings read.
    """
    tokens = np.asarray(queries.tokens, dtype=np.int64)
    offsets = block.token_offsets.numpy()
    start, end = offsets[tokens], offsets[tokens + 1]
    held = np.diff(queries.offsets)
    width = scores.shape[1]
    dense = (end - start) * (_ENTRY * held - _ROW - _CELL * width) > _CALL
    for place in np.flatnonzero(dense).tolist():
        here = slice(queries.offsets[place], queries.offsets[place + 1])
        gradient = torch.zeros(width, queries.gradient.shape[1])
        gradient[queries.query[here]] = queries.gradient[here] * eta
        postings = block.postings(int(tokens[place]))
        products = _products(postings, gradient)
        scores.index_add_(0, postings.example.to(torch.int64), products)
    _add_entries(scores, block, queries, eta, np.flatnonzero(~dense), start, end)
    return int((end - start).sum())


def _add_entries(
    scores: Tensor,
    block: Block,
    queries: QueryTokens,
    eta: float,
    places: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
) -> None:
    """Add the products of the tokens at `places`, one for each (posting, query that holds it)."""
    held = np.diff(queries.offsets)[places]
    first = np.asarray(queries.offsets)[places]
    # One entry of the queries a row; then one posting of its token a row.
    entry = np.repeat(first - np.cumsum(held) + held, held) + np.arange(held.sum())
    counts = np.repeat((end - start)[places], held)
    posting = np.repeat(np.repeat(start[places], held) - np.cumsum(counts) + counts, counts)
    posting += np.arange(len(posting))
    entries = torch.from_numpy(np.repeat(entry, counts))
    postings = torch.from_numpy(posting)
    weighted = queries.gradient * eta
    flat = scores.view(-1)
    for at in range(0, len(postings), _PIECE):
        rows, asked = postings[at : at + _PIECE], entries[at : at + _PIECE]
        products = block.direction.index_select(0, rows).float()
        products *= weighted.index_select(0, asked)
        values = products.sum(1) * block.norm[rows]
        cell = block.example[rows] * scores.shape[1] + queries.query[asked]
        flat.index_add_(0, cell, values)


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
                values = _products(one, gradient[column : column + 1] * eta)[:, 0]
                for at, value in zip(one.example.tolist(), values.tolist(), strict=True):
                    yield query, at, token, value


def _products(postings: Postings, gradient: Tensor) -> Tensor:
    """Return ‖g‖ (g/‖g‖) · g′ in float32, shape (n, queries)."""
    direction, right = postings.direction, gradient.T
    if direction.dtype == torch.float32 or len(postings) <= _PIECE:
        product = direction.float() @ right
    else:
        product = torch.empty(len(postings), right.shape[1])
        piece = torch.empty(_PIECE, right.shape[0])
        for start in range(0, len(postings), _PIECE):
            half = direction[start : start + _PIECE]
            whole = piece[: len(half)].copy_(half)
            torch.mm(whole, right, out=product[start : start + len(half)])
    return product.mul_(postings.norm.unsqueeze(1))
