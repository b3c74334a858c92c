"""Predictions and losses of many examples, without gradients."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.data.batches import Encoded, by_length
from wordtrace.models.cnn import CNN
from wordtrace.models.protocol import TextModel
from wordtrace.run.fit import to_batch

FloatArray = npt.NDArray[np.float32]

#: Positions in one batch of a pass that keeps no weight gradients; small enough for the caches.
TOKENS_A_BATCH = 1 << 14
# A deep model keeps many more numbers a position than the CNN.
_DEEP = 1 << 11


@torch.no_grad()
def logits(model: TextModel, encoded: Encoded) -> FloatArray:
    """Return class scores, float32, shape (examples, classes)."""
    found: list[tuple[npt.NDArray[np.int64], torch.Tensor]] = []
    labels = np.zeros(len(encoded), np.int64)
    for rows in by_length(encoded.lengths, 1024, tokens_a_batch(model)):
        found.append((rows, model.logits(to_batch(encoded, labels, rows, device_of(model))).cpu()))
    return _in_order(found, len(encoded))


@torch.no_grad()
def last_layer_inputs(model: TextModel, encoded: Encoded) -> FloatArray:
    """Return what the final linear layer is given, float32, shape (examples, features)."""
    found: list[tuple[npt.NDArray[np.int64], torch.Tensor]] = []
    labels = np.zeros(len(encoded), np.int64)
    for rows in by_length(encoded.lengths, 1024, tokens_a_batch(model)):
        batch = to_batch(encoded, labels, rows, device_of(model))
        found.append((rows, model.last_layer_input(batch).cpu()))
    return _in_order(found, len(encoded))


@torch.no_grad()
def last_layer(model: TextModel, inputs: FloatArray) -> FloatArray:
    """Return the final linear layer's outputs, the class scores, shape (examples, classes)."""
    (name,) = model.named_layers["last"]
    found = model.module.get_submodule(name)(torch.from_numpy(inputs).to(device_of(model)))
    result: FloatArray = found.float().cpu().numpy()
    return result


def probabilities(scores: FloatArray) -> npt.NDArray[np.float64]:
    """Return softmax(scores) over the classes, float64, the same shape.

    A language model's one score is a mean log-probability: its exponential, the geometric mean of
    the tokens' probabilities.
    """
    if scores.shape[1] == 1:
        alone: npt.NDArray[np.float64] = np.exp(scores.astype(np.float64))
        return alone
    shifted = scores.astype(np.float64) - scores.max(1, keepdims=True)
    exponential = np.exp(shifted)
    result: npt.NDArray[np.float64] = exponential / exponential.sum(1, keepdims=True)
    return result


def cross_entropy(scores: FloatArray, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return −log softmax(scores)[label] of each example, float64, shape (examples,).

    Of a language model's one score, a mean log-probability, the negative.
    """
    wide = scores.astype(np.float64)
    if wide.shape[1] == 1:
        alone: npt.NDArray[np.float64] = -wide[:, 0]
        return alone
    top = wide.max(1)
    log_sum = top + np.log(np.exp(wide - top[:, None]).sum(1))
    result: npt.NDArray[np.float64] = log_sum - wide[np.arange(len(labels)), labels]
    return result


def tokens_a_batch(model: TextModel) -> int:
    """Return how many positions a batch may have."""
    deep = not isinstance(model, CNN) and device_of(model).type == "cpu"
    return min(TOKENS_A_BATCH, _DEEP) if deep else TOKENS_A_BATCH


def device_of(model: TextModel) -> torch.device:
    """Return where the model's embedding lies."""
    return next(iter(model.embedding.parameters())).device


def _in_order(found: list[tuple[npt.NDArray[np.int64], torch.Tensor]], count: int) -> FloatArray:
    result = np.empty((count, found[0][1].shape[1] if found else 0), np.float32)
    for rows, values in found:
        result[rows] = values.numpy()
    return result
