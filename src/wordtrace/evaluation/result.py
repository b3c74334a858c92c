"""What a study of measures found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace.data import frames
from wordtrace.data.examples import Examples
from wordtrace.disk import atomic
from wordtrace.evaluation.candidates import Sign
from wordtrace.evaluation.deletion import Effects
from wordtrace.report.paper import ENDINGS, render_table

FORMAT, VERSION = "wordtrace-evaluation", 1

_COLUMNS = ("measure", "sign", "k", "query", "seed", "rows", "effect", "random", "own_class")


@dataclass(frozen=True)
class Evaluation(frames.Tabular):
    """Deletion curves; :meth:`document` is the whole of it.

    Attributes
    ----------
    queries
        The texts that were asked, with their labels.
    effects
        By (measure, sign): what leaving out did.
    """

    result: Mapping[str, Any]
    queries: Examples
    effects: Mapping[tuple[str, Sign], Effects]

    def document(self) -> dict[str, Any]:
        """Return the evaluation as a JSON document."""
        return dict(self.result)

    def to_json(self) -> str:
        """Return :meth:`document` as text."""
        return json.dumps(self.result, ensure_ascii=False, allow_nan=False, indent=1)

    def table(self) -> Any:
        """Return every effect as a pyarrow table.

        Columns: measure, sign, k, query (its id), seed, rows (left out), effect, random,
        own_class (effects of the controls; null where there is none).
        """
        import pyarrow as pa

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

    def save(self, path: str | Path) -> None:
        """Write the document as JSON, a page (.html), a table to print (.tex or .md), or every
        effect (.parquet).
        """
        file = Path(path)
        if file.suffix == ".parquet":
            import pyarrow.parquet as pq

            with atomic.replacing(file) as temporary:
                pq.write_table(self.table(), temporary, compression="zstd")
        elif file.suffix == ".html":
            from wordtrace.report.page import render_html

            atomic.write_text(file, render_html([self.document()]))
        elif file.suffix in ENDINGS:
            atomic.write_text(file, render_table(self.document(), file.suffix))
        else:
            atomic.write_json(file, self.result)

    def _repr_html_(self) -> str:
        from wordtrace.report.page import render_fragment

        return render_fragment(self.document())
