"""What a study of measures found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from wordtrace.data.examples import Examples
from wordtrace.disk import atomic
from wordtrace.errors import InputError
from wordtrace.evaluation.candidates import Sign
from wordtrace.evaluation.deletion import Effects
from wordtrace.evaluation.halves import Halves
from wordtrace.evaluation.truth import Truth
from wordtrace.report.paper import ENDINGS, render_table
from wordtrace.results.result import Result, Ways

FORMAT, VERSION = "wordtrace-evaluation", 2

_COLUMNS = ("measure", "sign", "k", "query", "seed", "rows", "effect", "random", "own_class")
_LDS_COLUMNS = ("measure", "query", "lds")


@dataclass(frozen=True, repr=False)
class Evaluation(Result):
    """What a study of measures found; :meth:`document` holds all of it.

    `queries`, `effects` and `truth` are None for an evaluation that was read from its document.
    :meth:`save` also writes a table to print: ``.tex`` or ``.md``.

    Attributes
    ----------
    queries
        The texts that were asked, with their labels.
    effects
        By (measure, sign): the effects of leaving rows out; None without deletion curves.
    truth
        What models that were trained on halves of the rows say; None with ``lds=0``.

    Examples
    --------
    >>> names = ["bm25", "tracin-last"]
    >>> found = wt.evaluate(run, 4, lds=3, measures=names, repeats=2, workers=1)
    >>> found.save("study.md")
    >>> -1 <= found.lds["bm25"]["low"] <= found.lds["bm25"]["mean"] <= 1
    True
    >>> [(one["first"], one["second"]) for one in found.lds_differences]
    [('bm25', 'tracin-last')]
    >>> 0 <= found.reliability["mean"] <= 1
    True
    >>> found.halves.kept.shape == (3, len(run.train))
    True
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION
    noun: ClassVar[str] = "an evaluation"

    result: Mapping[str, Any]
    queries: Examples | None = None
    effects: Mapping[tuple[str, Sign], Effects] | None = None
    truth: Truth | None = None

    def __repr__(self) -> str:
        return (
            f"Evaluation({', '.join(self.result['measures'])}; "
            f"{len(self.result['queries'])} queries, {self.result['retrainings']:,} retrainings)"
        )

    @property
    def lds(self) -> Mapping[str, Mapping[str, Any]]:
        """The linear datamodeling score of each measure; empty with ``lds=0``.

        Each has "mean" (over the queries), "low" and "high" (its 95 % interval over queries and
        halves), "share" (of what any measure could reach, or None), "outcomes" (the same by each
        outcome), "plain" (with what class counts tell, of plain halves) and "by_query".
        """
        found: Mapping[str, Mapping[str, Any]] = (self._halves or {}).get("measures", {})
        return found

    @property
    def lds_differences(self) -> Sequence[Mapping[str, Any]]:
        """The difference of each two measures' scores, on the same queries and halves.

        Each has "first", "second", "mean", "low", "high", "p", "p_corrected" (Holm) and
        "excludes_zero", which is the corrected verdict.
        """
        found: Sequence[Mapping[str, Any]] = (self._halves or {}).get("differences", [])
        return found

    @property
    def reliability(self) -> Mapping[str, float] | None:
        """How reliable what the models say is; None of one seed.

        "mean", "low", "high" are Spearman's correlation that another study with as many seeds would
        have with this one, and "between" is that of half of the seeds with as many others.
        """
        found: Mapping[str, float] | None = (self._halves or {}).get("reliability")
        return found

    @property
    def halves(self) -> Halves | None:
        """The halves of the training rows; None with ``lds=0``, and of a document."""
        return None if self.truth is None else self.truth.halves

    @property
    def _halves(self) -> Mapping[str, Any] | None:
        """What the document says of halves; a list of version 1 is not what is told here."""
        found = self.result["lds"]
        return found if isinstance(found, Mapping) else None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the evaluation that a document describes, without its single effects."""
        return cls(document)

    def document(self) -> dict[str, Any]:
        """Return the evaluation as a JSON document."""
        return dict(self.result)

    def table(self) -> Any:
        """Return every effect of deletion curves as a pyarrow table; without them each query's LDS.

        Columns: measure, sign, k, query (its id), seed, rows (left out), effect, random,
        own_class (effects of the controls; null where there is none). Without deletion curves:
        measure, query, lds (null where models say the same of a query after all halves).

        Raises
        ------
        InputError
            When the evaluation was read from its document.
        """
        if self.effects is None and self.result["k"] == [] and self._halves is not None:
            return self._lds_table(self._halves)
        if self.queries is None or self.effects is None:
            raise InputError(
                "this evaluation was read from its document, which holds no single effects; they "
                "are in the .parquet file that `save` or `wordtrace evaluate --values` wrote."
            )
        columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        ids = [self.queries.ids[place] for place in self.result["deleted"]]
        for (name, sign), one in self.effects.items():
            counts = self.result["removed"][name][sign]
            for (at, query, place), effect in np.ndenumerate(one.named):
                own = float(one.own_class[at, query, place])
                row = (
                    *(name, sign, self.result["k"][at], ids[query], self.result["seeds"][place]),
                    *(counts[at][query], float(effect), float(one.random[at, query, place])),
                    None if np.isnan(own) else own,
                )
                for column, value in zip(columns.values(), row, strict=True):
                    column.append(value)
        return pa.table(columns)

    def _lds_table(self, halves: Mapping[str, Any]) -> Any:
        ids = [one["id"] for one in self.result["queries"]]
        rows = [
            (name, id, score)
            for name, one in halves["measures"].items()
            for id, score in zip(ids, one["by_query"], strict=True)
        ]
        columns = zip(_LDS_COLUMNS, zip(*rows, strict=True), strict=True)
        return pa.table({name: list(values) for name, values in columns})

    @classmethod
    def _ways(cls) -> Ways:
        papers = {ending: partial(cls._write_paper, ending=ending) for ending in ENDINGS}
        return {**super()._ways(), **papers}

    def _write_paper(self, file: Path, *, ending: str) -> None:
        atomic.write_text(file, render_table(self.document(), ending))
