"""Postings: for each token, the training examples that hold it and its gradient in each."""

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
    """One token's postings in a block; views, nothing is copied.

    Attributes
    ----------
    example
        int32, shape (n,): the example's row within the block, each at most once.
    norm
        float32, shape (n,), falling: g = norm · direction. ‖g‖, but of int8 the size of a step.
    direction
        float16 or float32, shape (n, dim): g/‖g‖. Or int8: g in steps of which the longest
        component has 127; each component is off by at most half a step.
    """

    example: Tensor
    norm: Tensor
    direction: Tensor

    def __len__(self) -> int:
        return len(self.norm)


@dataclass(frozen=True)
class Block:
    """All postings of some consecutive examples at one checkpoint, ordered by token.

    Within a token they are ordered by falling norm, equal norms by rising example. Tensors may be
    memory-mapped and must not be written to.

    Attributes
    ----------
    first, count
        The examples are the rows from `first` to `first + count` of the training data.
    token_offsets
        int64, shape (vocabulary + 1,): token w has the postings from ``token_offsets[w]`` to
        ``token_offsets[w + 1]``.
    example, norm, direction
        As in :class:`Postings`, for all tokens one after the other.
    """

    first: int
    count: int
    token_offsets: Tensor
    example: Tensor
    norm: Tensor
    direction: Tensor

    def postings(self, token: int) -> Postings:
        """Return a token's postings; none for a token that no example holds."""
        start, end = self.token_offsets[token : token + 2].tolist()
        return Postings(self.example[start:end], self.norm[start:end], self.direction[start:end])

    def __len__(self) -> int:
        return len(self.norm)


def make_block(
    parts: Sequence[tuple[Tensor, TokenGradients]],
    first: int,
    count: int,
    vocabulary: int,
    dtype: str = "float32",
    basis: Tensor | None = None,
) -> Block:
    """Order the token gradients of some batches by token.

    Gradients are split into norm and direction, since those of well-fitted examples would sink
    below float16's range.

    Parameters
    ----------
    parts
        For each batch its rows (int64, counted within the block) and its token gradients.
    basis
        Store coordinates in this basis, float32, shape (dim, stored dimensions).
    """
    example = torch.cat([rows[part.example] for rows, part in parts]) if parts else _empty()
    token = torch.cat([part.token for _, part in parts]) if parts else _empty()
    halves, norms = [], []
    for _, part in parts:
        half, length = _split(part.gradient if basis is None else part.gradient @ basis, dtype)
        halves.append(half)
        norms.append(length)
    norm = torch.cat(norms) if parts else torch.empty(0)
    order = order_postings(token, norm, example)
    dim = halves[0].shape[1] if parts else 0
    direction = torch.cat(halves) if parts else torch.empty(0, dim, dtype=DTYPES[dtype])
    return Block(
        first,
        count,
        token_offsets(token, vocabulary),
        example[order].to(torch.int32),
        norm[order],
        direction.index_select(0, order),
    )


def _split(gradient: Tensor, dtype: str) -> tuple[Tensor, Tensor]:
    """Return (direction, norm) of gradients, shape (n, dim)."""
    if dtype == "int8":
        step = gradient.abs().amax(1) / 127
        whole = gradient / step.clamp(min=torch.finfo(torch.float32).tiny).unsqueeze(1)
        return whole.round_().to(torch.int8), step
    norm = torch.linalg.vector_norm(gradient, dim=1)
    # A gradient may have nothing in the dimensions that are kept; its direction is then 0.
    length = norm.clamp(min=torch.finfo(torch.float32).tiny).unsqueeze(1)
    return (gradient / length).to(DTYPES[dtype]), norm


def order_postings(token: Tensor, norm: Tensor, example: Tensor) -> Tensor:
    """Return the order by token, then falling norm, then example: int64, shape (postings,)."""
    # Three stable sorts, the last key first.
    order = torch.argsort(example, stable=True)
    order = order[torch.argsort(norm[order], descending=True, stable=True)]
    return order[torch.argsort(token[order], stable=True)]


def token_offsets(token: Tensor, vocabulary: int) -> Tensor:
    """Return where the postings of each token start: int64, shape (vocabulary + 1,)."""
    offsets = torch.zeros(vocabulary + 1, dtype=torch.int64)
    torch.cumsum(torch.bincount(token, minlength=vocabulary), 0, out=offsets[1:])
    return offsets


def _empty() -> Tensor:
    return torch.empty(0, dtype=torch.int64)
