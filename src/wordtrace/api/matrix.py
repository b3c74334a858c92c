"""Scores of all examples by any measure, from a run or an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from wordtrace.api.index import Index
from wordtrace.asking.asker import Asker
from wordtrace.data.examples import Examples
from wordtrace.disk import atomic
from wordtrace.errors import InputError, option
from wordtrace.index import manifest as manifests
from wordtrace.measures.options import refuse_unknown
from wordtrace.measures.protocol import Scores
from wordtrace.models.answer_spans import Passage
from wordtrace.results.result import Tabular, Ways
from wordtrace.run.run import Run


@dataclass(frozen=True)
class ScoreMatrix(Tabular):
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

    :meth:`save` writes the table, or, where the name ends in ``.npy``, the bare array.
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

    @classmethod
    def _ways(cls) -> Ways:
        return {**super()._ways(), ".npy": cls._write_array}

    def _write_array(self, file: Path) -> None:
        with atomic.replacing(file) as temporary, open(temporary, "wb") as opened:
            np.save(opened, self.values, allow_pickle=False)


def scores(
    run: Run | Index | str | Path,
    queries: str | Sequence[str] | Sequence[tuple[str, str]] | Examples,
    measure: str | None = None,
    *,
    label: str | Sequence[str] | None = None,
    span: Passage | Sequence[Passage | None] | None = None,
    executor: str = "threads",
    address: str | None = None,
    workers: int | None = None,
    **options: Any,
) -> ScoreMatrix:
    """Return what :func:`influence` does, with the ids of queries and examples."""
    refuse_unknown(options, scores)
    opened = open_either(run)
    try:
        name, values = _answer(
            *(opened, queries, measure),
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
    return ScoreMatrix(name, values, tuple(named), tuple(ids))


def influence(
    run: Run | Index | str | Path,
    queries: str | Sequence[str] | Sequence[tuple[str, str]] | Examples,
    measure: str | None = None,
    *,
    label: str | Sequence[str] | None = None,
    span: Passage | Sequence[Passage | None] | None = None,
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
    try:
        _, values = _answer(
            *(opened, queries, measure),
            label=label,
            span=span,
            executor=executor,
            address=address,
            workers=workers,
            **options,
        )
        return values
    finally:
        if isinstance(opened, Index) and opened is not run:  # ends what was started for this call
            opened.close()


def _answer(
    opened: Run | Index,
    queries: str | Sequence[str] | Sequence[tuple[str, str]] | Examples,
    measure: str | None,
    *,
    label: str | Sequence[str] | None = None,
    span: Passage | Sequence[Passage | None] | None = None,
    executor: str = "threads",
    address: str | None = None,
    workers: int | None = None,
    **options: Any,
) -> tuple[str, Scores]:
    """Return the measure's name, filled in where it was left open, and :func:`influence`."""
    if isinstance(opened, Index):
        question = opened.asker.question(queries, label, span)
        return opened._scores(question, measure, executor, address, workers, **options)
    if executor != "threads" or address is not None or workers is not None:
        raise InputError(
            f"{opened.path} is a run; {option('executor')}, {option('address')} and "
            f"{option('workers')} are for an index: give an "
            f"index's folder (`wordtrace index RUN` builds one)."
        )
    asker = Asker(opened)
    way = asker.way(measure, **options)
    return way.name, way.ask(asker.queries(queries, label, span)).scores()


def open_either(run: Run | Index | str | Path) -> Run | Index:
    """Open a run or an index, by what is in the folder; an open one is returned."""
    if not isinstance(run, str | Path):
        return run
    return Index.open(run) if (Path(run) / manifests.FILE).exists() else Run.open(run)
