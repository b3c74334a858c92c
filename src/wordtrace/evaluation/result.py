"""What a study of measures found."""

from __future__ import annotations

from collections.abc import Mapping
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
from wordtrace.report.paper import ENDINGS, render_table
from wordtrace.results.result import Result, Ways

FORMAT, VERSION = "wordtrace-evaluation", 1

_COLUMNS = ("measure", "sign", "k", "query", "seed", "rows", "effect", "random", "own_class")


@dataclass(frozen=True, repr=False)
class Evaluation(Result):
    """The deletion curves of a study; :meth:`document` holds all of it.

    `queries` and `effects` are None for an evaluation that was read from its document.
    :meth:`save` also writes a table to print: ``.tex`` or ``.md``.

    Attributes
    ----------
    queries
        The texts that were asked, with their labels.
    effects
        By (measure, sign): the effects of leaving rows out.

    Examples
    --------
    >>> found = wt.evaluate(run, 2, measures=["bm25"], k=[2], repeats=2, workers=1)
    >>> found.save("study.md")
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION
    noun: ClassVar[str] = "an evaluation"

    result: Mapping[str, Any]
    queries: Examples | None = None
    effects: Mapping[tuple[str, Sign], Effects] | None = None

    def __repr__(self) -> str:
        return (
            f"Evaluation({', '.join(self.result['measures'])}; "
            f"{len(self.result['queries'])} queries, {self.result['retrainings']:,} retrainings)"
        )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the evaluation that a document describes, without its single effects."""
        return cls(document)

    def document(self) -> dict[str, Any]:
        """Return the evaluation as a JSON document."""
        return dict(self.result)

    def table(self) -> Any:
        """Return every effect as a pyarrow table.

        Columns: measure, sign, k, query (its id), seed, rows (left out), effect, random,
        own_class (effects of the controls; null where there is none).

        Raises
        ------
        InputError
            When the evaluation was read from its document.
        """
        if self.queries is None or self.effects is None:
            raise InputError(
                "this evaluation was read from its document, which holds no single effects; they "
                "are in the .parquet file that `save` or `wordtrace evaluate --values` wrote."
            )
        columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        ids = self.queries.ids
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

    @classmethod
    def _ways(cls) -> Ways:
        papers = {ending: partial(cls._write_paper, ending=ending) for ending in ENDINGS}
        return {**super()._ways(), **papers}

    def _write_paper(self, file: Path, *, ending: str) -> None:
        atomic.write_text(file, render_table(self.document(), ending))
