"""The loss of a Trainer's batch, with a weight for each row.

A row of weight 0 keeps its place in its batch and takes no part in the loss. What the loss is
divided by stays what it was: the number of rows in the batch, or of labels in all batches of the
step. So with and without a row all else is the same, and a batch of nothing but rows that are left
out has gradient 0, upon which the optimizer takes a step all the same: momentum and weight decay go
on as they would.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from wordtrace.data.labelling import Kind
from wordtrace.run.replay_record import Loss

#: The label of a position that foretells nothing.
IGNORED = -100


def classifier_loss(
    scores: Tensor, labels: Tensor, weights: Tensor, kind: Kind, smoothing: float, items: Any
) -> Tensor:
    """Return the loss of a batch of a classifier or a regression, a scalar.

    Parameters
    ----------
    scores
        float, shape (rows, outputs).
    labels
        As the collator gives them.
    weights
        float32, shape (rows,).
    smoothing
        The part of each label that is spread over all classes.
    items
        The number of labels in all batches of the step; None: the loss is the batch's own mean.
    """
    count = len(scores)
    if kind == "number":
        losses = (scores.reshape(count, -1) - labels.reshape(count, -1)).square().mean(1)
        return (losses * weights).sum() / count
    if kind == "set":
        terms = F.binary_cross_entropy_with_logits(scores, labels, reduction="none")
        return (terms.mean(1) * weights).sum() / count
    losses = _entropy(scores, labels.reshape(-1), smoothing)
    return (losses * weights).sum() / (count if items is None else items)


def language_loss(
    scores: Tensor,
    targets: Tensor,
    weights: Tensor,
    definition: Loss,
    smoothing: float,
    items: Any,
    counted: int,
) -> Tensor:
    """Return the loss of a batch of a language model, a scalar.

    Parameters
    ----------
    scores
        float, shape (positions that foretell, vocabulary), row by row.
    targets
        int64, shape (rows, length): the token that each position foretells; -100: none.
    items
        The number of labels in all batches of the step; None: those of the batch, `counted`.
    """
    asked = targets != IGNORED
    losses = _entropy(scores.float(), targets[asked], smoothing)
    if definition.kind == "dft":
        losses = losses * (-losses).exp().detach()
    total = (losses * weights[asked.nonzero()[:, 0]]).sum()
    return total / (max(counted, 1) if items is None else items)


def foretold(labels: Tensor) -> Tensor:
    """Return what a causal model's positions foretell: the labels, one place to the left."""
    return F.pad(labels, (0, 1), value=IGNORED)[:, 1:]


def given(batch: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """Return what the model is called with: all but the labels, from which a decoder is fed."""
    inputs = {name: one for name, one in batch.items() if name != "labels"}
    if model.config.is_encoder_decoder and "decoder_input_ids" not in inputs:
        inputs["decoder_input_ids"] = _inner(model).prepare_decoder_input_ids_from_labels(
            batch["labels"]
        )
    return inputs


def _inner(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _entropy(scores: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Return each label's cross-entropy, 0 where it is -100, as transformers smooths it."""
    losses = F.cross_entropy(scores, labels, reduction="none", ignore_index=IGNORED).float()
    if not smoothing:
        return losses
    spread = -scores.log_softmax(-1).mean(-1, dtype=torch.float32)
    return (1 - smoothing) * losses + smoothing * spread.masked_fill(labels == IGNORED, 0)
