"""The products of gradients, position by position, that add up to a token's term of a score."""

from __future__ import annotations

from collections.abc import Sequence

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


def position_products(
    run: Run,
    top_k: int | None,
    query: tuple[Encoded, Labels],
    examples: tuple[Encoded, Labels],
    names: Sequence[str],
    bases: Sequence[Tensor] | None = None,
) -> list[npt.NDArray[np.float64]]:
    """Multiply a query's gradients with those of examples at each pair of positions.

    Parameters
    ----------
    query, examples
        Token ids and labels; `query` holds one query.
    names
        The examples' names, for messages.
    bases
        The bases of a projection, one for each checkpoint, each of shape (dim, dimensions kept):
        products are taken in these dimensions. None: in all dimensions.

    Returns
    -------
    list
        For each example Σ_c η_c g_t · g′_s, shape (its positions, the query's positions); 0 where
        a position is not among a text's `top_k` at a checkpoint. Summed over the positions t and s
        that hold the token w, it gives w's term of the score (Eq. 4–6).
    """
    count = len(query[0].ids)
    found = [np.zeros((int(length), count)) for length in examples[0].lengths]
    for place, (eta, point) in enumerate(zip(run.etas, run.checkpoints, strict=True)):
        basis = None if bases is None else bases[place].float().numpy()
        (asked,) = position_gradients(run, point, *query, top_k, ["the query"])
        listed = position_gradients(run, point, *examples, top_k, names)
        for products, one in zip(found, listed, strict=True):
            left, right = (one, asked) if basis is None else (one @ basis, asked @ basis)
            products += eta * (left @ right.T)
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
