"""Scores by any measure, without an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wordtrace.data import frames
from wordtrace.data.examples import Examples
from wordtrace.disk import atomic
from wordtrace.errors import InputError
from wordtrace.explain.question import ask
from wordtrace.explain.tracer import Tracer
from wordtrace.measures.protocol import Scores
from wordtrace.models.answer_spans import Part
from wordtrace.run.run import Run


@dataclass(frozen=True)
class ScoreMatrix:
    """The influence of every training example on every query, with the ids of both.

    Attributes
    ----------
    values
        float32, shape (queries, examples): element [i, j] is the influence of training row j on
        query i; positive for proponents.
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

    def to_frame(self) -> Any:
        """Return :meth:`table` as a pandas DataFrame (InputError without pandas)."""
        return frames.to_frame(self.table())

    def to_dataset(self) -> Any:
        """Return :meth:`table` as a ``datasets.Dataset`` (InputError without the package)."""
        return frames.to_dataset(self.table())

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
    run: Run | str | Path,
    queries: str | Sequence[str] | Sequence[tuple[str, str]] | Examples,
    measure: str = "tracin-we-topk",
    *,
    label: str | Sequence[str] | None = None,
    span: Part | Sequence[Part | None] | None = None,
    **options: Any,
) -> ScoreMatrix:
    """Return what :func:`influence` does, with the ids of queries and examples."""
    opened = run if isinstance(run, Run) else Run.open(run)
    values = influence(opened, queries, measure, label=label, span=span, **options)
    ids = queries.ids if isinstance(queries, Examples) else list(map(str, range(len(values))))
    return ScoreMatrix(measure, values, tuple(ids), tuple(opened.train.ids))


def influence(
    run: Run | str | Path,
    queries: str | Sequence[str] | Sequence[tuple[str, str]] | Examples,
    measure: str = "tracin-we-topk",
    *,
    label: str | Sequence[str] | None = None,
    span: Part | Sequence[Part | None] | None = None,
    **options: Any,
) -> Scores:
    """Return the influence of every training example on every query by any measure.

    Parameters
    ----------
    measure
        A name; ``wordtrace measures`` lists them.
    span
        Of a language model's answers: the part that is meant, as for :meth:`Index.trace`.
    **options
        The fields of :class:`Options`, such as ``top_k=20`` or ``damping=0.01``.

    Returns
    -------
    array
        float32, shape (queries, examples): element [i, j] is the influence of training row j on
        query i; positive for proponents.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    tracer = Tracer(opened, None)
    return tracer.score(tracer.queries(ask(opened, queries, label, span)), measure, **options)
