"""The texts that a study asks about."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from wordtrace.asking.asker import Asker
from wordtrace.data.examples import Examples
from wordtrace.errors import InputError, option
from wordtrace.run.run import Run

IntArray = npt.NDArray[np.int64]

ONLY = ("all", "right", "wrong")


def pick(
    run: Run,
    queries: Examples | int,
    *,
    only: str = "all",
    balanced: bool = False,
    seed: int = 0,
) -> Examples:
    """Return labelled texts to ask about.

    Parameters
    ----------
    queries
        Texts with labels, or how many to draw from the run's held-out rows.
    only
        "right" or "wrong": those that the final model predicts so.
    balanced
        As many of each label, where they are drawn.
    seed
        The seed of the draw.

    Raises
    ------
    InputError
        When there are no held-out rows, too few, or a label is missing.
    """
    if only not in ONLY:
        raise InputError(f"{option('only')} is {only!r}; it must be {', '.join(ONLY)}.")
    count: int | None = None
    if isinstance(queries, int):
        if run.held_out is None:
            raise InputError(
                f"this run has no held-out rows to draw from: give {option('queries')}."
            )
        if queries < 1:
            raise InputError(f"{option('queries')} is {queries}; it must be at least 1.")
        count, pool = queries, run.held_out
    else:
        pool = queries
        if (pool.labels < 0).any():
            bare = pool.ids[int((pool.labels < 0).argmax())]
            raise InputError(f"{pool.source}: the query {bare!r} has no label; studies need it.")
    order = [run.labelling.parse(name) for name in pool.label_names]
    labels = np.array(order, np.int64)[pool.labels]
    rows = np.arange(len(pool))
    if only != "all":
        asker = Asker(run)
        said = asker.predict(asker.question(pool)).labels
        rows = np.flatnonzero((said == labels) == (only == "right"))
    if count is not None:
        rows = _draw(rows, labels, count, balanced, seed)
    elif balanced:
        fewest = min(int((labels[rows] == label).sum()) for label in np.unique(labels))
        rows = _draw(rows, labels, fewest * len(np.unique(labels)), True, seed)
    if len(rows) == 0:
        raise InputError(f"no query is left that the model gets {only}.")
    chosen = pool.take(rows)
    return Examples.of(
        chosen.texts,
        labels[rows],
        run.label_names,
        ids=chosen.ids,
        texts2=chosen.texts2,
        source=pool.source,
    )


def _draw(rows: IntArray, labels: IntArray, count: int, balanced: bool, seed: int) -> IntArray:
    generator = np.random.default_rng([seed, 3])
    shuffled = generator.permutation(rows)
    if balanced:
        classes = np.unique(labels)
        turn = np.zeros(len(shuffled), np.int64)
        for label in classes:
            of_label = labels[shuffled] == label
            turn[of_label] = np.arange(int(of_label.sum()))
        # All first ones of each label, then all second ones.
        shuffled = shuffled[np.argsort(turn, kind="stable")]
    if count > len(shuffled):
        raise InputError(
            f"there are only {len(shuffled):,} such rows; {option('queries')} is {count:,}."
        )
    found = shuffled[:count]
    found.sort()
    return found
