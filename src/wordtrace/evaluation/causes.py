"""How well measures find rows that are known to have caused what a model says of a query."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.data.examples import Examples
from wordtrace.errors import InputError, option
from wordtrace.measures.protocol import Scores
from wordtrace.statistics.crossed import interval
from wordtrace.statistics.rankings import auroc
from wordtrace.statistics.resampling import FloatArray

_CUTS = (10, 100)


def marked(
    train: Examples, asked: Examples, causes: Mapping[str, Collection[str]]
) -> npt.NDArray[np.bool_]:
    """Mark the known causes of each query, bool, shape (queries, rows).

    Parameters
    ----------
    causes
        By a query's id: the ids of the training rows that are known to be its causes. Queries
        without any do not count.

    Raises
    ------
    InputError
        For a row that there is not, for all rows of a query, or when no query has a cause.
    """
    rows = {id: place for place, id in enumerate(train.ids)}
    found = np.zeros((len(asked), len(train)), bool)
    for query, id in enumerate(asked.ids):
        for row in causes.get(id, ()):
            if row not in rows:
                raise InputError(
                    f"{option('causes')} names the row {row!r} for the query {id!r}; "
                    f"{train.source} has no such row."
                )
            found[query, rows[row]] = True
    if not found.any():
        raise InputError(f"{option('causes')} names no cause of any of the queries that are asked.")
    if found.all(1).any():
        raise InputError(
            f"{option('causes')} names all training rows for the query "
            f"{asked.ids[int(found.all(1).argmax())]!r}; no ranking can tell them apart."
        )
    return found


def recalled(found: npt.NDArray[np.bool_], scores: Mapping[str, Scores]) -> dict[str, Any]:
    """Return how well each measure finds the known causes, as JSON.

    Returns
    -------
    dict
        "queries" that have causes, "causes" (a mean over them), and "measures": "auroc" (how often
        a cause is ranked above another row) and "recall" (the share of a query's causes among its
        first 10 and 100 rows), means over queries with 95 % intervals over queries.
    """
    queries = np.flatnonzero(found.any(1))
    cuts = [cut for cut in _CUTS if cut < found.shape[1]]
    return {
        "queries": len(queries),
        "causes": float(found[queries].sum(1).mean()),
        "measures": {name: _of(matrix, found, queries, cuts) for name, matrix in scores.items()},
    }


def _of(
    matrix: Scores,
    found: npt.NDArray[np.bool_],
    queries: npt.NDArray[np.int64],
    cuts: Sequence[int],
) -> dict[str, Any]:
    areas = np.array([auroc(matrix[query].astype(np.float64), found[query]) for query in queries])
    order = np.argsort(-matrix[queries], axis=1, kind="stable")
    hits = np.take_along_axis(found[queries], order, 1)
    shares = {str(cut): hits[:, :cut].sum(1) / hits.sum(1) for cut in cuts}
    return {"auroc": _mean(areas), "recall": {cut: _mean(share) for cut, share in shares.items()}}


def _mean(values: FloatArray) -> dict[str, float]:
    low, high = interval(values[None], 0.0, 1.0)
    return {"mean": float(values.mean()), "low": low, "high": high}
