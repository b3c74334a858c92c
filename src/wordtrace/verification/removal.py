"""The rows that are removed, and the controls to compare with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from wordtrace.errors import InputError, option

Rows = tuple[int, ...]


def empties_a_class(labels: npt.NDArray[np.int64], removed: Iterable[int]) -> bool:
    """Return whether a label would be left without examples."""
    counts = np.bincount(labels)
    left = counts - np.bincount(labels[list(removed)], minlength=len(counts))
    return bool((left[counts > 0] == 0).any())


def refuse_empty(labels: npt.NDArray[np.int64], removed: Sequence[int]) -> None:
    """Raise InputError where a label would be left without examples."""
    if empties_a_class(labels, removed):
        raise InputError(_emptied(len(removed)))


def random_rows(labels: npt.NDArray[np.int64], count: int, seed: int) -> Rows:
    """Draw `count` training rows; the same for all queries with this (count, seed).

    A draw that would leave a label without examples, as no removal that it is compared with does,
    is made again from all rows but one of each label.

    Raises
    ------
    InputError
        When there are not so many rows to spare.
    """
    generator = np.random.default_rng([seed, count, 0])
    drawn = generator.choice(len(labels), count, replace=False)
    if empties_a_class(labels, drawn.tolist()):
        kept = [generator.choice(np.flatnonzero(labels == label)) for label in np.unique(labels)]
        spare = np.setdiff1d(np.arange(len(labels)), kept)
        if count > len(spare):
            raise InputError(_emptied(count))
        drawn = generator.choice(spare, count, replace=False)
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


def _emptied(count: int) -> str:
    return (
        f"removing {count:,} rows would leave a label without examples; give a smaller "
        f"{option('k')}."
    )
