"""Scoring token by token: one product of a token's postings with the queries that hold it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wordtrace.gradients.stream import gradient_stream
from wordtrace.index.postings import Block
from wordtrace.measures.protocol import Queries
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.run import Run

# The rows converted to float32 at a time: a piece and its copy stay in a core's cache. Converting
# in this way and multiplying in float32 is as fast as PyTorch's half-precision products, and exact.
_PIECE = 4096

# Measured nanoseconds for: a product of one posting and one query taken alone; a posting converted
# and multiplied among others; each further query of such a product; the calls for one token. They
# decide which way is taken, never a result.
_ENTRY, _ROW, _CELL, _CALL = 90.0, 25.0, 4.0, 12_000.0

# With fewer rare tokens than this, taking them together does not pay.
_FEW = 8


@dataclass(frozen=True)
class QueryTokens:
    """The queries' token gradients at one checkpoint, grouped by token.

    Attributes
    ----------
    tokens
        The distinct tokens, in rising order.
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

    def weighted(self, weights: npt.NDArray[np.float32]) -> QueryTokens:
        """Multiply each token's gradients by its weight; tokens of weight 0 are left out.

        A token that the queries do not hold adds nothing to a score, and one that they hold adds
        a product with its gradient here: weighting the queries is enough.

        Parameters
        ----------
        weights
            float32, shape (vocabulary,).
        """
        tokens = np.asarray(self.tokens, np.int64)
        counts, by_token = np.diff(self.offsets), weights[tokens]
        kept = by_token != 0
        entries = torch.from_numpy(np.flatnonzero(np.repeat(kept, counts)))
        factors = torch.from_numpy(np.repeat(by_token[kept], counts[kept]))
        return QueryTokens(
            tokens[kept].tolist(),
            [0, *np.cumsum(counts[kept]).tolist()],
            self.query[entries],
            self.gradient[entries] * factors.unsqueeze(1),
        )

    def of(self, query: int) -> QueryTokens:
        """Return one query's token gradients, as those of a single query."""
        entries = (self.query == query).nonzero().flatten()
        tokens = np.repeat(np.asarray(self.tokens, np.int64), np.diff(self.offsets))
        return QueryTokens(
            tokens[entries.numpy()].tolist(),
            list(range(len(entries) + 1)),
            torch.zeros_like(entries),
            self.gradient[entries],
        )

    def projected(self, basis: Tensor) -> QueryTokens:
        """Return the gradients as coordinates in a basis, shape (dim, stored dimensions)."""
        return QueryTokens(self.tokens, self.offsets, self.query, self.gradient @ basis)

    def groups(self) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield (token, queries that hold it, their gradients (n, dim))."""
        for place, token in enumerate(self.tokens):
            start, end = self.offsets[place], self.offsets[place + 1]
            yield token, self.query[start:end], self.gradient[start:end]


def query_tokens(run: Run, point: Checkpoint, queries: Queries, top_k: int | None) -> QueryTokens:
    """Compute the queries' token gradients for their labels, with top-k as in training (Eq. 5)."""
    parts = []
    for found in gradient_stream(run, point, queries.encoded, queries.labels, queries.texts):
        kept = found.tokens(top_k)
        parts.append((torch.from_numpy(found.rows)[kept.example], kept))
    return group_by_token(
        torch.cat([rows for rows, _ in parts]),
        torch.cat([kept.token for _, kept in parts]),
        torch.cat([kept.gradient for _, kept in parts]),
    )


def group_by_token(query: Tensor, token: Tensor, gradient: Tensor) -> QueryTokens:
    """Order token gradients by token; the queries of one token keep the order given."""
    order = torch.argsort(token, stable=True)
    tokens, counts = torch.unique_consecutive(token[order], return_counts=True)
    offsets = [0, *torch.cumsum(counts, 0).tolist()]
    return QueryTokens(tokens.tolist(), offsets, query[order], gradient[order])


def accumulate(
    scores: npt.NDArray[np.float32],
    block: Block,
    queries: QueryTokens,
    eta: float,
    first: int = 0,
) -> int:
    """Add η Σ_w g_w · g′_w (Eq. 4 at one checkpoint) to the scores of a block's examples.

    A frequent token takes one matrix product: its postings with the gradients of the queries that
    hold it. All rare tokens are taken together, with one dot product for each (posting, query):
    a matrix product for each rare token would cost more in calls than in arithmetic.

    Parameters
    ----------
    scores
        float32, shape (queries, examples), contiguous, changed in place.
    first
        The block's first example is column `first`.

    Returns
    -------
    int
        The number of postings read.
    """
    start, end = _bounds(block, queries)
    held = np.diff(queries.offsets)
    rare = (end - start) * ((_ENTRY - _CELL) * held - _ROW) <= _CALL
    rare &= end > start
    if rare.sum() < _FEW:
        rare[:] = False
    weighted = queries.gradient * eta
    piece = torch.empty(_PIECE, weighted.shape[1])
    columns = slice(first, first + block.count)
    for place in np.flatnonzero(~rare).tolist():
        here = slice(queries.offsets[place], queries.offsets[place + 1])
        rows = [torch.from_numpy(scores[query, columns]) for query in queries.query[here].tolist()]
        gradient = weighted[here]
        for at in range(int(start[place]), int(end[place]), _PIECE):
            part = slice(at, min(at + _PIECE, int(end[place])))
            example, norm = block.example[part], block.norm[part]
            whole = _whole(block.direction[part], piece)
            if len(rows) == 1:
                rows[0].index_add_(0, example, torch.mv(whole, gradient[0]).mul_(norm))
                continue
            found = torch.mm(gradient, whole.T).mul_(norm)
            for row, values in zip(rows, found, strict=True):
                row.index_add_(0, example, values)
    if rare.any():
        _add_entries(scores, block, queries, weighted, np.flatnonzero(rare), start, end, first)
    return int((end - start).sum())


def contributions(
    block: Block, queries: QueryTokens, eta: float, wanted: Sequence[npt.NDArray[np.int64]]
) -> Iterator[tuple[int, int, int, float]]:
    """Yield (query, example, token, η g_w · g′_w) for the examples wanted for each query.

    Parameters
    ----------
    wanted
        For each query, the wanted examples of the block.
    """
    marks = np.zeros((len(wanted), block.count), bool)
    for row, examples in zip(marks, wanted, strict=True):
        row[examples] = True
    posting, place = marked(block, queries, np.logical_or.reduce(marks))
    # One row for each query that holds the posting's token.
    held, before = np.diff(queries.offsets)[place], np.asarray(queries.offsets)[place]
    entry = np.repeat(before - np.cumsum(held) + held, held) + np.arange(held.sum())
    posting, place = np.repeat(posting, held), np.repeat(place, held)
    query, example = queries.query.numpy()[entry], block.example.numpy()[posting]
    asked = marks[query, example]
    values = products_of(block, posting[asked], queries.gradient * eta, entry[asked])
    yield from zip(
        query[asked].tolist(),
        example[asked].tolist(),
        np.asarray(queries.tokens, np.int64)[place[asked]].tolist(),
        values.tolist(),
        strict=True,
    )


def marked(
    block: Block, queries: QueryTokens, marks: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Find the postings of the queries' tokens that are of marked examples.

    Only the numbers of the postings' examples are read.

    Parameters
    ----------
    marks
        bool, shape (examples of the block,).

    Returns
    -------
    posting, place
        int64, shape (found,): each posting, and its token's place in ``queries.tokens``.
    """
    start, end = _bounds(block, queries)
    example = block.example.numpy()
    parts = [example[one:other] for one, other in zip(start.tolist(), end.tolist(), strict=True)]
    found = np.flatnonzero(marks.take(np.concatenate([np.empty(0, np.int32), *parts])))
    ends = np.cumsum(end - start)
    place = np.searchsorted(ends, found, "right")
    return found + (end - ends)[place], place


def _bounds(
    block: Block, queries: QueryTokens
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where the postings of each of the queries' tokens start and end."""
    tokens = np.asarray(queries.tokens, dtype=np.int64)
    offsets = block.token_offsets.numpy()
    return offsets[tokens], offsets[tokens + 1]


def _whole(direction: Tensor, piece: Tensor) -> Tensor:
    """Return directions as float32; `piece` holds the copy where they are stored otherwise."""
    return (
        direction if direction.dtype == torch.float32 else piece[: len(direction)].copy_(direction)
    )


def _add_entries(
    scores: npt.NDArray[np.float32],
    block: Block,
    queries: QueryTokens,
    weighted: Tensor,
    places: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
    first: int,
) -> None:
    """Add the products of the tokens at `places`, one for each (posting, query that holds it)."""
    held = np.diff(queries.offsets)[places]
    before = np.asarray(queries.offsets)[places]
    # First one row for each entry of the queries; then one row for each posting of its token.
    entry = np.repeat(before - np.cumsum(held) + held, held) + np.arange(held.sum())
    counts = np.repeat((end - start)[places], held)
    posting = np.repeat(np.repeat(start[places], held) - np.cumsum(counts) + counts, counts)
    posting += np.arange(len(posting))
    entries = np.repeat(entry, counts)
    flat = scores.reshape(-1)
    query, example = queries.query.numpy(), block.example.numpy()
    values = products_of(block, posting, weighted, entries)
    np.add.at(flat, query[entries] * scores.shape[1] + first + example[posting], values)


def products_of(
    block: Block,
    posting: npt.NDArray[np.int64],
    gradient: Tensor,
    entry: npt.NDArray[np.int64],
) -> npt.NDArray[np.float32]:
    """Return the dot product of each posting's gradient with the entry's beside it, (n,)."""
    values = np.empty(len(posting), np.float32)
    for at in range(0, len(posting), _PIECE):
        rows, asked = (torch.from_numpy(one[at : at + _PIECE]) for one in (posting, entry))
        products = block.direction.index_select(0, rows).float()
        products *= gradient.index_select(0, asked)
        values[at : at + _PIECE] = products.sum(1).numpy()
    values *= block.norm.numpy()[posting]
    return values
