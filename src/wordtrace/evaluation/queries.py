"""The texts that a study asks about."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from wordtrace.asking.asker import Asker
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labels
from wordtrace.errors import InputError, option
from wordtrace.run.run import Run

IntArray = npt.NDArray[np.int64]

ONLY = ("all", "right", "wrong")


def pick(
    run: Run,
    queries: Examples | int | None,
    *,
    only: str = "all",
    balanced: bool = False,
    seed: int = 0,
    most: int = 20,
) -> Examples:
    """Return labelled texts to ask about.

    A model that gives numbers is asked what makes each number higher, whatever number the file has.

    Parameters
    ----------
    queries
        Texts with labels, or how many to draw from the run's held-out rows; None for all of these,
        up to `most`.
    only
        "right" or "wrong": those that the final model predicts so.
    balanced
        As many of each label, where they are drawn.
    seed
        The seed of the draw.

    Raises
    ------
    InputError
        When there are no held-out rows, too few, a label is missing, or the choice makes no sense
        for the run's kind of labels.
    """
    if only not in ONLY:
        raise InputError(f"{option('only')} is {only!r}; it must be {', '.join(ONLY)}.")
    _refuse_kinds(run, only, balanced)
    if queries is None or isinstance(queries, int):
        if run.held_out is None:
            raise InputError(
                f"this run has no held-out rows to draw from: give {option('queries')}."
            )
        if queries is not None and queries < 1:
            raise InputError(f"{option('queries')} is {queries}; it must be at least 1.")
        pool = run.held_out
    else:
        pool = queries
    labels = _labels(run, pool)
    rows = np.arange(len(pool))
    if only != "all":
        asker = Asker(run)
        said = asker.predict(asker.question(pool)).labels
        right = (said == labels).reshape(len(pool), -1).all(1)
        rows = np.flatnonzero(right == (only == "right"))
    if isinstance(queries, int):
        rows = _draw(rows, labels, queries, balanced, seed)
    elif queries is None or balanced:
        count = _alike_many(labels, rows) if balanced else len(rows)
        rows = _draw(
            *(rows, labels, count if queries is not None else min(count, most), balanced, seed)
        )
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
        kind=run.labelling.kind,
    )


def _refuse_kinds(run: Run, only: str, balanced: bool) -> None:
    kind = "answers" if run.generates else run.labelling.kind + "s"
    if only != "all" and kind in ("answers", "numbers"):
        raise InputError(
            f"{option('only')} is for labels, which are right or wrong; {run.path} has a model "
            f"that gives {kind}: leave it out."
        )
    if balanced and (run.generates or run.labelling.kind != "class"):
        raise InputError(
            f"{option('balanced')} is for models that give each text one class; leave it out for "
            f"{run.path}."
        )


def _labels(run: Run, pool: Examples) -> Labels:
    """Return what each query is asked about."""
    if run.generates:
        return np.zeros(len(pool), np.int64)
    if run.labelling.kind == "number":
        return np.full((len(pool), 1), np.inf, np.float32)
    given = pool.labelling.given(pool.labels)
    if not given.all():
        bare = pool.ids[int((~given).argmax())]
        raise InputError(f"{pool.source}: the query {bare!r} has no label; studies need it.")
    return pool.labels_as(run.labelling)


def few(asked: Examples, count: int, *, balanced: bool, seed: int) -> IntArray:
    """Draw the places of some queries, rising; all where there are no more.

    Parameters
    ----------
    asked
        What :func:`pick` returned.
    """
    every = np.arange(len(asked))
    return _draw(every, asked.labels, min(count, len(every)), balanced, seed)


def _alike_many(labels: Labels, rows: IntArray) -> int:
    """Return how many of some rows are the most of which each label has as many."""
    there = np.unique(labels)
    return min(int((labels[rows] == label).sum()) for label in there) * len(there)


def _draw(rows: IntArray, labels: Labels, count: int, balanced: bool, seed: int) -> IntArray:
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
