"""Scores of all examples by any measure, from a run or an index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wordtrace.api.index import Index
from wordtrace.data.examples import Examples
from wordtrace.errors import InputError
from wordtrace.explain.question import ask
from wordtrace.explain.tracer import Tracer
from wordtrace.index import manifest as manifests
from wordtrace.measures.protocol import Scores
from wordtrace.run.run import Run


def influence(
    run: Run | Index | str | Path,
    queries: str | Sequence[str] | Sequence[tuple[str, str]] | Examples,
    measure: str | None = None,
    *,
    label: str | Sequence[str] | None = None,
    executor: str = "threads",
    address: str | None = None,
    workers: int | None = None,
    **options: Any,
) -> Scores:
    """Return the influence of every training example on every query by any measure.

    Parameters
    ----------
    run
        A run, or an index, or the folder of one. An index answers the measures that it holds, from
        its postings, for its own examples: those added too, those removed not.
    measure
        A name; ``wordtrace measures`` lists them. By default what the index holds, else
        ``tracin-we-topk``.
    executor, address, workers
        Of an index, as for :meth:`Index.trace`.
    **options
        The fields of :class:`Options`, such as ``top_k=20`` or ``damping=0.01``.

    Returns
    -------
    array
        float32, shape (queries, examples): element [i, j] is the influence on query i of training
        row j, or of the index's example ``index.ids[j]``; positive for proponents.

    Raises
    ------
    InputError
        When the index does not hold what the measure needs, or a run is to be asked on a cluster.
    """
    if isinstance(run, str | Path):
        opened = open_either(run)
        if isinstance(opened, Index):
            with opened:  # ends what was started for this call
                return influence(
                    opened,
                    queries,
                    measure,
                    label=label,
                    executor=executor,
                    address=address,
                    workers=workers,
                    **options,
                )
        run = opened
    if isinstance(run, Index):
        question = ask(run.run, queries, label)
        return run._scores(question, measure, executor, address, workers, **options)
    if executor != "threads" or address is not None or workers is not None:
        raise InputError(
            f"{run.path} is a run; --executor, --address and --workers are for an index: give "
            "an index's folder (`wordtrace index RUN` builds one)."
        )
    tracer = Tracer(run, None)
    return tracer.score(tracer.queries(ask(run, queries, label)), measure, **options)


def open_either(path: str | Path) -> Run | Index:
    """Open a run or an index, by what is in the folder."""
    return Index.open(path) if (Path(path) / manifests.FILE).exists() else Run.open(path)
