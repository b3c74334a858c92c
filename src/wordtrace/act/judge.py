"""How well rankings find rows that are known to be mislabelled."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.act.rankings import Suspicion, order_of
from wordtrace.data.examples import Examples
from wordtrace.errors import InputError

_RESAMPLES = 500

_NOTHING = (
    "{} of {} rows are known to be wrong; a ranking can only be judged where some are and some are "
    "not."
)


def judge(
    rankings: Mapping[str, Suspicion], wrong: npt.NDArray[np.bool_], seed: int = 0
) -> dict[str, Any]:
    """Measure each ranking: precision among the first rows, average precision and AUROC.

    Intervals are 95 %, by a percentile bootstrap over the rows (500 resamples, the same for all
    rankings). `chance` is the share of wrong rows, a random ranking's precision.

    Parameters
    ----------
    wrong
        bool, shape (examples,).

    Raises
    ------
    InputError
        When no row is wrong, or all are.
    """
    count, total = int(wrong.sum()), len(wrong)
    if not 0 < count < total:
        raise InputError(_NOTHING.format(count, total))
    cuts = sorted({cut for cut in (20, 100, count) if cut <= total})
    generator = np.random.default_rng(seed)
    draws = [generator.integers(0, total, total) for _ in range(_RESAMPLES)]
    draws = [draw for draw in draws if 0 < wrong[draw].sum() < total]
    judged: dict[str, Any] = {}
    for name, suspicion in rankings.items():
        order = order_of(suspicion)
        judged[name] = {
            "precision": {str(cut): float(wrong[order[:cut]].mean()) for cut in cuts},
            "average_precision": _estimate(_average_precision, suspicion, wrong, draws),
            "auroc": _estimate(_auroc, suspicion, wrong, draws),
        }
    return {"wrong": count, "rows": total, "chance": count / total, "rankings": judged}


def wrong_ids(examples: Examples, right: Examples) -> list[str]:
    """Return the ids of examples whose label differs from that of the same id in `right`.

    Raises
    ------
    InputError
        When an example is not in `right`.
    """
    truth = {
        id: right.label_names[label]
        for id, label in zip(right.ids, right.labels.tolist(), strict=True)
        if label >= 0
    }
    missing = [id for id in examples.ids if id not in truth]
    if missing:
        raise InputError(
            f"{right.source} has no label for the row {missing[0]!r} ({len(missing):,} are "
            "missing); give data with the same ids, by the id column if they have one."
        )
    names = examples.label_names
    labels = examples.labels.tolist()
    return [id for id, label in zip(examples.ids, labels, strict=True) if truth[id] != names[label]]


def marks(examples: Examples, wrong: Collection[str]) -> npt.NDArray[np.bool_]:
    """Return which examples are among those ids, bool, shape (examples,).

    Raises
    ------
    InputError
        For an id that is not there, or when none or all are wrong.
    """
    known = set(examples.ids)
    for id in wrong:
        if id not in known:
            raise InputError(f"{examples.source} has no row {id!r}.")
    found = np.isin(np.array(examples.ids, dtype=object), list(wrong))
    if not 0 < found.sum() < len(found):
        raise InputError(_NOTHING.format(int(found.sum()), len(found)))
    return found


def _estimate(
    measure: Any,
    suspicion: Suspicion,
    wrong: npt.NDArray[np.bool_],
    draws: list[npt.NDArray[np.int64]],
) -> dict[str, float]:
    resampled = [measure(suspicion[draw], wrong[draw]) for draw in draws]
    low, high = np.quantile(resampled, [0.025, 0.975]) if resampled else (np.nan, np.nan)
    return {"mean": measure(suspicion, wrong), "low": float(low), "high": float(high)}


def _average_precision(suspicion: Suspicion, wrong: npt.NDArray[np.bool_]) -> float:
    """Average precision as scikit-learn has it, without its checks: it is taken 500 times."""
    order = np.argsort(-suspicion, kind="stable")
    sorted_wrong, values = wrong[order], suspicion[order]
    last = np.flatnonzero(np.append(np.diff(values) != 0, True))
    found = np.cumsum(sorted_wrong)[last]
    precision = found / (last + 1)
    return float(np.sum(np.diff(found, prepend=0) * precision) / found[-1])


def _auroc(suspicion: Suspicion, wrong: npt.NDArray[np.bool_]) -> float:
    from scipy.stats import rankdata

    count, total = int(wrong.sum()), len(wrong)
    ranks = rankdata(suspicion)[wrong].sum() - count * (count + 1) / 2
    return float(ranks / (count * (total - count)))
