"""The reference loop of :mod:`wordtrace.training.fit`, made as fast as one core can be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.data.batches import Encoded
from wordtrace.errors import NumericalError, option
from wordtrace.models.cnn import CNN
from wordtrace.models.flat_cnn import FlatCNN, lay
from wordtrace.retrainers.lazy_rows import LazyRows
from wordtrace.run.recipe import Recipe
from wordtrace.training.fit import batch_rows


@torch.no_grad()
def refit(
    model: CNN,
    encoded: Encoded,
    labels: npt.NDArray[np.int64],
    recipe: Recipe,
    weights: npt.NDArray[np.float32],
    last_step: int,
    first_step: int = 0,
) -> FlatCNN:
    """Train as :func:`wordtrace.training.fit.fit` does, to float tolerance; `model` is not changed.

    Parameters
    ----------
    labels, weights
        The class of each row, int64, and the factor of its loss, float32; both have the shape
        (examples,).
    first_step
        How many steps `model` has taken; the optimizer's moments start anew.

    Raises
    ------
    NumericalError
        When a loss is NaN or infinite.
    """
    flat = FlatCNN(model)
    rows = LazyRows(flat.embedding, recipe.momentum, recipe.weight_decay)
    velocity = torch.zeros_like(flat.weights)
    total = recipe.steps(len(encoded))
    for step in range(first_step, min(total, last_step)):
        members = batch_rows(recipe, len(encoded), step)
        layout = lay(encoded, members, flat.gap)
        factors = torch.from_numpy(weights[members] / len(members))
        state = rows.read(layout.tokens)
        wanted = torch.from_numpy(labels[members])
        losses, gradient = flat.backward(layout, state[:, 0], wanted, factors)
        if not torch.isfinite(losses).all():
            raise not_finite(step + 1, recipe.seed)
        rate = recipe.rate(step + 1, total)
        if recipe.weight_decay:
            flat.gradient.add_(flat.weights, alpha=recipe.weight_decay)
        velocity.mul_(recipe.momentum).add_(flat.gradient)
        flat.weights.sub_(velocity, alpha=rate)
        if not recipe.freeze_embeddings:
            rows.step(layout.tokens, state, gradient, rate)
    flat.embedding = rows.settle().contiguous()
    return flat


def not_finite(step: int, seed: int) -> NumericalError:
    """Return the error for a loss that is NaN or infinite at `step`, counted from 1."""
    return NumericalError(
        f"the training loss is not finite at step {step} of a retraining with seed {seed}; a "
        f"lower {option('learning_rate')} usually mends it."
    )
