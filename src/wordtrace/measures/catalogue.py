"""All measures, with what a user should know about each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import pyarrow as pa

from wordtrace.measures.names import MEASURES, measure
from wordtrace.results.result import Result

FORMAT, VERSION = "wordtrace-measures", 1

_FAMILIES = ("tracin:LAYER,…", "influence:LAYER")


def measures() -> dict[str, Any]:
    """Return a JSON document that describes all measures.

    Each has its name, its equation, what it needs, what it costs, and whether its scores split
    into words. A name that takes layers is given with a placeholder for them (``tracin:LAYER,…``);
    most measures of layers also take ``+bias`` at the end of the name.

    Examples
    --------
    >>> from wordtrace.measures.catalogue import measures
    >>> "bm25" in [one["name"] for one in measures()["measures"]]
    True
    """
    listed = [{"name": name, **asdict(measure(name).about)} for name in [*MEASURES, *_FAMILIES]]
    for one in listed:
        # Only for callers in Python; they are not in the document.
        del one["reads_texts"], one["passes"]
    return {"format": FORMAT, "version": VERSION, "measures": listed}


@dataclass(frozen=True)
class MeasureList(Result):
    """The measures as a result, which is shown and saved as any other.

    Attributes
    ----------
    listed
        From :func:`measures`.
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION
    noun: ClassVar[str] = "a list of measures"

    listed: dict[str, Any]

    def document(self) -> dict[str, Any]:
        """Return the result as a JSON document."""
        return self.listed

    def table(self) -> Any:
        """Return a row a measure as a pyarrow table; columns as in the document."""
        return pa.Table.from_pylist(self.listed["measures"])
