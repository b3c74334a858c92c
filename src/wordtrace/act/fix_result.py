"""The result of a fix: what changes of the data did to misclassified queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import pyarrow as pa

from wordtrace.act.patch import Patch
from wordtrace.errors import InputError, option
from wordtrace.results.result import Result

FORMAT, VERSION = "wordtrace-fix", 1

_TABLE = pa.schema(
    {
        **dict.fromkeys(("id", "label", "predicted"), pa.string()),
        "probability": pa.float64(),
        "method": pa.string(),
        **dict.fromkeys(("k", "right", "base", "repeats"), pa.int64()),
        "suffices": pa.bool_(),
    }
)


@dataclass(frozen=True, repr=False)
class Fix(Result):
    """What each change did to the queries; :meth:`document` holds all of it.

    Attributes
    ----------
    patches
        For each query the smallest change that suffices, or None where none does. The attribute is
        None for a fix that was read from its document, which names no rows.
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION
    noun: ClassVar[str] = "a fix"

    result: Mapping[str, Any]
    patches: tuple[Patch | None, ...] | None = None

    def __repr__(self) -> str:
        queries = self.result["queries"]
        solved = sum(bool(one["suffices"]) for one in queries)
        return (
            f"Fix({solved} of {len(queries)} queries set right, "
            f"{self.result['retrainings']:,} retrainings)"
        )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the fix that a document describes, without its patches."""
        found = cls(document)
        found.table()
        return found

    def document(self) -> dict[str, Any]:
        """Return the result as a JSON document."""
        return dict(self.result)

    def table(self) -> Any:
        """Return a pyarrow table with one row for each query, method and k.

        Columns: id, label, predicted, probability, method, k, right (how many of the `repeats`
        retrainings get the query right), base (the same for retrainings on all rows), repeats,
        suffices (whether this is the smallest change that suffices).
        """
        rows = [
            {
                **{name: query[name] for name in ("id", "label", "predicted", "probability")},
                "method": method,
                "k": int(k),
                "right": right,
                "base": query["base"],
                "repeats": self.result["repeats"],
                "suffices": query["suffices"] == {"method": method, "k": int(k)},
            }
            for query in self.result["queries"]
            for method, by_size in query["right"].items()
            for k, right in by_size.items()
        ]
        return pa.Table.from_pylist(rows, schema=_TABLE)

    def patch(self) -> Patch:
        """Return one patch with the smallest sufficient changes of all queries that have one.

        Raises
        ------
        InputError
            When no change suffices, when two queries need different changes of the same row, or
            when the fix was read from its document.
        """
        if self.patches is None:
            raise InputError(
                "this fix was read from its document, which names no rows; make it again, or read "
                "the patch that was written with it (wt.read_patch)."
            )
        found = [one for one in self.patches if one is not None]
        if not found:
            raise InputError(
                f"no change sets a query right for sure; try a larger {option('k')} or more "
                f"{option('repeats')}."
            )
        return found[0].merged(*found[1:])
