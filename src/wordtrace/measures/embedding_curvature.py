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

# How many rows of the Gram matrix are added to at a time.
_ROWS = 512


class RootSource(Protocol):
    """Where the roots of all training examples come from."""

    def pieces(self, rows: IntArray | None = None) -> Iterator[Roots]:
        """Yield the roots in pieces; with `rows`, of these examples alone."""
        ...


@dataclass(frozen=True)
class Streamed:
    """Roots computed anew whenever they are asked for."""

    run: Run
    point: Checkpoint

    def pieces(self, rows: IntArray | None = None) -> Iterator[Roots]:
        """Yield the roots batch by batch."""
        return stream_roots(self.run, self.point, rows)


class Kept:
    """Roots in memory."""

    def __init__(self, run: Run, point: Checkpoint) -> None:
        size, keys = run.tokenizer.size, torch.from_numpy(pairs_held(run))
        order = torch.argsort(keys % size, stable=True)
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order))
        gradient = torch.zeros(len(keys), len(run.label_names) - 1, _dim(run, point))
        with track("Curvature", len(run.train), "gradients") as advance:
            for piece in stream_roots(run, point):
                found = torch.searchsorted(keys, piece.example * size + piece.token)
                gradient[place[found]] = piece.gradient
                advance(len(torch.unique(piece.example)))
        self.all = Roots.of((keys // size)[order], (keys % size)[order], gradient)

    def pieces(self, rows: IntArray | None = None) -> Iterator[Roots]:
        """Yield the roots at once."""
        yield self.all if rows is None else self.all.only(rows)

    def gram(self, examples: int) -> FloatMatrix:
        """Return AᵀA from the diagonal up, float64; below the diagonal it is not complete."""
        count = self.all.gradient.shape[1]
        found = np.zeros((examples * count, examples * count))
        with track("Gram matrix", len(self.all.tokens), "tokens") as advance:
            for _, example, gradient in self.all.by_token():
                wide = gradient.numpy()
                rows = (example.numpy()[:, None] * count + np.arange(count)).ravel()
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
        """Return y for the gradients of `count` queries, float64, (queries, examples, C − 1)."""
        right = self._right(asked, count)
        flat: FloatMatrix = right.flatten(1).numpy()
        if self.factor is not None:
            found = self.factor.solve(flat)
        else:
            damping = len(self.slopes) * self.damping
            found = np.concatenate(
                [
                    solve.conjugate_gradients(
                        self._gram_product, damping, flat[part.start : part.stop], self.diagonal
                    )
                    for part in self.parts(count)
                ]
            )
        return torch.from_numpy(np.ascontiguousarray(found)).reshape(right.shape)

    def solution(
        self, asked: QueryTokens, y: Tensor, queries: range, tokens: Tensor | None = None
    ) -> OverTokens:
        """Return (H + λI)⁻¹ g = (g − A y)/λ of some queries at some tokens; at all by default."""
        found = self._sums(y[queries.start : queries.stop], tokens)
        found.values.neg_()
        for token, query, gradient in asked.groups():
            here = (query >= queries.start) & (query < queries.stop)
            if token in found.places:
                values = found.values[found.places[token]]
                values[query[here] - queries.start] += gradient[here].double()
        found.values.div_(self.damping)
        return found

    def parts(self, count: int) -> list[range]:
        """Cut queries so that their vectors over all tokens fit into the memory."""
        each = 8 * len(self.held) * _dim(self.run, self.point)
        size = max(1, self.memory // each)
        return [range(at, min(at + size, count)) for at in range(0, count, size)]

    def products(self, vectors: OverTokens) -> Tensor:
        """Return Aᵀ z, float64, shape (queries, examples, C − 1); z is 0 at tokens left out."""
        found = self._no_products(vectors.values.shape[1])
        place = vectors.places
        for piece in self.roots.pieces():
            for token, example, gradient in piece.by_token(place):
                part = vectors.values[place[token]] @ gradient.T
                found.index_add_(1, example, part.reshape(len(part), len(example), -1))
        return found

    def _right(self, asked: QueryTokens, count: int) -> Tensor:
        """Return Aᵀ g for the queries' gradients, as :meth:`products` does for whole vectors."""
        found = self._no_products(count)
        groups = {token: (query, gradient) for token, query, gradient in asked.groups()}
        for piece in self.roots.pieces():
            for token, example, gradient in piece.by_token(groups):
                query, own = groups[token]
                part = own.double() @ gradient.T
                found[query[:, None], example] += part.reshape(len(own), len(example), -1)
        return found

    def _sums(self, y: Tensor, tokens: Tensor | None = None) -> OverTokens:
        """Return A y at some tokens; y has the shape (queries, examples, C − 1)."""
        held = self.held if tokens is None else self.held[torch.isin(self.held, tokens)]
        places = {token: place for place, token in enumerate(held.tolist())}
        shape = (len(held), len(y), _dim(self.run, self.point))
        found = OverTokens(held, places, torch.zeros(shape, dtype=torch.float64))
        for piece in self.roots.pieces():
            for token, example, gradient in piece.by_token(places):
                found.values[places[token]] += y[:, example].flatten(1) @ gradient
        return found

    def _gram_product(self, vectors: FloatMatrix) -> FloatMatrix:
        """Return V AᵀA without forming it; V has shape (queries, examples · (C − 1))."""
        y = torch.from_numpy(vectors).reshape(len(vectors), len(self.slopes), -1)
        found: FloatMatrix = self.products(self._sums(y)).flatten(1).numpy()
        return found

    def _no_products(self, queries: int) -> Tensor:
        count = len(self.diagonal) // len(self.slopes)
        return torch.zeros(queries, len(self.slopes), count, dtype=torch.float64)


@dataclass(frozen=True)
class OverTokens:
    """Vectors in the space of the word embeddings, at the tokens of the training texts.

    Attributes
    ----------
    tokens
        int64, shape (tokens,), in rising order.
    places
        Where each token stands in `tokens`.
    values
        float64, shape (tokens, queries, dim).
    """

    tokens: Tensor
    places: dict[int, int]
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
        for _, example, gradient in piece.by_token():
            squares = gradient.square().sum(1).reshape(len(example), -1)
            diagonal.index_add_(0, example, squares)
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
