"""Gradients of a few texts for the embedding of each of their words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from wordtrace.gradients.stream import gradient_stream
from wordtrace.measures.protocol import Queries
from wordtrace.models.protocol import Batch
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.run import Run

Vector = npt.NDArray[np.float64]
#: Token → the gradient for its embedding, float64, shape (dim,).
Pieces = dict[int, Vector]
Objective = Callable[[Tensor, Batch], Tensor]


@dataclass(frozen=True)
class Agreement:
    """How much two texts' gradients for a word agree, over the checkpoints.

    For a whole word, or two words that share tokens, everything is summed over the tokens.

    Attributes
    ----------
    similarity
        Σ_c η_c ∂ℓ(x)/∂Θ_w · ∂ℓ(x′)/∂Θ_w, the paper's word gradient similarity, over the tokens w
        that both words hold.
    cosine
        The same divided by √(Σ_c η_c ‖∂ℓ(x)/∂Θ_w‖²) √(Σ_c η_c ‖∂ℓ(x′)/∂Θ_w‖²), in [-1, 1]: the
        cosine of the gradients of all checkpoints put one behind the other, each times √η_c. None
        where one of them is zero.
    """

    similarity: float
    cosine: float | None


def word_gradients(
    run: Run,
    point: Checkpoint,
    queries: Queries,
    names: Sequence[Sequence[str]],
    objective: Objective | None = None,
) -> list[dict[str, Pieces]]:
    """Return each text's gradients for the embedding rows of its words' tokens, at a checkpoint.

    The gradients are scaled as the run's weighting asks.

    Parameters
    ----------
    names
        For each text, the name at each position: that of the token, or of its whole word.
    objective
        What is differentiated, as in :func:`.embedding_gradients`; the training loss by default.

    Returns
    -------
    list
        For each text {word: {token: float64, shape (dim,)}}, summed over the positions of the token
        in the word; every word is there, one without a gradient with zeros.

    Raises
    ------
    NumericalError
        When a gradient is NaN or infinite; the message names the text.
    """
    encoded, texts = queries.encoded, queries.texts
    found: list[dict[str, Pieces]] = [{} for _ in names]
    for some in gradient_stream(run, point, encoded, queries.labels, texts, objective=objective):
        gradients = some.gradients.gradient.double().cpu().numpy()
        for row, gradient in zip(some.rows.tolist(), gradients, strict=True):
            tokens = encoded[row].tolist()
            for place, (name, token) in enumerate(zip(names[row], tokens, strict=True)):
                pieces = found[row].setdefault(name, {})
                pieces[token] = pieces.get(token, 0.0) + gradient[place]
    return found


def agreements(
    run: Run, queries: Queries, names: Sequence[Sequence[str]]
) -> dict[tuple[str, str], Agreement]:
    """Compare the loss gradients of two texts for each pair of words that share a token.

    The similarities sum to TracIn-WE(x, x′) over the run's checkpoints (Eq. 4), by its weighting.
    """
    sums: dict[tuple[str, str], Vector] = {}
    for point, eta in zip(run.checkpoints, run.etas, strict=True):
        one, other = word_gradients(run, point, queries, names)
        for word, g in one.items():
            for word2, h in other.items():
                shared = g.keys() & h.keys()
                if shared:
                    product = sum(float(g[token] @ h[token]) for token in shared)
                    terms = np.array([product, squared(g), squared(h)]) * eta
                    sums[word, word2] = sums.get((word, word2), np.zeros(3)) + terms
    return {pair: _agreement(*values.tolist()) for pair, values in sums.items()}


def squared(pieces: Pieces) -> float:
    """Return Σ_w ‖∂/∂Θ_w‖² over a word's tokens w."""
    return sum(float(vector @ vector) for vector in pieces.values())


def _agreement(product: float, square: float, other: float) -> Agreement:
    # The roots first: the product of two small squares would sink below float64's range.
    size = float(np.sqrt(square) * np.sqrt(other))
    return Agreement(product, max(-1.0, min(1.0, product / size)) if size else None)
