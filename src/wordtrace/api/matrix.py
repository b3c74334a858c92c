"""Scores of all examples by any measure, from a run or an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wordtrace.api.index import Index
from wordtrace.data import frames
from wordtrace.data.examples import Examples
from wordtrace.disk import atomic
from wordtrace.errors import InputError, option
from wordtrace.explain.question import ask
from wordtrace.explain.tracer import Tracer
from wordtrace.index import manifest as manifests
from wordtrace.measures.options import refuse_unknown
from wordtrace.measures.protocol import Scores
from wordtrace.models.answer_spans import Part
from wordtrace.run.run import Run


@dataclass(frozen=True)
class ScoreMatrix(frames.Tabular):
    """The influence of every training example on every query, with the ids of both.

    Attributes
    ----------
    values
        float32, shape (queries, examples): element [i, j] is the influence on query i of training
        row j, or of an index's example j; positive for proponents.
    queries
        Their ids; of texts that were given by themselves, their numbers from 0.
    ids
        Of the training examples.
    """

    measure: str
    values: Scores
    queries: tuple[str, ...]
    ids: tuple[str, ...]

    def table(self) -> Any:
        """Return a row a training example as a pyarrow table.

        Columns: id, and "query ID" for each query, float32.
        """
        columns = [pa.array(self.ids, pa.string()), *(pa.array(row) for row in self.values)]
        return pa.table(columns, names=["id", *(f"query {query}" for query in self.queries)])

    def save(self, path: str | Path) -> None:
        """Write :meth:`table` (.parquet), or the bare array (.npy).

        Raises
        ------
        InputError
            For another ending.
        """
        file = Path(path)
        if file.suffix not in (".parquet", ".npy"):
            raise InputError(f"{file} should end in .parquet or .npy.")
        with atomic.replacing(file) as temporary:
            if file.suffix == ".npy":
                with open(temporary, "wb") as opened:
                    np.save(opened, self.values, allow_pickle=False)
            else:
                pq.write_table(self.table(), temporary, compression="zstd")


def scores(
    run: Run | Index | str | Path,
    queries: str | Sequence[str] | Sequence[tuple[str, str]] | Examples,
    measure: str | None = None,
    *,
    label: str | Sequence[str] | None = None,
    span: Part | Sequence[Part | None] | None = None,
    executor: str = "threads",
    address: str | None = None,
    workers: int | None = None,
    **options: Any,
) -> ScoreMatrix:
    """Return what :func:`influence` does, with the ids of queries and examples."""
    refuse_unknown(options, scores)
    opened = open_either(run)
    try:
        values = influence(
            opened,
            queries,
            measure,
            label=label,
            span=span,
            executor=executor,
            address=address,
            workers=workers,
            **options,
        )
    finally:
        if isinstance(opened, Index) and opened is not run:
            opened.close()
    named = list(map(str, range(len(values)))) if not isinstance(queries, Examples) else queries.ids
    ids = opened.ids if isinstance(opened, Index) else opened.train.ids
    tracer = opened._tracer if isinstance(opened, Index) else Tracer(opened, None)
    name, _ = tracer.scorer.default(measure, options.get("top_k"))
    return ScoreMatrix(name, values, tuple(named), tuple(ids))


def influence(
    run: Run | Index | str | Path,
    queries: str | Sequence[str] | Sequence[tuple[str, str]] | Examples,
    measure: str | None = None,
    *,
    label: str | Sequence[str] | None = None,
    span: Part | Sequence[Part | None] | None = None,
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
    span
        Of a language model's answers: the part that is meant, as for :meth:`Index.trace`.
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
    refuse_unknown(options, influence)
    opened = open_either(run)
    if isinstance(opened, Index):
        try:
            question = ask(opened.run, queries, label, span)
            return opened._scores(question, measure, executor, address, workers, **options)
        finally:
            if opened is not run:  # ends what was started for this call
                opened.close()
    if executor != "threads" or address is not None or workers is not None:
        raise InputError(
            f"{opened.path} is a run; {option('executor')}, {option('address')} and "
            f"{option('workers')} are for an index: give an "
            f"index's folder (`wordtrace index RUN` builds one)."
        )
    tracer = Tracer(opened, None)
    return tracer.score(tracer.queries(ask(opened, queries, label, span)), measure, **options)


def open_either(run: Run | Index | str | Path) -> Run | Index:
    """Open a run or an index, by what is in the folder; an open one is returned."""
    if not isinstance(run, str | Path):
        return run
    return Index.open(run) if (Path(run) / manifests.FILE).exists() else Run.open(run)
