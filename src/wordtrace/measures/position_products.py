"""The products of gradients, position by position, that add up to a token's term of a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from wordtrace.data.batches import Encoded
from wordtrace.data.labelling import Labels
from wordtrace.gradients.stream import gradient_stream
from wordtrace.gradients.tokens import kept_positions
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.run import Run

Gradients = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Terms:
    """What a token's term of a score is computed from.

    Attributes
    ----------
    top_k
        How many positions count in an example; None for all.
    query_top_k
        How many positions count in a query; None for all.
    weights
        float32, shape (vocabulary,): what each token's term is multiplied by, 0 where the token is
        left out; None for 1.
    bases
        The bases of the index's projection, one for each checkpoint, each of shape (dim, dimensions
        kept): products are taken in these dimensions. None: in all dimensions.
    shared
        Whether a term belongs to a token of both texts. Else it belongs to the example's alone, and
        is no product of two positions' gradients.
    """

    top_k: int | None
    query_top_k: int | None
    weights: npt.NDArray[np.float32] | None
    bases: Sequence[Tensor] | None
    shared: bool = True


def position_products(
    run: Run,
    terms: Terms,
    query: tuple[Encoded, Labels],
    examples: tuple[Encoded, Labels],
    names: Sequence[str],
) -> list[npt.NDArray[np.float64]]:
    """Multiply a query's gradients with those of examples at each pair of positions.

    Parameters
    ----------
    query, examples
        Token ids and labels; `query` holds one query.
    names
        The examples' names, for messages.

    Returns
    -------
    list
        For each example Σ_c η_c g_t · g′_s, times the weight of the query's token at s, shape (its
        positions, the query's positions); 0 where a position does not count at a checkpoint. Summed
        over the positions t and s that hold the token w, it gives w's term of the score (Eq. 4–6).
    """
    count = len(query[0].ids)
    weights = 1 if terms.weights is None else terms.weights[query[0].ids]
    found = [np.zeros((int(length), count)) for length in examples[0].lengths]
    for place, (eta, point) in enumerate(zip(run.etas, run.checkpoints, strict=True)):
        basis = None if terms.bases is None else terms.bases[place].float().numpy()
        (asked,) = position_gradients(run, point, *query, terms.query_top_k, ["the query"])
        listed = position_gradients(run, point, *examples, terms.top_k, names)
        for products, one in zip(found, listed, strict=True):
            left, right = (one, asked) if basis is None else (one @ basis, asked @ basis)
            products += eta * (left @ right.T) * weights
    return found


def position_gradients(
    run: Run,
    point: Checkpoint,
    encoded: Encoded,
    labels: Labels,
    top_k: int | None,
    names: Sequence[str],
) -> list[Gradients]:
    """Return each text's gradients by position; 0 at the positions that do not count.

    Raises
    ------
    NumericalError
        When a gradient is NaN or infinite; the message names the text.
    """
    found: list[Gradients] = [np.empty(0, np.float32)] * len(encoded)
    for one in gradient_stream(run, point, encoded, labels, names):
        keep = kept_positions(one.gradients, one.norms, top_k).unsqueeze(2)
        values = one.gradients.gradient.masked_fill_(~keep, 0.0).cpu().numpy()
        for row, value in zip(one.rows.tolist(), values, strict=True):
            found[row] = value[: encoded.lengths[row]]
    return found
