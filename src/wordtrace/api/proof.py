"""Measuring by retraining what the removal of a trace's rows, or a patch, does."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from wordtrace.act.patch import Patch, read_patch
from wordtrace.act.patched_rows import patched_rows
from wordtrace.api.index import Index
from wordtrace.api.removed_rows import Wanted, rows_of_each, rows_together
from wordtrace.errors import DataWarning, InputError, MismatchError, option
from wordtrace.execute.protocol import Executor
from wordtrace.explain.trace import Trace
from wordtrace.retrainers.choice import Retrain, retrainer_for
from wordtrace.retrainers.retrain import Rows
from wordtrace.run.run import Run
from wordtrace.verification.asked import probe_of
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
    together: bool = False,
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
        by default 50, fewer where there are fewer of that sign, which is told where k was given. If
        the trace lists fewer than k, it is made again with the same measure.
    patch
        Changes of training rows, or the file that holds them, to try in place of a removal; of the
        trace the texts and labels alone are asked about then. The controls change as many other
        rows in the same way. A patch that edits texts is refused (:meth:`Patch.only`).
    together
        Remove the same rows for all queries: the k whose scores, summed over the queries, are
        strongest, which is the influence on their summed loss. So all queries share their models:
        20 wrong predictions cost what one does. The result then tells first what was done to all of
        them: to the mean over the queries, and to how many are predicted right. The traces must be
        by one measure. A patch is one change for all queries in any case, and is told so too.
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
        For a choice that makes no sense (a k of all rows), or a run that can't be retrained here.
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

    One removal for several wrong predictions:

    >>> wrong = index.trace(["the coach sold shares", "a match of banks"], label="Sport")
    >>> proof = wt.verify(wrong, together=True, k=3, repeats=2, workers=1)
    >>> print(proof)
    Removing the 3 strongest opponents of the 2 queries together changed P(Sport) by ...
    >>> proof.document()["together"]["right"]["without"]["number"] <= 2
    True
    """
    asked = k
    remove, k = _what(remove, k, patch, together)
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
    if asked is not None and asked >= len(opened.train):
        raise InputError(
            f"{option('k')} is {asked:,}, and {opened.path} has {len(opened.train):,} training "
            f"rows; give at most {len(opened.train) - 1:,}."
        )
    changed = None
    if patch is not None:
        changed = patched_rows(opened, patch if isinstance(patch, Patch) else read_patch(patch))
        k = len(changed)
    measures = list(dict.fromkeys(one.measure for one in traces))
    wanted = Wanted(remove, k)
    if together and sum(map(len, traces)) > 1:
        changed = Changed(rows_together(traces, wanted, opened, index))
    targets = [
        target
        for one in traces
        for target in _targets(
            one,
            opened,
            rows_of_each(one, wanted, opened, index) if changed is None else changed,
            len(measures) > 1,
        )
    ]
    if asked is not None:
        _tell_fewer(targets, wanted)
    return verify_targets(
        opened,
        targets,
        retrainer,
        remove=remove,
        k=k,
        measure=" and ".join(measures),
        together=together,
        design=design,
        workers=workers,
        executor=executor,
        address=address,
    )


def _tell_fewer(targets: Sequence[Target], wanted: Wanted) -> None:
    """Warn where not as many rows as were asked for have the sign (DataWarning)."""
    fewest = min(targets, key=lambda one: len(one.rows), default=None)
    if fewest is not None and 0 < len(fewest.rows) < wanted.k:
        warnings.warn(
            f"only {len(fewest.rows):,} training rows are {wanted.remove} of "
            f"{(fewest.shown or fewest.text)[:40]!r}, and {wanted.k:,} were asked for: these are "
            "removed.",
            DataWarning,
            stacklevel=3,
        )


def _what(
    remove: str | None, k: int | None, patch: Patch | str | Path | None, together: bool
) -> tuple[str, int]:
    """Return what is removed, and how many rows of it (InputError)."""
    if patch is not None:
        if together:
            raise InputError(
                f"{option('patch')} is one change for all queries already; leave "
                f"{option('together', True)} out."
            )
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
