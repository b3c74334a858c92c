"""Measuring by retraining what the removal of a trace's rows does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wordtrace.api.index import Index
from wordtrace.asking.asker import Asker
from wordtrace.errors import InputError, MismatchError, option
from wordtrace.execute.protocol import Executor
from wordtrace.explain.trace import Trace
from wordtrace.run.run import Run
from wordtrace.verification.asked import passage_of, probe_of
from wordtrace.verification.choice import Retrain, retrainer_for
from wordtrace.verification.paired import Target
from wordtrace.verification.paired import verify as verify_targets
from wordtrace.verification.removal import Rows
from wordtrace.verification.result import Verification


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
    retrain: Retrain | None = None,
) -> Verification:
    """Remove a trace's strongest opponents (or proponents), retrain, and measure the effect.

    What is measured is the probability of the label that the trace explains; of a regression the
    number itself; of a language model the probability of the whole answer, the geometric mean over
    its tokens.

    Parameters
    ----------
    k
        How many rows to remove for each query; fewer where there are fewer of that sign. If the
        trace lists fewer than k, it is made again with the same measure.
    repeats
        The number of seeds; each is retrained with and without the rows, and for two controls.
    executor, address
        See :func:`build_index`.
    index, run
        Override the places that the trace records.
    retrain
        What trains a model with a change of the data
        (:class:`wordtrace.verification.retrainer.Retrainer`); by default the one that repeats the
        run's own training, for runs of `wordtrace train`.

    Raises
    ------
    InputError
        For a choice that makes no sense, or a run that can't be retrained here.
    MismatchError
        When the trace is of another run.

    Examples
    --------
    >>> proof = wt.verify(trace, remove="opponents", k=3, repeats=2, workers=1)
    >>> print(proof)
    Removing the 3 strongest opponents changed P(...
    """
    if remove not in ("opponents", "proponents"):
        raise InputError(f"{option('remove')} is {remove!r}; it must be opponents or proponents.")
    if k < 1:
        raise InputError(f"{option('k')} is {k}; it must be at least 1.")
    opened = run or (index.run if index else Run.open(trace.run))
    retrainer = retrainer_for(opened, retrain, "verify", executor)
    if opened.fingerprint != trace.run_fingerprint:
        raise MismatchError(
            f"the trace was not made from the run {opened.path}; name it by {option('run')}."
        )
    rows = _rows(trace, remove, k, opened, index)
    targets = [
        Target(
            *probe_of(query),
            opened.labelling.parse(query.label),
            query.predicted,
            query.probability,
            one,
            None if query.conversation is None else query.text,
            query.span,
        )
        for query, one in zip(trace.queries, rows, strict=True)
    ]
    return verify_targets(
        opened,
        targets,
        retrainer,
        remove=remove,
        k=k,
        measure=trace.measure,
        repeats=repeats,
        workers=workers,
        executor=executor,
        address=address,
    )


def _rows(trace: Trace, remove: str, k: int, run: Run, index: Index | None) -> list[Rows]:
    """Return each query's k strongest rows of a sign; trace again if too few are listed."""
    lists = [getattr(query, remove) for query in trace.queries]
    rows = [tuple(run.rows_of([hit.id for hit in hits[:k]]).tolist()) for hits in lists]
    if not any(0 < len(one) < k for one in rows):
        return rows
    if index is None and trace.index is not None:
        # If a run was moved, its index was mostly moved with it.
        places = [Path(trace.index), run.path / "index"]
        there = next((place for place in places if (place / "manifest.json").exists()), None)
        index = None if there is None else Index.open(there, run.path)
    probes = [probe_of(query) for query in trace]
    texts: Any = [text if text2 is None else (text, text2) for text, text2 in probes]
    labels = [query.label for query in trace]
    asker = index.asker if index else Asker(run)
    question = asker.question(texts, labels, [passage_of(run, query) for query in trace])
    answer = asker.ask(question, trace.measure, trace.top_k, **trace.options)
    ids = [answer.rows.take(getattr(one, remove)).ids for one in answer.rank(k)]
    return [tuple(run.rows_of(one).tolist()) for one in ids]
