"""The gradient at the embedding layer's output for every example of a batch, in one backward."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from wordtrace.gradients.rows import row_gradients
from wordtrace.models.alone import alone
from wordtrace.models.protocol import Batch, TextModel

#: The precisions in which the gradients of an index may be computed.
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class EmbeddingGradients:
    """What one forward and one backward give for a batch.

    Attributes
    ----------
    gradient
        float32, shape (batch, length, dim): element [i, t] is ∂ℓ(x_i)/∂e_{i,t}, the gradient of
        example i's own loss with respect to the row that it looked up at position t; 0 at padding,
        and at a row that is never trained (see :func:`.row_gradients`).
    losses
        float, shape (batch,).
    logits
        float, shape (batch, outputs).
    strength
        float32, shape (batch, length): the norms before `scale` was applied, which decide the
        top-k; None where there was no scale.
    """

    gradient: Tensor
    losses: Tensor
    logits: Tensor
    strength: Tensor | None = None


def embedding_gradients(
    model: TextModel,
    batch: Batch,
    objective: Callable[[Tensor, Batch], Tensor] | None = None,
    *,
    scale: Tensor | None = None,
    precision: str = "float32",
) -> EmbeddingGradients:
    """Differentiate the sum of the examples' losses at the embedding's output.

    The examples of a batch do not mix, so the gradient of the sum holds each example's own. A
    forward hook makes the output a leaf: no gradient of a weight is computed, and the backward
    passes through the position embeddings and the normalisation that follow. The model must be in
    evaluation mode with its parameters frozen.

    Parameters
    ----------
    objective
        Maps (logits, batch) to a value for each example, shape (batch,); the training loss by
        default.
    scale
        From :meth:`.run.run.Run.row_scale`: each position's gradient is multiplied by the row of
        its token. None: nothing is multiplied.
    precision
        One of :data:`PRECISIONS`; with "bfloat16", matrix products are computed in it (autocast).
        What is returned is float32 in any case.
    """
    leaves: list[Tensor] = []

    def make_leaf(module: object, inputs: object, output: Tensor) -> Tensor:
        leaf = output.detach().requires_grad_(True)
        leaves.append(leaf)
        return leaf

    with alone(model):
        handle = model.embedding.register_forward_hook(make_leaf)
        try:
            with torch.enable_grad(), _computing(model, precision):
                logits = model.logits(batch)
                losses = (objective or model.losses)(logits, batch)
                (gradient,) = torch.autograd.grad(losses.sum(), leaves)
        finally:
            handle.remove()
    gradient = row_gradients(model.embedding, batch.ids, gradient, batch.mask)
    strength: Tensor | None = None
    if scale is not None:
        strength = torch.linalg.vector_norm(gradient, dim=2)
        gradient *= scale[batch.ids]
    return EmbeddingGradients(gradient, losses.detach(), logits.detach(), strength)


def _computing(model: TextModel, precision: str) -> AbstractContextManager[object]:
    if precision != "bfloat16":
        return nullcontext()
    return torch.autocast(next(model.embedding.parameters()).device.type, torch.bfloat16)
