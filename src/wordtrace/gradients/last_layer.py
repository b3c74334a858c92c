"""The last linear layer's gradient in closed form: the outer product of δ and a."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.data.batches import Encoded
from wordtrace.data.labelling import Labels
from wordtrace.models import predict
from wordtrace.models.protocol import TextModel

FloatArray = npt.NDArray[np.float32]


def factors(model: TextModel, encoded: Encoded, labels: Labels) -> tuple[FloatArray, FloatArray]:
    """Return a, the layer's input, and δ = ∂ℓ/∂f, which is softmax(f) − 1[label] for cross-entropy.

    The gradient of the last layer's weight is δ aᵀ, and that of its bias is δ.

    Returns
    -------
    a
        float32, shape (examples, features).
    delta
        float32, shape (examples, outputs).
    """
    inputs = predict.last_layer_inputs(model, encoded)
    scores = torch.from_numpy(predict.last_layer(model, inputs)).double().requires_grad_(True)
    with torch.enable_grad():
        losses = model.outputs.losses(scores, torch.from_numpy(labels))
        (delta,) = torch.autograd.grad(losses.sum(), [scores])
    return inputs, delta.float().numpy()
