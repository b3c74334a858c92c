"""Predictions and losses of many examples, without gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.data.batches import Encoded, by_length
from wordtrace.data.labelling import Labels
from wordtrace.models.alone import alone
from wordtrace.models.cnn import CNN
from wordtrace.models.outputs import Outputs
from wordtrace.models.protocol import Batch, TextModel, to_batch

FloatArray = npt.NDArray[np.float32]

#: Positions in one batch of a pass that keeps no weight gradients; small enough for the caches.
TOKENS_A_BATCH = 1 << 14
# A deep model keeps many more numbers a position than the CNN.
_DEEP = 1 << 11


@torch.no_grad()
def logits(model: TextModel, encoded: Encoded) -> FloatArray:
    """Return scores, float32, shape (examples, outputs): of a classifier, its classes."""
    return _passed(model, encoded, model.logits)


@torch.no_grad()
def last_layer_inputs(model: TextModel, encoded: Encoded) -> FloatArray:
    """Return what the final linear layer is given, float32, shape (examples, features)."""
    return _passed(model, encoded, model.last_layer_input)


@torch.no_grad()
def last_layer(model: TextModel, inputs: FloatArray) -> FloatArray:
    """Return the final linear layer's outputs, the scores, shape (examples, outputs)."""
    (name,) = model.named_layers["last"]
    with alone(model):
        found = model.module.get_submodule(name)(torch.from_numpy(inputs).to(device_of(model)))
    result: FloatArray = found.float().cpu().numpy()
    return result


def predicted(outputs: Outputs, scores: FloatArray) -> Labels:
    """Return what the model predicts, as labels."""
    found: Labels = outputs.predicted(torch.from_numpy(scores)).numpy()
    return found


def probability(outputs: Outputs, scores: FloatArray, labels: Labels) -> npt.NDArray[np.float64]:
    """Return the probability of each label, float64, shape (examples,); NaN where there is none."""
    wide = torch.from_numpy(scores).double()
    found: npt.NDArray[np.float64] = outputs.probability(wide, torch.from_numpy(labels)).numpy()
    return found


def or_none(value: float) -> float | None:
    """Return a probability as JSON knows it: None where there is none."""
    return None if np.isnan(value) else float(value)


def losses(outputs: Outputs, scores: FloatArray, labels: Labels) -> npt.NDArray[np.float64]:
    """Return the training loss of each example, float64, shape (examples,)."""
    wide = torch.from_numpy(scores).double()
    given = torch.from_numpy(labels)
    found = outputs.losses(wide, given.double() if given.is_floating_point() else given)
    result: npt.NDArray[np.float64] = found.numpy()
    return result


def probabilities(scores: FloatArray) -> npt.NDArray[np.float64]:
    """Return softmax(scores) over the classes, float64, the same shape."""
    shifted = scores.astype(np.float64) - scores.max(1, keepdims=True)
    exponential = np.exp(shifted)
    result: npt.NDArray[np.float64] = exponential / exponential.sum(1, keepdims=True)
    return result


def cross_entropy(scores: FloatArray, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return −log softmax(scores)[label] of each example, float64, shape (examples,)."""
    wide = scores.astype(np.float64)
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


def _passed(model: TextModel, encoded: Encoded, ask: Callable[[Batch], torch.Tensor]) -> FloatArray:
    """Return what the model gives for each example, batch by batch, in the examples' order."""
    found: list[tuple[npt.NDArray[np.int64], torch.Tensor]] = []
    labels = np.zeros(len(encoded), np.int64)
    for rows in by_length(encoded.lengths, 1024, tokens_a_batch(model)):
        batch = to_batch(encoded, labels, rows, device_of(model))
        with alone(model):
            given = ask(batch)
        found.append((rows, given.cpu()))
    return _in_order(found, len(encoded))


def _in_order(found: list[tuple[npt.NDArray[np.int64], torch.Tensor]], count: int) -> FloatArray:
    # PyTorch's memory is aligned as matrix products need it for the same bits in every process.
    result: FloatArray = torch.empty(count, found[0][1].shape[1] if found else 0).numpy()
    for rows, values in found:
        result[rows] = values.numpy()
    return result
