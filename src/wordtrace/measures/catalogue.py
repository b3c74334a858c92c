"""All measures with what a user should know of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import pyarrow as pa

from wordtrace.measures.names import MEASURES, measure
from wordtrace.results.result import Result

FORMAT, VERSION = "wordtrace-measures", 1

_FAMILIES = ("tracin:LAYER,…", "influence:LAYER")


def measures() -> dict[str, Any]:
    """Return a JSON document: each measure's name, equation, needs, cost, and whether by word.

    A name that takes layers stands with a placeholder for them; most of those of layers also take
    ``+bias`` at the end.
    """
    listed = [{"name": name, **asdict(measure(name).about)} for name in [*MEASURES, *_FAMILIES]]
    for one in listed:
        # What callers in Python need who have token ids alone; it is not of the document.
        del one["reads_texts"]
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
