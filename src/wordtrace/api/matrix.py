"""Scores of all examples by any measure, from a run or an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from wordtrace.api.index import Index
from wordtrace.api.unmixed import unchanged
from wordtrace.asking.asker import Asker
from wordtrace.asking.question import Asked, Question
from wordtrace.data.examples import Examples
from wordtrace.disk import atomic
from wordtrace.errors import InputError, option
from wordtrace.index.place import is_index
from wordtrace.measures.options import refuse_unknown
from wordtrace.measures.protocol import Scores
from wordtrace.models.answer_spans import Passage
from wordtrace.results.result import Tabular, Ways
from wordtrace.run.run import Run
from wordtrace.run.weighting import DEFAULT


@dataclass(frozen=True)
class ScoreMatrix(Tabular):
    """The influence of every training example on every query, with the ids of both.

    Attributes
    ----------
    values
        float32, shape (queries, examples): element [i, j] is the influence on query i of training
        row j, or of an index's example j; positive for proponents.
    queries
        The queries' ids; for texts that were given by themselves, their numbers from 0.
    ids
        The training examples' ids.

    :meth:`save` writes the table, or, where the name ends in ``.npy``, the bare array.

    Examples
    --------
    >>> matrix = wt.scores(index, ["shares fall", "the coach wins"])
    >>> matrix.values.shape == (len(matrix.queries), len(matrix.ids))
    True
    >>> matrix.save("scores.parquet")
    """

    measure: str
    values: Scores
    queries: tuple[str, ...]
    ids: tuple[str, ...]

    def table(self) -> Any:
        """Return a pyarrow table with one row for each training example.

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
    queries: Asked,
    measure: str | None = None,
    *,
    label: str | Sequence[str] | None = None,
    span: Passage | Sequence[Passage | None] | None = None,
    executor: str = "threads",
    address: str | None = None,
    workers: int | None = None,
    **options: Any,
) -> ScoreMatrix:
    """Return the scores of :func:`influence` together with the ids of queries and examples.

    Examples
    --------
    >>> matrix = wt.scores(index, ["shares fall", "the coach wins"])
    >>> matrix.queries
    ('0', '1')
    """
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
    queries: Asked,
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
        A run, an index, or the folder of either. An index answers the measures that it holds from
        its postings, for its own examples: with those added to it and without those removed.
    measure
        The name of a measure; ``wordtrace measures`` lists them. By default ``tracin-we-idf``.
    span
        For a language model: the part of the answers to explain; see :meth:`Index.trace`.
    executor, address, workers
        Only for an index; see :meth:`Index.trace`.
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

    Examples
    --------
    >>> values = wt.influence(run, ["shares fall", "the coach wins"], measure="tracin-last")
    >>> values.shape == (2, len(run.train))
    True
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
    queries: Asked,
    measure: str | None,
    *,
    label: str | Sequence[str] | None = None,
    span: Passage | Sequence[Passage | None] | None = None,
    executor: str = "threads",
    address: str | None = None,
    workers: int | None = None,
    **options: Any,
) -> tuple[str, Scores]:
    """Return the measure's name (the default where none was given) and :func:`influence`."""
    if isinstance(opened, Index):
        question = opened.asker.question(queries, label, span)
        return _of_index(opened, question, measure, executor, address, workers, **options)
    if executor != "threads" or address is not None or workers is not None:
        raise InputError(
            f"{opened.path} is a run; {option('executor')}, {option('address')} and "
            f"{option('workers')} are for an index: give an "
            f"index's folder (`wordtrace index RUN` builds one)."
        )
    asker = Asker(opened)
    way = asker.way(measure, **options)
    return way.name, way.ask(asker.queries(queries, label, span)).scores()


def _of_index(
    index: Index,
    question: Question,
    measure: str | None,
    executor: str,
    address: str | None,
    workers: int | None,
    **options: Any,
) -> tuple[str, Scores]:
    """Return the measure's name and :func:`influence` of an index, (queries, `index.ids`)."""
    way = index.asker.way(measure, **options)
    if not way.rows.indexed:
        weighting, place = index.run.weighting.name, f"its run, {index.run.path}, in its place"
        if index.run.others:
            place = f"index.run in its place, which is of {index.run.trainings} trainings, too"
        elif weighting != DEFAULT:
            place = (
                f"index.run in its place, which is weighted by {weighting}, too "
                f"({index.run.path} alone is weighted by {DEFAULT})"
            )
        raise InputError(f"{index.folder.path} does not hold what {way.title} needs; give {place}.")
    spread = index._on(executor, address, workers)
    with unchanged(index.folder):
        answer = index.asker.ask(question, measure, spread=spread, **options)
        return way.name, np.delete(answer.scores(), answer.rows.removed, axis=1)


def open_either(run: Run | Index | str | Path, device: str = "cpu") -> Run | Index:
    """Open a run or an index, depending on what the folder holds; return an open one as it is."""
    if not isinstance(run, str | Path):
        return run
    if is_index(Path(run)):
        return Index.open(run, device=device)
    return Run.open(run, device)
