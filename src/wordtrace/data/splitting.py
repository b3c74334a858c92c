"""Which rows are held out of training: some of each label, copies of a text together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def held_out(
    labels: npt.NDArray[np.int64], copies: npt.NDArray[np.int64], fraction: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Draw about `fraction` of the rows of each label.

    Parameters
    ----------
    labels
        int64, shape (rows,): classes.
    copies
        int64, shape (rows,): equal numbers for rows that stay on one side.
    seed
        Of the draw.

    Returns
    -------
    array
        bool, shape (rows,).
    """
    order = np.random.default_rng([seed, 1]).permutation(len(labels))
    held = np.zeros(len(labels), dtype=bool)
    # A group of copies goes by the label of its first row in the drawn order.
    _, first, group = np.unique(copies[order], return_index=True, return_inverse=True)
    sizes = np.bincount(group)
    left = np.floor(np.bincount(labels) * fraction + 0.5)
    label_of = labels[order[first]]
    chosen = np.zeros(len(first), dtype=bool)
    for place in np.argsort(first, kind="stable"):
        if sizes[place] <= left[label_of[place]]:
            left[label_of[place]] -= sizes[place]
            chosen[place] = True
    held[order] = chosen[group]
    return held
