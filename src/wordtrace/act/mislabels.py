"""The training rows that are most likely mislabelled, with the evidence."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from wordtrace.act.judge import judge
from wordtrace.act.mislabels_result import Mislabels
from wordtrace.act.rankings import order_of
from wordtrace.act.suspects import Suspects
from wordtrace.errors import InputError, option


def mislabels(
    suspects: Suspects,
    *,
    by: str = "combined",
    top: int = 20,
    offset: int = 0,
    label: str | None = None,
    planted: Collection[str] | None = None,
    wrong: Collection[str] | None = None,
    words: bool = False,
) -> Mislabels:
    """Rank the training rows by how likely their label is wrong, with the evidence.

    A mislabelled example is its own best proponent: nothing else in the data supports its label, so
    its gradient stays large (Pruthi et al. 2020, section 4.1). And rows that share its words but
    have another label oppose it.

    Parameters
    ----------
    by
        One of :data:`.rankings.RANKINGS`.
    top, offset
        How many rows to list, after how many that are skipped.
    label
        List only rows with this label.
    planted
        The ids of rows whose labels were flipped on purpose, to judge the rankings.
    wrong
        The ids of rows whose labels are known to be wrong, to judge the rankings.
    words
        Give the words that oppose a label as whole words instead of tokens.

    Raises
    ------
    InputError
        For an unknown `by` or `label`, a `top` under 1, an `offset` under 0, or an id that is not
        in the training data.
    """
    if top < 1:
        raise InputError(f"{option('top')} is {top}; it must be at least 1.")
    if offset < 0:
        raise InputError(f"{option('offset')} is {offset}; it must be at least 0.")
    places = suspects.of_label(by, label)[offset : offset + top]
    index = suspects.index
    known = [
        None if ids is None else set(index.rows_of(sorted(ids)).tolist())
        for ids in (planted, wrong)
    ]
    listed = suspects.at(by, places, words=words)
    numbers = suspects.order(by)[places].tolist()
    rows = tuple(
        replace(
            one,
            planted=None if known[0] is None else row in known[0],
            wrong=None if known[1] is None else row in known[1],
        )
        for one, row in zip(listed.rows, numbers, strict=True)
    )
    found = suspects.suspicion
    live = np.sort(suspects.order(by))
    count, total = len(known[0] or ()), index.count
    measured = None
    if known[0]:
        hits: dict[str, float] = {
            name: len(known[0].intersection(live[order_of(values[live])][:count].tolist()))
            for name, values in found.items()
        }
        hits["random (expected)"] = round(count * count / total, 1)
        measured = {"count": count, "rows": total, "checked": count, "found": hits}
    truth = known[1] if known[1] is not None else known[0]
    there = {name: values[live] for name, values in found.items()}
    judged = None if not truth else judge(there, np.isin(live, list(truth)))
    return replace(listed, rows=rows, planted=measured, judged=judged)
