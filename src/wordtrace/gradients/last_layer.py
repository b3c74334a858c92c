"""The last linear layer's gradient in closed form: an outer product of δ and a."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from wordtrace.data.batches import Encoded
from wordtrace.models.protocol import TextModel
from wordtrace.run import predict

FloatArray = npt.NDArray[np.float32]


def factors(
    model: TextModel, encoded: Encoded, labels: npt.NDArray[np.int64]
) -> tuple[FloatArray, FloatArray]:
    """Return a, the layer's input, and δ = ∂ℓ/∂f = softmax(f) − 1[label].

    For cross-entropy the gradient for the last layer's weight is δ aᵀ, and for its bias δ. With
    smoothed labels or weighted classes δ = softmax(f) Σ_j t_j − t, where t are the label's targets.

    Returns
    -------
    a
        float32, shape (examples, features).
    delta
        float32, shape (examples, classes).
    """
    inputs = predict.last_layer_inputs(model, encoded)
    delta = predict.probabilities(predict.last_layer(model, inputs))
    targets = getattr(model, "targets", None)
    if targets is None:
        delta[np.arange(len(labels)), labels] -= 1
    else:
        asked = targets.numpy()[labels]
        delta = delta * asked.sum(1, keepdims=True) - asked
    return inputs, delta.astype(np.float32)
