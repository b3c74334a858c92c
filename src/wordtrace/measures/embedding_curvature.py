"""The Gauss–Newton matrix of all word embeddings at one checkpoint, and systems with it.

With the roots of all N examples as columns of A, the matrix is H = A Aᵀ/N. It has as many rows as
the embedding table has numbers, so it is never formed. By Woodbury's identity

    (H + λI)⁻¹ g = (g − A y)/λ,    (AᵀA + NλI) y = Aᵀ g,

where AᵀA has N (C − 1) rows: the products of token gradients, summed over shared tokens. Moreover
Aᵀ (H + λI)⁻¹ g = N y, so scores of the examples themselves are read from y.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wordtrace.execute.progress import track
from wordtrace.gradients.curvature import Roots, all_slopes, pairs_held, stream_roots
from wordtrace.measures import solve
from wordtrace.measures.accumulate import QueryTokens
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.run import Run

FloatMatrix = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# How many (example, token) pairs are multiplied at a time, and how many rows of the Gram matrix.
_PIECE, _ROWS = 4096, 512


class RootSource(Protocol):
    """Where the roots of all training examples come from."""

    def pieces(self, tokens: Tensor | None = None, rows: IntArray | None = None) -> Iterator[Roots]:
        """Yield the roots in pieces.

        Parameters
        ----------
        tokens
            bool, shape (vocabulary,): only these tokens; None for all.
        rows
            Only these examples; None for all.
        """
        ...


@dataclass(frozen=True)
class Streamed:
    """Roots computed anew whenever they are asked for."""

    run: Run
    point: Checkpoint

    def pieces(self, tokens: Tensor | None = None, rows: IntArray | None = None) -> Iterator[Roots]:
        """Yield the roots batch by batch."""
        for piece in stream_roots(self.run, self.point, rows):
            yield piece if tokens is None else piece.at(tokens[piece.token].nonzero().flatten())


class Kept:
    """Roots in memory, ordered by token, then example."""

    def __init__(self, run: Run, point: Checkpoint) -> None:
        size, keys = run.tokenizer.size, torch.from_numpy(pairs_held(run))
        order = torch.argsort(keys % size, stable=True)
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order))
        shape = (len(keys), len(run.label_names) - 1, _dim(run, point))
        self.all = Roots((keys // size)[order], (keys % size)[order], torch.zeros(shape))
        with track("Curvature", len(run.train), "gradients") as advance:
            for piece in stream_roots(run, point):
                found = torch.searchsorted(keys, piece.example * size + piece.token)
                self.all.gradient[place[found]] = piece.gradient
                advance(len(torch.unique(piece.example)))

    def pieces(self, tokens: Tensor | None = None, rows: IntArray | None = None) -> Iterator[Roots]:
        """Yield the roots in the order kept."""
        chosen = torch.ones(len(self.all), dtype=torch.bool)
        if tokens is not None:
            chosen &= tokens[self.all.token]
        if rows is not None:
            chosen &= torch.isin(self.all.example, torch.from_numpy(rows))
        places = chosen.nonzero().flatten()
        for at in range(0, len(places), _PIECE):
            yield self.all.at(places[at : at + _PIECE])

    def gram(self, examples: int) -> FloatMatrix:
        """Return AᵀA from the diagonal up, float64; below the diagonal it is not complete."""
        _, count, dim = self.all.gradient.shape
        found = np.zeros((examples * count, examples * count))
        example = self.all.example.numpy()
        ends = np.flatnonzero(np.diff(self.all.token.numpy(), append=-1)) + 1
        with track("Gram matrix", len(ends), "tokens") as advance:
            for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
                wide = self.all.gradient[start:end].double().numpy().reshape(-1, dim)
                rows = (example[start:end, None] * count + np.arange(count)).ravel()
                for at in range(0, len(rows), _ROWS):
                    here = slice(at, at + _ROWS)
                    found[rows[here, None], rows[None, at:]] += wide[here] @ wide[at:].T
                advance(1)
        return found


@dataclass(frozen=True)
class Curvature:
    """H + λI at a checkpoint, ready to be solved with.

    Attributes
    ----------
    roots
        The columns of A.
    held
        int64: the tokens of the training texts, in rising order.
    slopes
        float64, shape (examples,): an example's gradient is this times its first root.
    damping
        λ.
    diagonal
        float64, shape (examples · (C − 1),): the diagonal of AᵀA.
    factor
        AᵀA + NλI, factorised; None: conjugate gradients solve.
    memory
        Bytes that vectors over tokens may take.
    """

    run: Run
    point: Checkpoint
    roots: RootSource
    held: Tensor
    slopes: Tensor
    damping: float
    diagonal: FloatMatrix
    factor: solve.Cholesky | None
    memory: int

    def without_roots(self) -> Curvature:
        """Return one that takes next to no memory: its roots are computed when needed."""
        return replace(self, roots=Streamed(self.run, self.point), factor=None)

    def solve(self, asked: QueryTokens, count: int) -> Tensor:
        """Return y for the gradients of `count` queries, float64, (examples, queries, C − 1)."""
        parts = []
        for queries in self.parts(count):
            tokens = torch.tensor(asked.tokens, dtype=torch.int64)
            right = self.products(self.gradients(asked, queries, tokens))
            flat = right.transpose(0, 1).reshape(len(queries), -1).numpy()
            if self.factor is not None:
                found = self.factor.solve(flat)
            else:
                damping = len(self.slopes) * self.damping
                found = solve.conjugate_gradients(
                    self._gram_product, damping, flat, diagonal=self.diagonal
                )
            parts.append(torch.from_numpy(np.ascontiguousarray(found)))
        shape = (count, len(self.slopes), -1)
        return torch.cat(parts).reshape(shape).transpose(0, 1).contiguous()

    def solution(
        self, asked: QueryTokens, y: Tensor, queries: range, tokens: Tensor | None = None
    ) -> OverTokens:
        """Return (H + λI)⁻¹ g = (g − A y)/λ of some queries at some tokens; at all by default."""
        found = self.gradients(asked, queries, tokens)
        sums = self._sums(y[:, queries.start : queries.stop], tokens)
        found.values.sub_(sums.values).div_(self.damping)
        return found

    def parts(self, count: int) -> list[range]:
        """Cut queries so that their vectors over all tokens fit into the memory."""
        each = 24 * len(self.held) * _dim(self.run, self.point)
        size = max(1, self.memory // each)
        return [range(at, min(at + size, count)) for at in range(0, count, size)]

    def gradients(
        self, asked: QueryTokens, queries: range, tokens: Tensor | None = None
    ) -> OverTokens:
        """Return the queries' own gradients as vectors over tokens."""
        found = self._zeros(len(queries), tokens)
        token = torch.repeat_interleave(
            torch.tensor(asked.tokens, dtype=torch.int64), torch.tensor(asked.offsets).diff()
        )
        here = (asked.query >= queries.start) & (asked.query < queries.stop)
        here &= found.place[token] >= 0
        places = found.place[token[here]], asked.query[here] - queries.start
        found.values[places] = asked.gradient[here].double()
        return found

    def products(self, vectors: OverTokens) -> Tensor:
        """Return Aᵀ z, float64, shape (examples, queries, C − 1); z is 0 at tokens left out."""
        count = len(self.diagonal) // len(self.slopes)
        shape = (len(self.slopes), vectors.values.shape[1], count)
        found = torch.zeros(shape, dtype=torch.float64)
        for piece in self.roots.pieces(vectors.place >= 0):
            left = vectors.values[vectors.place[piece.token]]
            part = torch.bmm(left, piece.gradient.double().transpose(1, 2))
            found.index_add_(0, piece.example, part)
        return found

    def _sums(self, y: Tensor, tokens: Tensor | None = None) -> OverTokens:
        """Return A y at some tokens; y has the shape (examples, queries, C − 1)."""
        found = self._zeros(y.shape[1], tokens)
        for piece in self.roots.pieces(None if tokens is None else found.place >= 0):
            part = torch.bmm(y[piece.example], piece.gradient.double())
            found.values.index_add_(0, found.place[piece.token], part)
        return found

    def _gram_product(self, vectors: FloatMatrix) -> FloatMatrix:
        """Return V AᵀA without forming it; V has shape (queries, examples · (C − 1))."""
        shape = (len(vectors), len(self.slopes), -1)
        y = torch.from_numpy(vectors).reshape(shape).transpose(0, 1)
        found = self.products(self._sums(y)).transpose(0, 1).reshape(len(vectors), -1)
        result: FloatMatrix = found.numpy()
        return result

    def _zeros(self, queries: int, tokens: Tensor | None) -> OverTokens:
        held = self.held if tokens is None else self.held[torch.isin(self.held, tokens)]
        place = torch.full((self.run.tokenizer.size,), -1)
        place[held] = torch.arange(len(held))
        shape = (len(held), queries, _dim(self.run, self.point))
        return OverTokens(held, place, torch.zeros(shape, dtype=torch.float64))


@dataclass(frozen=True)
class OverTokens:
    """Vectors in the space of the word embeddings, at the tokens of the training texts.

    Attributes
    ----------
    tokens
        int64, shape (tokens,).
    place
        int64, shape (vocabulary,): where each token stands in `tokens`; -1 where it does not.
    values
        float64, shape (tokens, queries, dim).
    """

    tokens: Tensor
    place: Tensor
    values: Tensor


def make_curvature(
    run: Run, point: Checkpoint, damping: float | None, times: float, memory: int
) -> Curvature:
    """Prepare H + λI at a checkpoint.

    Parameters
    ----------
    damping, times
        λ, or None: `times` the mean of H's eigenvalues, of which as many are counted as can differ
        from zero: N (C − 1), or the numbers in the embeddings of the training texts' tokens where
        these are fewer.
    memory
        Bytes. The system is factorised where its roots and AᵀA fit, else solved by conjugate
        gradients, with roots that are kept where they fit, else computed for each product.
    """
    count, dim, examples = len(run.label_names) - 1, _dim(run, point), len(run.train)
    keys = pairs_held(run)
    size, held = examples * count, torch.from_numpy(np.unique(keys % run.tokenizer.size))
    taken = 4 * len(keys) * count * dim
    roots: Kept | Streamed = Kept(run, point) if taken <= memory else Streamed(run, point)
    diagonal = torch.zeros(examples, count, dtype=torch.float64)
    for piece in roots.pieces():
        diagonal.index_add_(0, piece.example, piece.gradient.double().square().sum(2))
    flat: FloatMatrix = diagonal.flatten().numpy()
    mean_over = min(size, len(held) * dim)
    used = solve.damping_of(float(flat.sum()) / examples, mean_over, damping, times)
    factor = None
    if isinstance(roots, Kept) and taken + 8 * size * size <= memory:
        factor = solve.Cholesky(roots.gram(examples), examples * used)
    slopes = all_slopes(run, point)
    return Curvature(run, point, roots, held, slopes, used, flat, factor, memory // 4)


def bytes_of(curvature: Curvature) -> int:
    """Return the memory that a prepared system takes."""
    roots = 0 if not isinstance(curvature.roots, Kept) else curvature.roots.all.gradient.nbytes
    return roots + 8 * len(curvature.diagonal) ** 2 * (curvature.factor is not None)


def _dim(run: Run, point: Checkpoint) -> int:
    return int(next(run.model(point).embedding.parameters()).shape[1])
