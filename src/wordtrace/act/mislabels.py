"""The training rows that are most likely mislabelled, with the evidence."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from wordtrace.act.evidence import Evidence, evidence
from wordtrace.act.judge import judge
from wordtrace.act.mislabels_result import Mislabels, Opponent, Suspect
from wordtrace.act.rankings import RANKINGS, order_of, rankings
from wordtrace.errors import InputError, option
from wordtrace.explain.tracer import Tracer
from wordtrace.index.folder import IndexFolder


def mislabels(
    index: IndexFolder,
    tracer: Tracer,
    *,
    by: str = "combined",
    top: int = 20,
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
    planted
        The ids of rows whose labels were flipped on purpose, to judge the rankings.
    wrong
        The ids of rows whose labels are known to be wrong, to judge the rankings.
    words
        Give the words that oppose a label as whole words instead of tokens.

    Raises
    ------
    InputError
        For an unknown `by`, a `top` under 1, or an id that is not in the training data.
    """
    if top < 1:
        raise InputError(f"{option('top')} is {top}; it must be at least 1.")
    if tracer.run.labelling.kind == "number":
        raise InputError("mislabels ranks labels that are classes; this run predicts numbers.")
    if by not in RANKINGS:
        raise InputError(f"{option('by')} is {by!r}; it must be one of {', '.join(RANKINGS)}.")
    run = tracer.run
    known = [
        None if ids is None else set(index.rows_of(sorted(ids)).tolist())
        for ids in (planted, wrong)
    ]
    live = np.setdiff1d(np.arange(index.manifest.examples), index.removed)
    found = rankings(index)
    order = live[order_of(found[by][live])][:top]
    chosen = index.take(order, run)
    against = evidence(tracer, chosen, words=words)
    predicted = index.table["predicted_final"]
    rows = tuple(
        Suspect(
            rank=place + 1,
            id=chosen.ids[place],
            label=run.labelling.spell(chosen.labels[place]),
            predicted=str(predicted[row].as_py()),
            text=chosen.texts[place],
            text2=chosen.texts2[place] if chosen.texts2 else None,
            suspicion=float(found[by][row]),
            self_influence=float(found["self-influence"][row]),
            opposition=float(found["opposition"][row]),
            loss=float(found["loss"][row]),
            proposed=against[place].proposed,
            proposed_share=against[place].share,
            words=against[place].words,
            opponents=_opponents(against[place]),
            planted=None if known[0] is None else row in known[0],
            wrong=None if known[1] is None else row in known[1],
        )
        for place, row in enumerate(order.tolist())
    )
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
    return Mislabels(str(index.path), by, total, rows, measured, judged, words, run.misread)


def _opponents(found: Evidence) -> tuple[Opponent, ...]:
    return tuple(
        Opponent(hit.id, hit.label, hit.text, hit.text2, hit.score, tuple(hit.words))
        for hit in found.opponents
    )
