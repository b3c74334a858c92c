"""The rows that are removed, and the controls to compare with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rows = tuple[int, ...]


def random_rows(examples: int, count: int, seed: int) -> Rows:
    """Draw `count` training rows, the same for all queries with this (count, seed)."""
    drawn = np.random.default_rng([seed, count, 0]).choice(examples, count, replace=False)
    return tuple(sorted(drawn.tolist()))


def same_labels(labels: npt.NDArray[np.int64], removed: Rows, seed: int) -> Rows:
    """Draw as many rows of each label as `removed` has.

    Opponents mostly have another label than the query, and proponents the same label. So removing
    any rows of that label shifts the prediction, and this control shows by how much.
    """
    generator = np.random.default_rng([seed, len(removed), 1])
    of_removed = labels[list(removed)]
    drawn: list[int] = []
    for label in np.unique(of_removed):
        pool = np.flatnonzero(labels == label)
        drawn += generator.choice(pool, int((of_removed == label).sum()), replace=False).tolist()
    return tuple(sorted(drawn))


def class_rows(labels: npt.NDArray[np.int64], label: int, count: int, seed: int) -> Rows | None:
    """Draw `count` rows of one label; None if no row of the label would be left."""
    pool = np.flatnonzero(labels == label)
    if count >= len(pool):
        return None
    drawn = np.random.default_rng([seed, count, 2, label]).choice(pool, count, replace=False)
    return tuple(sorted(drawn.tolist()))
