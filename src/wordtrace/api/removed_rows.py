"""Which rows a verification removes: those that a trace lists, or those that it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace.api.index import Index
from wordtrace.asking.asker import Asker
from wordtrace.asking.question import Question
from wordtrace.errors import InputError, option
from wordtrace.explain.prediction import Explanation
from wordtrace.explain.trace import Trace
from wordtrace.measures.topn import strongest
from wordtrace.retrainers.retrain import Rows
from wordtrace.run.run import Run
from wordtrace.verification.asked import passage_of, probe_of


@dataclass(frozen=True)
class Wanted:
    """What is removed: `k` rows of one sign, "opponents" or "proponents"."""

    remove: str
    k: int


def rows_of_each(trace: Trace, wanted: Wanted, run: Run, index: Index | None) -> list[Rows]:
    """Return each query's k strongest rows of a sign; trace again if too few are listed."""
    remove, k = wanted.remove, wanted.k
    lists = [getattr(query, remove) for query in trace.queries]
    rows = [tuple(run.rows_of([hit.id for hit in hits[:k]]).tolist()) for hits in lists]
    if not any(0 < len(one) < k for one in rows):
        return rows
    asker = _asker(trace, run, index)
    if asker.run.trainings != trace.trainings:
        raise InputError(
            f"a query of the trace lists under {k} {remove}, and {asker.run.path} alone can't rank "
            f"more, since the scores are means over {trace.trainings} trainings; trace again with "
            f"{option('top')} from {k} on."
        )
    question = _question(asker, run, list(trace))
    answer = asker.ask(question, trace.measure, trace.top_k, **trace.options)
    ids = [answer.rows.take(getattr(one, remove)).ids for one in answer.rank(k)]
    return [tuple(run.rows_of(one).tolist()) for one in ids]


def rows_together(traces: Sequence[Trace], wanted: Wanted, run: Run, index: Index | None) -> Rows:
    """Return the k rows of a sign whose scores, summed over all queries, are strongest.

    That sum is the influence on the queries' summed loss.

    Raises
    ------
    InputError
        For traces by different measures or options, and for means over trainings that are not at
        hand.
    """
    first = traces[0]
    if any(_by(one) != _by(first) for one in traces):
        names = list(dict.fromkeys(one.measure for one in traces))
        raise InputError(
            f"scores of different measures or options can't be summed, and the traces are by "
            f"{' and by '.join(names) if len(names) > 1 else names[0] + ' with other options'}; "
            f"give traces of one measure with {option('together', True)}."
        )
    asker = _asker(first, run, index)
    if asker.run.trainings != first.trainings:
        raise InputError(
            f"the trace's scores are means over {first.trainings} trainings, which "
            f"{asker.run.path} alone can't sum; trace the index of all of them again, and keep it "
            "where the trace says."
        )
    question = _question(asker, run, [query for one in traces for query in one])
    way = asker.way(first.measure, first.top_k, **first.options)
    sums = np.zeros(asker.rows.total)
    for part in way.parts(question):
        answer = way.ask(asker.predict(part).queries)
        sums += answer.scores().sum(0, dtype=np.float64)
    sides = dict(zip(("proponents", "opponents"), strongest(sums, wanted.k), strict=True))
    return tuple(run.rows_of(answer.rows.take(sides[wanted.remove]).ids).tolist())


def _by(trace: Trace) -> tuple[Any, ...]:
    return trace.measure, trace.top_k, trace.trainings, dict(trace.options)


def _asker(trace: Trace, run: Run, index: Index | None) -> Asker:
    """Return who answers as the trace was answered, from its index where that is found."""
    if index is None and trace.index is not None:
        # If a run was moved, its index was mostly moved with it.
        places = [Path(trace.index), run.path / "index"]
        there = next((place for place in places if (place / "manifest.json").exists()), None)
        index = None if there is None else Index.open(there, run.path)
    return index.asker if index else Asker(run)


def _question(asker: Asker, run: Run, queries: Sequence[Explanation]) -> Question:
    """Return what the queries ask, for the labels that they explain."""
    probes = [probe_of(query) for query in queries]
    texts: Any = [text if text2 is None else (text, text2) for text, text2 in probes]
    labels = [query.label for query in queries]
    return asker.question(texts, labels, [passage_of(run, query) for query in queries])
