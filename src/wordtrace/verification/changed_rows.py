"""Training rows that are removed or get another label, and the controls of such a change."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from wordtrace.data.labelling import Labels
from wordtrace.errors import InputError
from wordtrace.retrainers.retrain import Rows
from wordtrace.verification.removal import IntArray, Pool, alike_rows, random_rows

#: (row, label) of rows with another label, in rising order; a label as :class:`.Retraining` has it.
Relabelled = tuple[tuple[int, int | str], ...]

_DRAWS = 20


@dataclass(frozen=True)
class Changed:
    """What a training changes: rows that are left out, and rows with another label."""

    removed: Rows = ()
    relabelled: Relabelled = ()

    def __len__(self) -> int:
        return len(self.removed) + len(self.relabelled)


def random_changes(pool: Pool, wanted: Changed, seed: int) -> Changed:
    """Change as many random rows: as many are left out, and as many get each of the new labels.

    A row whose label is the new one already is not drawn for it.

    Raises
    ------
    InputError
        When there are not so many rows to spare.
    """
    removed: Rows = ()
    if wanted.removed:
        removed = random_rows(pool, len(wanted.removed), seed, wanted.removed)
    found = _relabelled(pool, wanted, removed, seed, np.zeros(len(pool), np.int64))
    if found is None:
        raise InputError(
            f"the patch changes {len(wanted):,} of {len(pool):,} rows, and as many others can't be "
            "changed alike to compare with; verify a part of it."
        )
    return found


def alike_changes(pool: Pool, wanted: Changed, seed: int) -> Changed:
    """Change as many rows in the same way: from the same labels, to the same labels.

    Where there are too few rows of a label, others take their places.
    """
    removed: Rows = ()
    if wanted.removed:
        removed = alike_rows(pool, wanted.removed, seed)
    found = _relabelled(pool, wanted, removed, seed, pool.alike)
    return random_changes(pool, wanted, seed) if found is None else found


def refuse_empty(pool: Pool, changed: Changed) -> None:
    """Raise InputError where a label would be left without rows, or nothing at all."""
    if not changed.relabelled:
        pool.refuse_empty(changed.removed)
    elif _empties(pool, changed):
        raise InputError(
            f"after the patch ({len(changed):,} rows) a label of the run has no example any more; "
            "leave it one."
        )


def _relabelled(
    pool: Pool, wanted: Changed, removed: Rows, seed: int, alike: IntArray
) -> Changed | None:
    """Draw rows to relabel besides those removed; None where that gives nothing of its own."""
    if not wanted.relabelled:
        return Changed(removed)
    generator = np.random.default_rng([seed, len(wanted), 3, int(alike.any())])
    for _ in range(_DRAWS):
        drawn = _draw(pool, wanted.relabelled, removed, alike, generator)
        if drawn is None:
            return None
        found = Changed(removed, drawn)
        if found != wanted and not _empties(pool, found):
            return found
    return None


def _draw(
    pool: Pool,
    wanted: Relabelled,
    removed: Rows,
    alike: IntArray,
    generator: np.random.Generator,
) -> Relabelled | None:
    free = np.ones(len(pool), bool)
    free[list(removed)] = False
    groups = Counter((int(alike[row]), label) for row, label in wanted)
    found: list[tuple[int, int | str]] = []
    for (kind, label), count in sorted(groups.items(), key=str):
        fitting = free & ~pool.labelling.agree(pool.labels, _as_label(pool, label))
        rows = np.flatnonzero(fitting & (alike == kind))
        if len(rows) < count:
            rows = np.flatnonzero(fitting)
        if len(rows) < count:
            return None
        drawn = generator.choice(rows, count, replace=False)
        free[drawn] = False
        found += [(row, label) for row in drawn.tolist()]
    return tuple(sorted(found))


def _empties(pool: Pool, changed: Changed) -> bool:
    labels = pool.labels.copy()
    for row, label in changed.relabelled:
        labels[row] = _as_label(pool, label)
    kept: Labels = np.delete(labels, list(changed.removed), axis=0)
    if not len(kept):
        return True
    if pool.labelling.kind == "class":
        return bool(np.setdiff1d(pool.labels, kept).size)
    return bool(((pool.labels == 1).any(0) & ~(kept == 1).any(0)).any())


def _as_label(pool: Pool, label: int | str) -> Any:
    return pool.labelling.parse(label) if isinstance(label, str) else label
