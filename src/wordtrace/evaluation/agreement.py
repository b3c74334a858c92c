"""Whether summed scores predict the effect of leaving rows out, over many removed sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordtrace.evaluation.deletion import Deletion, FloatArray
from wordtrace.measures.protocol import Scores
from wordtrace.retrainers.retrain import Rows
from wordtrace.statistics import crossed


def leave_out(study: Deletion, scores: Mapping[str, Scores]) -> list[dict[str, Any]]:
    """Return how the study's own removals rank by each measure and by retraining.

    Every retraining is asked about every query. So each set of k rows that was left out, for any
    query and by any measure, says something about each query. The result is Spearman's correlation,
    over the sets, of the summed scores with the fall of p(label) averaged over seeds. With k = 1
    this is agreement with leave-one-out. It needs no further retraining.

    Returns
    -------
    list
        For each measure and k with three sets or more: measure, k, sets, and the mean over queries
        with its 95 % interval.
    """
    found = []
    base = study.base().mean(1)
    fewest = min(line.seeds for line in study.lines.values())
    for k in study.sizes:
        sets = {
            rows: None
            for line in study.lines.values()
            for by_query in line.rows
            for rows in by_query
            if len(rows) == k
        }
        if len(sets) < 3:
            continue
        seeds = study.seeds[:fewest]
        fall = np.stack([base - study.said(rows, seeds) for rows in sets], 1)
        for name, matrix in scores.items():
            found.append({"measure": name, "k": k, "sets": len(sets)} | _ranks(matrix, sets, fall))
    return found


def _ranks(scores: Scores, sets: Sequence[Rows] | Mapping[Rows, Any], fall: FloatArray) -> Any:
    """Correlate the scores of what is left out with the fall, query by query."""
    from scipy import stats

    summed = np.stack([scores[:, list(rows)].sum(1, dtype=np.float64) for rows in sets], 1)
    by_query = [
        float(stats.spearmanr(foretold, seen).statistic)
        for foretold, seen in zip(summed, fall, strict=True)
        if np.ptp(foretold) > 0 and np.ptp(seen) > 0
    ]
    if len(by_query) < 2:
        return {"mean": None, "low": None, "high": None, "queries": len(by_query)}
    # Queries in the place of seeds: the interval is over them.
    mean = crossed.mean(np.array([by_query]), 1)
    return {"mean": mean.mean, "low": mean.low, "high": mean.high, "queries": len(by_query)}
