"""Measuring by retraining what the removal of a trace's rows, or a patch, does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wordtrace.act.patch import Patch, read_patch
from wordtrace.act.patched_rows import patched_rows
from wordtrace.api.index import Index
from wordtrace.asking.asker import Asker
from wordtrace.errors import InputError, MismatchError, option
from wordtrace.execute.protocol import Executor
from wordtrace.explain.trace import Trace
from wordtrace.retrainers.choice import Retrain, retrainer_for
from wordtrace.retrainers.retrain import Rows
from wordtrace.run.run import Run
from wordtrace.verification.asked import passage_of, probe_of
from wordtrace.verification.changed_rows import Changed
from wordtrace.verification.design import Design
from wordtrace.verification.paired import PATCH
from wordtrace.verification.paired import verify as verify_targets
from wordtrace.verification.result import Verification
from wordtrace.verification.target import Target


def verify(
    trace: Trace | Sequence[Trace],
    *,
    remove: str | None = None,
    k: int | None = None,
    patch: Patch | str | Path | None = None,
    repeats: int | None = None,
    sequential: bool = False,
    smallest: float | None = None,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
    index: Index | None = None,
    run: Run | None = None,
    retrain: Retrain | None = None,
) -> Verification:
    """Remove a trace's strongest opponents (or proponents), retrain, and measure the effect.

    Or train with the changes of a patch: rows are removed, and rows get other labels.

    What is measured is the probability of the label that the trace explains; of a regression the
    number itself; of a language model the probability of the whole answer, the geometric mean over
    its tokens.

    Parameters
    ----------
    trace
        One trace, or several of one run: what their verifications have in common (models of all
        rows, and controls) is trained once.
    remove, k
        What to remove for each query: "opponents" (the default) or "proponents"; and how many rows,
        by default 50, fewer where there are fewer of that sign. If the trace lists fewer than k, it
        is made again with the same measure.
    patch
        Changes of training rows, or the file that holds them, to try in place of a removal; of the
        trace the texts and labels alone are asked about then. The controls change as many other
        rows in the same way. A patch that edits texts is refused (:meth:`Patch.only`).
    repeats
        The number of seeds, by default 5; each is retrained with and without the rows, and for two
        controls. With `sequential` it is the most, by default 12.
    sequential
        Look at the result after each seed, from the third on, and stop as soon as an effect is
        shown, or shown to be smaller than `smallest`. The intervals are then wider by as much as
        the looks need: all of them together err in 5 % of studies.
    smallest
        The smallest change that matters to you: where every interval lies within it, the verdict is
        that the effect is smaller.
    executor, address
        See :func:`build_index`.
    index, run
        Override the places that the trace records.
    retrain
        What trains a model with a change of the data
        (:class:`wordtrace.retrainers.retrainer.Retrainer`); by default the one that repeats the
        run's own training, for runs of `wordtrace train`.

    Raises
    ------
    InputError
        For a choice that makes no sense, or a run that can't be retrained here.
    MismatchError
        When a trace is of another run, or a patch does not fit the run's rows.

    Examples
    --------
    >>> proof = wt.verify(trace, remove="opponents", k=3, repeats=2, workers=1)
    >>> print(proof)
    Removing the 3 strongest opponents changed P(...
    >>> patch = index.mislabels(top=3).patch("relabel")
    >>> print(wt.verify(trace, patch=patch, repeats=2, workers=1))
    The patch (3 rows relabelled) changed P(...
    """
    remove, k = _what(remove, k, patch)
    design = Design.of(repeats, sequential, smallest)
    traces = [trace] if isinstance(trace, Trace) else list(trace)
    if not traces:
        raise InputError(f"there is no {option('trace')}; give at least one.")
    opened = run or (index.run if index else Run.open(traces[0].run))
    retrainer = retrainer_for(opened, retrain, "verify", executor)
    for place, one in enumerate(traces):
        if opened.fingerprint != one.run_fingerprint:
            which = f"trace {place} of {len(traces)}" if len(traces) > 1 else "the trace"
            raise MismatchError(
                f"{which} was not made from the run {opened.path}; name it by {option('run')}."
            )
    changed = None
    if patch is not None:
        changed = patched_rows(opened, patch if isinstance(patch, Patch) else read_patch(patch))
        k = len(changed)
    measures = list(dict.fromkeys(one.measure for one in traces))
    targets = [
        target
        for one in traces
        for target in _targets(
            one,
            opened,
            _rows(one, remove, k, opened, index) if changed is None else changed,
            len(measures) > 1,
        )
    ]
    return verify_targets(
        opened,
        targets,
        retrainer,
        remove=remove,
        k=k,
        measure=" and ".join(measures),
        design=design,
        workers=workers,
        executor=executor,
        address=address,
    )


def _what(remove: str | None, k: int | None, patch: Patch | str | Path | None) -> tuple[str, int]:
    """Return what is removed, and how many rows of it (InputError)."""
    if patch is not None:
        for name, given in (("remove", remove), ("k", k)):
            if given is not None:
                raise InputError(
                    f"{option('patch')} says which rows are changed, and so does {option(name)}; "
                    "give one of them."
                )
        return PATCH, 0
    remove, k = "opponents" if remove is None else remove, 50 if k is None else k
    if remove not in ("opponents", "proponents"):
        raise InputError(f"{option('remove')} is {remove!r}; it must be opponents or proponents.")
    if k < 1:
        raise InputError(f"{option('k')} is {k}; it must be at least 1.")
    return remove, k


def _targets(trace: Trace, run: Run, rows: Sequence[Rows] | Changed, several: bool) -> list[Target]:
    """Return a trace's queries with their rows; each names its measure where there are several."""
    if isinstance(rows, Changed):
        each, relabelled = [rows.removed] * len(trace.queries), rows.relabelled
    else:
        each, relabelled = list(rows), ()
    return [
        Target(
            *probe_of(query),
            run.labelling.parse(query.label),
            query.predicted,
            query.probability,
            one,
            None if query.conversation is None else query.text,
            query.span,
            trace.measure if several else None,
            relabelled,
        )
        for query, one in zip(trace.queries, each, strict=True)
    ]


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
    if asker.run.trainings != trace.trainings:
        raise InputError(
            f"a query of the trace lists under {k} {remove}, and {asker.run.path} alone can't rank "
            f"more, since the scores are means over {trace.trainings} trainings; trace again with "
            f"{option('top')} from {k} on."
        )
    question = asker.question(texts, labels, [passage_of(run, query) for query in trace])
    answer = asker.ask(question, trace.measure, trace.top_k, **trace.options)
    ids = [answer.rows.take(getattr(one, remove)).ids for one in answer.rank(k)]
    return [tuple(run.rows_of(one).tolist()) for one in ids]
