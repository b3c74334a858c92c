"""How well rankings find rows that are known to be mislabelled."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.act.rankings import Suspicion, order_of
from wordtrace.data.examples import Examples
from wordtrace.errors import InputError
from wordtrace.statistics.rankings import auroc, average_precision, ranked

_NOTHING = (
    "{} of {} rows are known to be wrong; a ranking can only be judged where some are and some are "
    "not."
)


def judge(
    rankings: Mapping[str, Suspicion], wrong: npt.NDArray[np.bool_], seed: int = 0
) -> dict[str, Any]:
    """Measure each ranking by precision among the first rows, average precision and AUROC.

    The 95 % intervals are over the rows (:func:`.rankings.ranked`). `chance` is the share of wrong
    rows, which is the precision of a random ranking.

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
    judged: dict[str, Any] = {}
    for name, suspicion in rankings.items():
        order = order_of(suspicion)
        judged[name] = {
            "precision": {str(cut): float(wrong[order[:cut]].mean()) for cut in cuts},
            "average_precision": ranked(average_precision, suspicion, wrong, seed).document(),
            "auroc": ranked(auroc, suspicion, wrong, seed).document(),
        }
    return {"wrong": count, "rows": total, "chance": count / total, "rankings": judged}


def wrong_ids(examples: Examples, right: Examples) -> list[str]:
    """Return the ids of the examples that have another label in `right`.

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
    """Mark the examples that have one of the ids, bool, shape (examples,).

    Raises
    ------
    InputError
        For an id that no example has, or when no examples or all of them are marked.
    """
    known = set(examples.ids)
    for id in wrong:
        if id not in known:
            raise InputError(f"{examples.source} has no row {id!r}.")
    found = np.isin(np.array(examples.ids, dtype=object), list(wrong))
    if not 0 < found.sum() < len(found):
        raise InputError(_NOTHING.format(int(found.sum()), len(found)))
    return found
