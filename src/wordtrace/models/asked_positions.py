"""A language model's scores at the positions that a loss asks for, and at no others.

The scores over the vocabulary are the largest part of a language model's work where the model is
small or the vocabulary large, and a loss of answers alone asks for few of them. So the last layer
is given only the vectors of these positions.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


def scores_at(module: nn.Module, asked: Tensor, **inputs: Any) -> Tensor:
    """Call a language model and return its scores at some positions.

    Parameters
    ----------
    module
        A model of transformers with a head over the vocabulary, in a wrapper of peft's or not.
    asked
        bool, shape (batch, length), the length being the decoder's.
    inputs
        What the model is called with.

    Returns
    -------
    Tensor
        float, shape (positions, vocabulary), row by row, as the whole scores' ``[asked]`` has them.
    """
    head: nn.Module | None = getattr(module, "get_output_embeddings", lambda: None)()
    # Who listens to the head wants all positions.
    heard = head is not None and any(one._forward_hooks for one in head.modules())
    if head is None or heard or not bool(asked.any()):
        return _all(module, inputs)[asked]
    chosen = []

    def choose(_: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...] | None:
        vectors = given[0]
        if vectors.shape[:2] != asked.shape:
            return None  # a head that the model calls in a way of its own
        chosen.append(True)
        return (vectors[asked].unsqueeze(0), *given[1:])

    handle = head.register_forward_pre_hook(choose)
    try:
        scores = _all(module, inputs)
    finally:
        handle.remove()
    if not chosen:
        return scores[asked]
    if scores.shape[:2] == (1, int(asked.sum())):
        return scores[0]
    return _all(module, inputs)[asked]  # what comes after the head brought another shape


def _all(module: nn.Module, inputs: dict[str, Any]) -> Tensor:
    found: Tensor = module(**inputs).logits
    return found
