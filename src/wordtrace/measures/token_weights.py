"""A weight for each token of the vocabulary, by which its term of a score is multiplied.

Rare words tell more of a cause than frequent ones. A score by word is a sum over shared tokens, so
it is enough to multiply the query's gradient of each token by the token's weight: the examples'
gradients, and an index of them, stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from wordtrace.data.batches import document_frequency
from wordtrace.errors import InputError, option

if TYPE_CHECKING:  # the command line reads the options of measures, and loads no model for it
    from wordtrace.run.run import Run

FloatArray = npt.NDArray[np.float32]

#: "" for none, "idf", or a number for each token of the vocabulary.
Weights = str | tuple[float, ...]


def idf_squared(documents: npt.NDArray[np.int64], examples: int) -> FloatArray:
    """Return idf(w)² with idf(w) = ln((1 + N) / (1 + df(w))) + 1, as scikit-learn smooths it.

    The square is the weight of a token whose gradient is multiplied by idf(w) in both texts.

    Parameters
    ----------
    documents
        int64, shape (vocabulary,): df, the number of training texts that hold each token.
    examples
        N, the number of training texts.

    Returns
    -------
    array
        float32, shape (vocabulary,), 1 or more.
    """
    return ((np.log((1 + examples) / (1 + documents)) + 1) ** 2).astype(np.float32)


def checked(weights: str | Sequence[float] | npt.NDArray[np.floating]) -> Weights:
    """Return weights as they are kept in the options.

    Raises
    ------
    InputError
        For an unknown word, and for numbers that are not finite or below 0.
    """
    if isinstance(weights, str):
        if weights in ("", "idf"):
            return weights
        raise InputError(
            f"{option('weights')} is {weights!r}; give idf, or in Python a number for each token."
        )
    numbers = np.asarray(weights, np.float64)
    if numbers.ndim != 1 or not len(numbers):
        raise InputError(
            f"{option('weights')} has the shape {numbers.shape}; give one number for each token."
        )
    if not (np.isfinite(numbers) & (numbers >= 0)).all():
        raise InputError(f"{option('weights')} has a number below 0, or one that is not finite.")
    return tuple(numbers.tolist())


def named(weights: Weights) -> str | None:
    """Return how a document calls weights: "idf", "given" for numbers, None for none."""
    return (weights or None) if isinstance(weights, str) else "given"


def token_weights(
    weights: Weights, documents: npt.NDArray[np.int64], examples: int
) -> FloatArray | None:
    """Return each token's weight, float32, shape (vocabulary,); None where all are 1.

    Parameters
    ----------
    documents, examples
        See :func:`idf_squared`.

    Raises
    ------
    InputError
        When there are not as many numbers as tokens.
    """
    if isinstance(weights, str):
        return idf_squared(documents, examples) if weights else None
    if len(weights) != len(documents):
        raise InputError(
            f"{option('weights')} has {len(weights):,} numbers, but the vocabulary has "
            f"{len(documents):,} tokens; give one for each."
        )
    return np.asarray(weights, np.float32)


def weights_of_run(weights: Weights, run: Run) -> FloatArray | None:
    """Return each token's weight by the document frequencies of a run's training texts."""
    if not weights:
        return None
    documents = document_frequency(run.encoded, run.tokenizer.size)
    return token_weights(weights, documents, len(run.train))
