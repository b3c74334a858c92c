"""What removing training rows did, against its controls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from wordtrace.data import frames
from wordtrace.disk import atomic

FORMAT, VERSION = "wordtrace-verification", 1

_TABLE = pa.schema(
    {
        **dict.fromkeys(("query", "label", "left_out"), pa.string()),
        "seed": pa.int64(),
        **dict.fromkeys(("base", "probability", "change"), pa.float64()),
    }
)


@dataclass(frozen=True)
class Verification(frames.Tabular):
    """What removing did, against its controls; :meth:`document` is the whole of it."""

    result: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return the verification as a JSON document."""
        return dict(self.result)

    def __repr__(self) -> str:
        from wordtrace.report.sentences import verification_sentences

        return "\n".join(verification_sentences(self.document()))

    def _repr_html_(self) -> str:
        from wordtrace.report.page import render_fragment

        return render_fragment(self.document())

    def table(self) -> Any:
        """Return a row a query, kind of removal and seed as a pyarrow table.

        Columns: query (its number from 0), label, left_out ("opponents", "proponents", or a
        control's name), seed, base (the probability of the label by a model of all rows),
        probability (without those that are left out), change.
        """
        rows = [
            {
                "query": str(place),
                "label": query["label"],
                "left_out": name,
                "seed": seed,
                "base": base,
                "probability": value,
                "change": value - base,
            }
            for place, query in enumerate(self.result["queries"])
            for name, outcome in (
                (self.result["remove"], query["without"]),
                *((control["name"], control) for control in query["controls"]),
            )
            for seed, base, value in zip(
                self.result["seeds"], query["base"]["values"], outcome["values"], strict=True
            )
        ]
        return pa.Table.from_pylist(rows, schema=_TABLE)

    def to_json(self) -> str:
        """Return :meth:`document` as text."""
        return json.dumps(self.result, ensure_ascii=False, allow_nan=False, indent=1)

    def save(self, path: str | Path) -> None:
        """Write it as JSON, or, where `path` ends in .html, as a page."""
        if Path(path).suffix == ".html":
            from wordtrace.report.page import render_html

            atomic.write_text(Path(path), render_html([self.document()]))
        else:
            atomic.write_json(Path(path), self.result)
