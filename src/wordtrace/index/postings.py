"""Postings: for each token, the training examples that hold it, with its gradient in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wordtrace.gradients.tokens import TokenGradients

DTYPES: dict[str, torch.dtype] = {
    "float16": torch.float16,
    "float32": torch.float32,
    "int8": torch.int8,
}


@dataclass(frozen=True)
class Postings:
    """One token's postings in a block, as views: nothing is copied.

    Attributes
    ----------
    example
        int32, shape (n,): the example's row within the block, each at most once.
    norm
        float32, shape (n,), in falling order, with g = norm · direction. It is ‖g‖; for int8 it is
        the size of one step.
    direction
        float16 or float32, shape (n, dim): g/‖g‖. Or int8: g counted in steps, 127 of which are the
        largest component; each component is off by at most half a step.
    """

    example: Tensor
    norm: Tensor
    direction: Tensor

    def __len__(self) -> int:
        return len(self.norm)


@dataclass(frozen=True)
class Block:
    """All postings of some consecutive examples at one checkpoint, ordered by token.

    Those of one token are ordered by falling norm, and those of equal norm by rising example.
    Tensors may be memory-mapped and must not be written to.

    Attributes
    ----------
    first, count
        The examples are the training rows from `first` to before `first + count`.
    token_offsets
        int64, shape (vocabulary + 1,): token w has the postings from ``token_offsets[w]`` to
        before ``token_offsets[w + 1]``.
    example, norm, direction
        See :class:`Postings`; here for all tokens, one after the other.
    """

    first: int
    count: int
    token_offsets: Tensor
    example: Tensor
    norm: Tensor
    direction: Tensor

    def postings(self, token: int) -> Postings:
        """Return a token's postings, which are empty for a token that no example holds."""
        start, end = self.token_offsets[token : token + 2].tolist()
        return Postings(self.example[start:end], self.norm[start:end], self.direction[start:end])

    def __len__(self) -> int:
        return len(self.norm)


class Gathering:
    """Collects the token gradients of a block's batches, each split into norm and direction.

    They are split because raw gradients of well-fitted examples are too small for float16. Memory
    for all is taken at once, so that no more than two copies are ever held.

    Parameters
    ----------
    room
        The largest number of token gradients that may come.
    dim
        The number of stored dimensions.
    basis
        Store coordinates in this basis, float32, shape (dim of the gradients, `dim`).
    """

    def __init__(self, room: int, dim: int, dtype: str, basis: Tensor | None = None) -> None:
        self._dtype, self._basis, self._size = dtype, basis, 0
        self._example = torch.empty(room, dtype=torch.int32)
        self._token = torch.empty(room, dtype=torch.int32)
        self._norm = torch.empty(room)
        self._direction = torch.empty(room, dim, dtype=DTYPES[dtype])

    def add(self, rows: Tensor, kept: TokenGradients) -> None:
        """Add the gradients of a batch; `rows`, int64, are its rows within the block."""
        here = slice(self._size, self._size + len(kept))
        gradient = kept.gradient if self._basis is None else kept.gradient @ self._basis
        self._direction[here], self._norm[here] = _split(gradient, self._dtype)
        self._example[here] = rows[kept.example]
        self._token[here] = kept.token
        self._size = here.stop

    def block(self, first: int, count: int, vocabulary: int) -> Block:
        """Return all of them ordered by token, for the rows from `first` to `first + count`."""
        all_ = slice(0, self._size)
        token, norm, example = self._token[all_], self._norm[all_], self._example[all_]
        order = order_postings(token, norm, example)
        return Block(
            first,
            count,
            token_offsets(token, vocabulary),
            example[order],
            norm[order],
            self._direction.index_select(0, order),
        )


def make_block(
    parts: Sequence[tuple[Tensor, TokenGradients]],
    first: int,
    count: int,
    vocabulary: int,
    dtype: str = "float32",
    basis: Tensor | None = None,
) -> Block:
    """Order the token gradients of some batches by token; see :class:`Gathering`.

    Parameters
    ----------
    parts
        For each batch, its rows (int64, counted within the block) and its token gradients.
    """
    dim = parts[0][1].gradient.shape[1] if parts else 0
    room = sum(len(part) for _, part in parts)
    gathered = Gathering(room, dim if basis is None else basis.shape[1], dtype, basis)
    for rows, part in parts:
        gathered.add(rows, part)
    return gathered.block(first, count, vocabulary)


def _split(gradient: Tensor, dtype: str) -> tuple[Tensor, Tensor]:
    """Return (direction, norm) of gradients, shape (n, dim)."""
    if dtype == "int8":
        step = gradient.abs().amax(1) / 127
        whole = gradient / step.clamp(min=torch.finfo(torch.float32).tiny).unsqueeze(1)
        return whole.round_().to(torch.int8), step
    norm = torch.linalg.vector_norm(gradient, dim=1)
    # A gradient may be zero in all dimensions that are kept; its direction is then 0.
    length = norm.clamp(min=torch.finfo(torch.float32).tiny).unsqueeze(1)
    return (gradient / length).to(DTYPES[dtype]), norm


def order_postings(token: Tensor, norm: Tensor, example: Tensor) -> Tensor:
    """Return the order by token, then falling norm, then example: int64, shape (postings,)."""
    # Three stable sorts, by the least important key first.
    order = torch.argsort(example, stable=True)
    order = order[torch.argsort(norm[order], descending=True, stable=True)]
    return order[torch.argsort(token[order], stable=True)]


def token_offsets(token: Tensor, vocabulary: int) -> Tensor:
    """Return where the postings of each token start: int64, shape (vocabulary + 1,)."""
    offsets = torch.zeros(vocabulary + 1, dtype=torch.int64)
    torch.cumsum(torch.bincount(token, minlength=vocabulary), 0, out=offsets[1:])
    return offsets
