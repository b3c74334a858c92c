"""From the gradient at an embedding's output to the gradient of the rows that it looked up."""

from __future__ import annotations

from torch import Tensor, nn


def row_gradients(embedding: nn.Module, ids: Tensor, gradient: Tensor, counted: Tensor) -> Tensor:
    """Return the gradient of the row that each position looked up.

    Some embeddings return the row times a factor (``embed_scale``, as in BART, M2M100 and Gemma).
    The row of ``padding_idx`` is never trained: PyTorch gives it no gradient, even where a text
    holds that token.

    Parameters
    ----------
    embedding
        The module that looked the rows up.
    ids
        int64, shape (batch, length): the rows.
    gradient
        The gradient at the module's output, shape (batch, length, dim).
    counted
        bool, shape (batch, length): False at padding.

    Returns
    -------
    Tensor
        float32, shape (batch, length, dim); 0 at padding and at the row of ``padding_idx``.
    """
    gradient = gradient.float()
    scale = getattr(embedding, "embed_scale", None)
    if isinstance(scale, Tensor):  # such modules round the factor to the dtype of their rows
        scale = scale.to(next(embedding.parameters()).dtype)
    if scale is not None:
        gradient = gradient * scale
    padding = getattr(embedding, "padding_idx", None)
    if padding is not None:
        counted = counted & (ids != padding)
    return gradient.masked_fill(~counted.unsqueeze(-1), 0.0)


def is_lookup(module: nn.Module) -> bool:
    """Tell whether a module maps ids to rows, or to rows times a factor.

    Some models derive a module for positions from ``nn.Embedding`` and call it with something else
    than ids (a mask, the tokens). Which rows such a module took can't be seen from outside, so it
    does not count.
    """
    if not isinstance(module, nn.Embedding):
        return False
    return type(module).forward is nn.Embedding.forward or hasattr(module, "embed_scale")
