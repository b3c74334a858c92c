"""Refusing a study that makes no sense, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from wordtrace.data.examples import Examples
from wordtrace.errors import InputError, option
from wordtrace.evaluation.candidates import SIGNS
from wordtrace.evaluation.deletion import Deletion
from wordtrace.evaluation.halves import WAYS
from wordtrace.measures.protocol import Scores
from wordtrace.retrainers.outcomes import measured
from wordtrace.run.run import Run


def check_choices(
    run: Run,
    k: Sequence[int],
    repeats: int,
    signs: Sequence[str],
    measures: Sequence[str],
    scores: Mapping[str, Scores],
    queries: Examples | int | None,
    width: float | None,
    max_repeats: int,
    lds: int,
    halves: str,
    k_queries: int | None,
) -> list[int]:
    """Return the sizes, rising, or raise InputError for a choice that makes no sense."""
    sizes = sorted(set(k))
    if not sizes and not lds:
        raise InputError(
            f"there is nothing to train: {option('lds')} is 0, and there is no {option('k')}."
        )
    if sizes and (sizes[0] < 1 or sizes[-1] >= len(run.train)):
        raise InputError(
            f"{option('k')} must be between 1 and {len(run.train) - 1:,}, the rows but one."
        )
    if repeats < 1:
        raise InputError(f"{option('repeats')} is {repeats}; it must be at least 1.")
    if repeats < 2 and sizes:
        raise InputError(
            f"{option('repeats')} is {repeats}; at least 2 are needed to tell an effect from "
            "chance."
        )
    if not signs or set(signs) - set(SIGNS):
        raise InputError(
            f"{option('signs')} is {list(signs)}; give proponents, opponents, or both."
        )
    if not measures and not scores:
        raise InputError(f"there is nothing to evaluate: give {option('measures')}.")
    if twice := set(measures) & set(scores):
        raise InputError(
            f"{option('scores')} names {min(twice)!r}, which is a measure of {option('measures')}."
        )
    if scores and not isinstance(queries, Examples):
        raise InputError(
            f"{option('scores')} needs the queries that it is of: give {option('queries')}."
        )
    if lds and lds < 3:
        raise InputError(f"{option('lds')} is {lds}; at least 3 halves are needed to rank them.")
    if halves not in WAYS:
        raise InputError(f"{option('halves')} is {halves!r}; it must be {' or '.join(WAYS)}.")
    if width is not None and not sizes:
        raise InputError(f"{option('width')} is for deletion curves: give {option('k')}, too.")
    if k_queries is not None and k_queries < 1:
        raise InputError(f"{option('k_queries')} is {k_queries}; it must be at least 1.")
    if width is not None and not 0 < width < (2 if measured(run) != "number" else np.inf):
        most = "between 0 and 2" if measured(run) != "number" else "over 0"
        raise InputError(f"{option('width')} is {width}; it must be {most}.")
    if width is not None and max_repeats < repeats:
        raise InputError(
            f"{option('max_repeats')} is {max_repeats}, below {option('repeats')}, {repeats}."
        )
    return sizes


def check_scores(name: str, scores: Scores, queries: int, examples: int) -> None:
    """Raise InputError for a matrix of another shape, or with values that are not finite."""
    if scores.shape != (queries, examples):
        raise InputError(
            f"the scores of {name} have the shape {scores.shape}; {queries:,} queries and "
            f"{examples:,} training rows need ({queries}, {examples})."
        )
    if not np.isfinite(scores).all():
        query, row = np.argwhere(~np.isfinite(scores))[0]
        raise InputError(
            f"the score of {name} for query {query} and training row {row} is not finite."
        )


def check_removals(study: Deletion) -> None:
    """Raise InputError where a removal would leave a label without examples."""
    for _, rows in study.trainings():
        study.pool.refuse_empty(rows)
