"""The result of a verification: what removing training rows did, compared with controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import pyarrow as pa

from wordtrace.report.sentences import verification_sentences
from wordtrace.results.result import Result

FORMAT, VERSION = "wordtrace-verification", 1

_TABLE = pa.schema(
    {
        **dict.fromkeys(("query", "label", "left_out"), pa.string()),
        "seed": pa.int64(),
        **dict.fromkeys(("base", "value", "change"), pa.float64()),
    }
)


@dataclass(frozen=True)
class Verification(Result):
    """What removing rows did, compared with controls; :meth:`document` holds all of it.

    Examples
    --------
    >>> proof = wt.verify(trace, k=3, repeats=2, workers=1)
    >>> proof.save("proof.json")
    >>> wt.load("proof.json").document() == proof.document()
    True
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION
    noun: ClassVar[str] = "a verification"

    result: Mapping[str, Any]

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the verification that a document describes; ValueError if it is not whole."""
        found = cls(document)
        found.table()
        return found

    def document(self) -> dict[str, Any]:
        """Return the verification as a JSON document."""
        return dict(self.result)

    def __repr__(self) -> str:
        look = self.result.get("look")
        return "\n".join([*([look] if look else []), *verification_sentences(self.document())])

    def table(self) -> Any:
        """Return a pyarrow table with one row for each query, kind of removal and seed.

        Columns: query (its number from 0), label, left_out ("opponents", "proponents", or the name
        of a control), seed, base (what is measured, by a model of all rows: the label's
        probability, a regression's number, or the probability of a language model's answer), value
        (by a model without the rows left out), change.
        """
        rows = [
            {
                "query": str(place),
                "label": query["label"],
                "left_out": name,
                "seed": seed,
                "base": base,
                "value": value,
                "change": value - base,
            }
            for place, query in enumerate(self.result["queries"])
            for name, outcome in (
                (self.result["remove"], query["without"]),
                *((control["name"], control) for control in query["controls"]),
            )
            for seed, base, value in zip(
                query.get("seeds") or self.result["seeds"],
                query["base"]["values"],
                outcome["values"],
                strict=True,
            )
        ]
        return pa.Table.from_pylist(rows, schema=_TABLE)
