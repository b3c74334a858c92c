"""Token gradients: the strongest gradients at a text's positions, summed by token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wordtrace.errors import NumericalError, option
from wordtrace.gradients.embedding import EmbeddingGradients
from wordtrace.models.protocol import Batch


@dataclass(frozen=True)
class TokenGradients:
    """The token gradients of some examples, as flat tensors ordered by example, then token.

    Attributes
    ----------
    example
        int64, shape (n,): the row within the batch.
    token
        int64, shape (n,); a pair (example, token) occurs at most once.
    gradient
        float32, shape (n, dim): ∂ℓ(x)/∂Θ_w, never all zero.
    """

    example: Tensor
    token: Tensor
    gradient: Tensor

    def __len__(self) -> int:
        return len(self.token)

    def cpu(self) -> TokenGradients:
        """Return them in the CPU's memory, from whichever device the model computed on."""
        return TokenGradients(self.example.cpu(), self.token.cpu(), self.gradient.cpu())


def position_norms(gradients: EmbeddingGradients) -> Tensor:
    """Return ‖∂ℓ(x_i)/∂e_{i,t}‖, float32, shape (batch, length)."""
    norms: Tensor = torch.linalg.vector_norm(gradients.gradient, dim=2)
    return norms


def kept_positions(gradients: EmbeddingGradients, norms: Tensor, top_k: int | None) -> Tensor:
    """Tell which positions count, bool, shape (batch, length).

    Parameters
    ----------
    top_k
        Positions kept in a text; None keeps all. Of equal norms, the lower position is kept.
        Positions with a gradient of exactly zero contribute nothing and are dropped. Where
        gradients were scaled, their norms before the scaling decide.
    """
    keep = norms > 0
    if top_k is not None and top_k < norms.shape[1]:
        strength = norms if gradients.strength is None else gradients.strength
        order = torch.sort(strength, dim=1, descending=True, stable=True).indices[:, :top_k]
        keep &= torch.zeros_like(keep).scatter_(1, order, True)
    return keep


def token_gradients(
    batch: Batch, gradients: EmbeddingGradients, norms: Tensor, top_k: int | None = None
) -> TokenGradients:
    """Keep each text's `top_k` positions of largest norm (Eq. 5), then sum by token.

    Parameters
    ----------
    norms
        From :func:`position_norms`.
    top_k
        See :func:`kept_positions`.
    """
    place = kept_positions(gradients, norms, top_k).flatten().nonzero().flatten()
    example = place // norms.shape[1]
    token = batch.ids.flatten()[place]
    return _sum_by_token(example, token, gradients.gradient.flatten(0, 1), place)


def self_products(batch: Batch, gradients: EmbeddingGradients, norms: Tensor) -> Tensor:
    """Return Σ_w ‖∂ℓ(x)/∂Θ_w‖² over all tokens of each example, float32, shape (batch,).

    This is the sum of ‖g_t‖² over positions, corrected only for tokens that occur more than once.
    """
    total = norms.square().sum(1)
    width = norms.shape[1]
    ids = batch.ids.masked_fill(norms == 0, -1)
    key = ids + torch.arange(len(ids), device=ids.device).unsqueeze(1) * (int(ids.max()) + 2)
    flat = key.flatten()
    order = torch.argsort(flat, stable=True)
    ordered = flat[order]
    same = ordered[1:] == ordered[:-1]
    repeated = torch.zeros_like(ordered, dtype=torch.bool)
    repeated[1:] |= same
    repeated[:-1] |= same
    place = order[repeated & (ids.flatten()[order] >= 0)]
    place = place.sort().values
    if len(place) == 0:
        return total
    example = place // width
    summed = _sum_by_token(
        example, batch.ids.flatten()[place], gradients.gradient.flatten(0, 1), place
    )
    total.index_add_(0, example, norms.flatten()[place].square(), alpha=-1)
    return total.index_add_(0, summed.example, summed.gradient.square().sum(1)).clamp_(min=0)


def check_finite(
    gradients: EmbeddingGradients,
    norms: Tensor,
    rows: npt.NDArray[np.int64],
    names: Sequence[str],
    where: str,
) -> None:
    """Stop at a NaN or infinite loss or gradient.

    Raises
    ------
    NumericalError
        When there is one; the message names the example, which is ``names[rows[i]]`` at place i.
    """
    good = torch.isfinite(gradients.losses) & torch.isfinite(norms).all(1)
    if not bool(good.all()):
        bad = names[int(rows[int((~good).nonzero()[0])])]
        raise NumericalError(
            f"the loss or gradient of example {bad!r} is NaN or infinite at {where}; "
            f"the training diverged there: train again with a lower {option('learning_rate')}."
        )


def _sum_by_token(example: Tensor, token: Tensor, rows: Tensor, place: Tensor) -> TokenGradients:
    """Sum ``rows[place]`` over equal (example, token).

    Only repeated pairs are added; all others are copied once. The order of summation is that of the
    positions, so the result does not depend on the number of threads.
    """
    if len(place) == 0:
        return TokenGradients(example, token, rows[:0].clone())
    key = example * (int(token.max()) + 1) + token
    order = torch.argsort(key, stable=True)
    key, place = key[order], place[order]
    first = torch.ones_like(key, dtype=torch.bool)
    first[1:] = key[1:] != key[:-1]
    gradient = rows.index_select(0, place[first])
    rest = (~first).nonzero().flatten()
    if len(rest):
        segment = torch.cumsum(first, 0)[rest] - 1
        gradient.index_add_(0, segment, rows.index_select(0, place[rest]))
    kept = order[first]
    # Gradients at two positions may cancel exactly; the zero that is left has no direction.
    there = gradient.any(1)
    if not bool(there.all()):
        kept, gradient = kept[there], gradient[there]
    return TokenGradients(example[kept], token[kept], gradient)
