"""What removing a trace's rows does, by retraining."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wordtrace.api.index import Index
from wordtrace.errors import InputError, MismatchError, option
from wordtrace.execute.protocol import Executor
from wordtrace.explain.prediction import Trace
from wordtrace.explain.question import ask
from wordtrace.explain.tracer import Tracer
from wordtrace.run.run import Run
from wordtrace.verification.paired import Target, Verification
from wordtrace.verification.paired import verify as verify_targets


def verify(
    trace: Trace,
    *,
    remove: str = "opponents",
    k: int = 50,
    repeats: int = 5,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
    index: Index | None = None,
    run: Run | None = None,
) -> Verification:
    """Remove a trace's strongest opponents (or proponents), retrain, and tell what happened.

    Parameters
    ----------
    k
        Rows removed for each query; fewer where there are fewer of that sign. Where the trace
        lists fewer than k, it is made again with the same measure.
    repeats
        Seeds; each is retrained with and without the rows, and beside two controls.
    executor, address
        As of :func:`build_index`.
    index, run
        Override the places that the trace records.
    """
    if remove not in ("opponents", "proponents"):
        raise InputError(f"{option('remove')} is {remove!r}; it must be opponents or proponents.")
    if k < 1:
        raise InputError(f"{option('k')} is {k}; it must be at least 1.")
    opened = run or (index.run if index else Run.open(trace.run))
    opened.require_classes("verify")
    if opened.fingerprint != trace.run_fingerprint:
        raise MismatchError(
            f"the trace was not made from the run {opened.path}; name it by {option('run')}."
        )
    if index is None and trace.index is not None:
        # With a run that has moved, its index mostly has moved along.
        places = [Path(trace.index), opened.path / "index"]
        there = next((place for place in places if (place / "manifest.json").exists()), None)
        index = None if there is None else Index.open(there, opened.path)
    lists = [getattr(query, remove) for query in trace.queries]
    rows = [tuple(opened.rows_of([hit.id for hit in hits[:k]]).tolist()) for hits in lists]
    if any(0 < len(one) < k for one in rows):
        texts: Any = [
            query.text if query.text2 is None else (query.text, query.text2) for query in trace
        ]
        labels = [query.label for query in trace]
        tracer = index._tracer if index else Tracer(opened, None)
        asked = tracer.queries(ask(opened, texts, labels))
        ranked = tracer.rank(asked, trace.measure, trace.top_k, top=k, **trace.options)
        place = 1 if remove == "opponents" else 0
        rows = [tuple(opened.rows_of(pair[place]).tolist()) for pair in ranked]
    targets = [
        Target(
            query.text,
            query.text2,
            opened.labelling.parse(query.label),
            query.predicted,
            query.probability or 0.0,
            one,
        )
        for query, one in zip(trace.queries, rows, strict=True)
    ]
    return verify_targets(
        opened,
        targets,
        remove=remove,
        k=k,
        measure=trace.measure,
        repeats=repeats,
        workers=workers,
        executor=executor,
        address=address,
    )
