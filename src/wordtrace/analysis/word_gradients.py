"""Gradients of a few texts for the embedding of each of their words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from wordtrace.gradients.embedding import embedding_gradients
from wordtrace.gradients.tokens import check_finite, position_norms, token_gradients
from wordtrace.measures.protocol import Queries
from wordtrace.models.protocol import Batch, TextModel
from wordtrace.run import predict
from wordtrace.run.fit import to_batch
from wordtrace.run.run import Run

Vector = npt.NDArray[np.float64]
Objective = Callable[[Tensor, Batch], Tensor]


@dataclass(frozen=True)
class Agreement:
    """How much two texts' gradients for one word agree, over the checkpoints.

    Attributes
    ----------
    similarity
        Σ_c η_c ∂ℓ(x)/∂Θ_w · ∂ℓ(x′)/∂Θ_w, the paper's word gradient similarity.
    cosine
        The same divided by √(Σ_c η_c ‖∂ℓ(x)/∂Θ_w‖²) √(Σ_c η_c ‖∂ℓ(x′)/∂Θ_w‖²), in [-1, 1]: the
        cosine of the gradients of all checkpoints put one behind the other, each times √η_c. None
        where one of them is zero.
    """

    similarity: float
    cosine: float | None


def word_gradients(
    model: TextModel, queries: Queries, where: str, objective: Objective | None = None
) -> list[dict[int, Vector]]:
    """Return each text's gradients for the embedding rows of its tokens.

    Parameters
    ----------
    where
        Names the checkpoint in an error.
    objective
        What is differentiated, as in :func:`.embedding_gradients`; the training loss by default.

    Returns
    -------
    list
        For each text {token: float64, shape (dim,)}, summed over the token's positions; every
        token of the text is there, one without a gradient with zeros.

    Raises
    ------
    NumericalError
        When a gradient is NaN or infinite; names the text.
    """
    rows = np.arange(len(queries))
    batch = to_batch(queries.encoded, queries.labels, rows, predict.device_of(model))
    found = embedding_gradients(model, batch, objective)
    norms = position_norms(found)
    check_finite(found, norms, rows, queries.texts, where)
    kept = token_gradients(batch, found, norms)
    zero = np.zeros(found.gradient.shape[2])
    texts: list[dict[int, Vector]] = [
        dict.fromkeys(queries.encoded[row].tolist(), zero) for row in range(len(queries))
    ]
    gradients = kept.gradient.double().cpu().numpy()
    for text, token, gradient in zip(
        kept.example.tolist(), kept.token.tolist(), gradients, strict=True
    ):
        texts[text][token] = gradient
    return texts


def agreements(run: Run, queries: Queries) -> dict[int, Agreement]:
    """Compare the loss gradients of two texts for each token that both hold.

    The similarities sum to TracIn-WE(x, x′) over the run's checkpoints (Eq. 4).
    """
    sums: dict[int, Vector] = {}
    for point in run.checkpoints:
        one, other = word_gradients(run.model(point), queries, f"step {point.step}")
        for token in one.keys() & other.keys():
            g, h = one[token], other[token]
            products = point.learning_rate * np.array([g @ h, g @ g, h @ h])
            sums[token] = sums.get(token, np.zeros(3)) + products
    return {token: _agreement(*values.tolist()) for token, values in sums.items()}


def _agreement(product: float, square: float, other: float) -> Agreement:
    # The roots first: the product of two small squares would sink below float64's range.
    size = float(np.sqrt(square) * np.sqrt(other))
    return Agreement(product, max(-1.0, min(1.0, product / size)) if size else None)
