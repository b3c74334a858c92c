"""The loop of the paper's notebook, written from its description: a set intersection a pair."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Kept = tuple[npt.NDArray[np.int64], FloatArray]


def scores(train: list[Kept], queries: list[Kept], eta: float) -> FloatArray:
    """Return influences (queries, examples) from each text's kept token ids and gradients.

    For each pair: the tokens that both hold; for each of these the gradients of its positions are
    summed on either side and multiplied.
    """
    result = np.zeros((len(queries), len(train)), np.float32)
    for i, (query_ids, query_values) in enumerate(queries):
        for j, (ids, values) in enumerate(train):
            total = 0.0
            for word in set(query_ids.tolist()) & set(ids.tolist()):
                mine = np.sum(values[ids == word], axis=0)
                theirs = np.sum(query_values[query_ids == word], axis=0)
                total += float(np.sum(mine * theirs))
            result[i, j] = eta * total
    return result
