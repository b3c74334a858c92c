"""Roots of the Gauss–Newton matrix of the word embeddings: C − 1 sparse gradients an example.

Of C classes with probabilities p, example i adds J_iᵀ (diag(p) − p pᵀ) J_i to the matrix, J_i being
the gradients of its class scores. That is a sum of C − 1 products r rᵀ; each root r is the gradient
of a fixed combination of the class scores, so one backward pass for each finds them. The first is
chosen along the loss's own gradient: the others then have no part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wordtrace.gradients.stream import GradientBatch, gradient_stream
from wordtrace.models import predict
from wordtrace.models.protocol import Batch
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.run import Run

#: A probability below the square of this counts as that: its logarithm is far below any training's.
_LEAST = 1e-18


@dataclass(frozen=True)
class Roots:
    """Roots of some examples, by (token, example), in this order.

    Attributes
    ----------
    tokens
        The distinct tokens.
    offsets
        Token i's entries are from ``offsets[i]`` to before ``offsets[i + 1]``.
    example
        int64, shape (n,): the training row of each entry, rising for each token.
    gradient
        float32, shape (n, C − 1, dim): each root's part in the row of the token.
    """

    tokens: list[int]
    offsets: list[int]
    example: Tensor
    gradient: Tensor

    @classmethod
    def of(cls, example: Tensor, token: Tensor, gradient: Tensor) -> Roots:
        """Make them of entries that are in order."""
        tokens, counts = torch.unique_consecutive(token, return_counts=True)
        return cls(tokens.tolist(), [0, *counts.cumsum(0).tolist()], example, gradient)

    @property
    def token(self) -> Tensor:
        """int64, shape (n,): the token of each entry."""
        counts = torch.tensor(self.offsets).diff()
        return torch.repeat_interleave(torch.tensor(self.tokens, dtype=torch.int64), counts)

    def by_token(
        self, wanted: Container[int] | None = None
    ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield (token, its examples, their gradients as float64, shape (entries · roots, dim)).

        Parameters
        ----------
        wanted
            Only these tokens; None for all.
        """
        for token, start, end in zip(self.tokens, self.offsets, self.offsets[1:], strict=False):
            if wanted is None or token in wanted:
                gradient = self.gradient[start:end].double()
                yield token, self.example[start:end], gradient.flatten(0, 1)

    def only(self, rows: npt.NDArray[np.int64]) -> Roots:
        """Return those of some examples."""
        here = torch.isin(self.example, torch.from_numpy(rows))
        return Roots.of(self.example[here], self.token[here], self.gradient[here])


def score_weights(logits: Tensor, labels: Tensor) -> Tensor:
    """Return weights w with Σ_r w_r w_rᵀ = diag(p) − p pᵀ, the first along the loss's gradient.

    With D = diag(√p), diag(p) − p pᵀ = D (I − √p √pᵀ) D, and the bracket projects onto what is at
    right angles to √p. The basis taken there begins with the label's direction, which is
    proportional to D⁻¹ (p − 1[label]); a reflection gives the rest.

    Parameters
    ----------
    logits, labels
        Float, shape (batch, C), and int64, shape (batch,).

    Returns
    -------
    Tensor
        float64, shape (batch, C, C − 1).
    """
    count, classes = logits.shape
    roots, others = _roots(logits, labels)
    own = roots.gather(1, labels[:, None])
    rest = roots.gather(1, others)
    length = rest.square().sum(1, keepdim=True).sqrt()
    along = rest / length.clamp(min=torch.finfo(torch.float64).tiny)
    found = logits.new_zeros(count, classes, classes - 1, dtype=torch.float64)
    found[:, :, 0].scatter_(1, labels[:, None], own * length)
    found[:, :, 0].scatter_(1, others, -own * rest * along)
    if classes > 2:
        mirror = along.clone()
        mirror[:, 0] += 1
        basis = torch.eye(classes - 1, dtype=torch.float64, device=logits.device)
        basis = basis - mirror[:, :, None] * mirror[:, None, :] / (1 + along[:, :1, None])
        places = others[:, :, None].expand(-1, -1, classes - 2)
        found[:, :, 1:].scatter_(1, places, rest[:, :, None] * basis[:, :, 1:])
    return found


def loss_slopes(logits: Tensor, labels: Tensor) -> Tensor:
    """Return u with ∂ℓ(x) = u · (x's first root): −√((1 − p)/p), float64, shape (batch,)."""
    roots, others = _roots(logits, labels)
    own = roots.gather(1, labels[:, None])[:, 0].clamp(min=_LEAST)
    return -roots.gather(1, others).square().sum(1).sqrt() / own


def _roots(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return √p, float64, shape (batch, C), and the classes other than the label, (batch, C − 1).

    The share of the others is summed and not taken as 1 − p, which rounds to 0 for a sure model.
    """
    roots = (logits.double().log_softmax(1) / 2).exp()
    others = torch.arange(logits.shape[1] - 1, device=logits.device)[None].repeat(len(logits), 1)
    return roots, others + (others >= labels[:, None])


def all_slopes(run: Run, point: Checkpoint) -> Tensor:
    """Return :func:`loss_slopes` of the training examples, float64, shape (examples,)."""
    logits = torch.from_numpy(predict.logits(run.model(point), run.encoded))
    return loss_slopes(logits, torch.from_numpy(run.train.labels))


def pairs_held(run: Run) -> npt.NDArray[np.int64]:
    """Return the pairs (example, token) as example · vocabulary + token, each once, in order."""
    encoded = run.encoded
    example = np.repeat(np.arange(len(encoded)), encoded.lengths)
    return np.unique(example * run.tokenizer.size + encoded.ids)


def stream_roots(
    run: Run, point: Checkpoint, rows: npt.NDArray[np.int64] | None = None
) -> Iterator[Roots]:
    """Yield the roots of training examples at a checkpoint, batch by batch.

    Parameters
    ----------
    rows
        Only these training rows; all by default.
    """
    size, train = run.tokenizer.size, run.train
    streams = [
        gradient_stream(
            *(run, point, run.encoded, train.labels, train.ids, rows), objective=_combined(root)
        )
        for root in range(len(run.label_names) - 1)
    ]
    for parts in zip(*streams, strict=True):
        keys = [_keys(part, size) for part in parts]
        every = torch.unique(torch.cat([key for key, _ in keys]))
        gradient = torch.zeros(len(every), len(parts), keys[0][1].shape[1])
        for root, (key, found) in enumerate(keys):
            gradient[torch.searchsorted(every, key), root] = found
        order = torch.argsort(every % size, stable=True)
        every = every[order]
        yield Roots.of(every // size, every % size, gradient[order])


def position_curvature(
    run: Run, point: Checkpoint, advance: Callable[[int], None]
) -> npt.NDArray[np.float64]:
    """Return the Gauss–Newton matrix of the vector looked up at a position, a mean over all.

    Parameters
    ----------
    advance
        Called with the number of examples that a root was found of.

    Returns
    -------
    array
        float64, shape (dim, dim).
    """
    total: Tensor | None = None
    for root in range(len(run.label_names) - 1):
        for part in gradient_stream(
            *(run, point, run.encoded, run.train.labels, run.train.ids), objective=_combined(root)
        ):
            wide = part.gradients.gradient.flatten(0, 1).double()
            found = (wide.T @ wide).cpu()
            total = found if total is None else total + found
            advance(len(part.rows))
    assert total is not None
    return (total / len(run.encoded.ids)).numpy()


def _combined(root: int) -> Callable[[Tensor, Batch], Tensor]:
    """Return what is differentiated: the class scores, combined with weights held fixed."""

    def objective(logits: Tensor, batch: Batch) -> Tensor:
        weights = score_weights(logits.detach().float(), batch.labels)[:, :, root]
        return (logits * weights.to(logits.dtype)).sum(1)

    return objective


def _keys(part: GradientBatch, size: int) -> tuple[Tensor, Tensor]:
    """Return a batch's pairs as in :func:`pairs_held`, and their gradients."""
    found = part.tokens(None)
    return torch.from_numpy(part.rows)[found.example] * size + found.token, found.gradient
