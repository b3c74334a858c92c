"""What the comparison of rankings tells."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import pyarrow as pa

from wordtrace.analysis.tops import Share
from wordtrace.results import frames
from wordtrace.results.result import Result

FORMAT, VERSION = "wordtrace-overlap", 1

Matrix = tuple[tuple[float | None, ...], ...]

_TABLE = pa.schema(
    {
        **dict.fromkeys(("measure", "id"), pa.string()),
        "count": pa.int64(),
        "label": pa.string(),
        **dict.fromkeys(("text", "text2"), pa.large_string()),
    }
)


@dataclass(frozen=True)
class Recurrent:
    """A training example that is in the lists of many queries.

    Attributes
    ----------
    id
        The data's own; the row's number where the examples are not known.
    count
        In how many queries' lists it is.
    """

    id: str
    count: int
    label: str | None = None
    text: str | None = None
    text2: str | None = None


@dataclass(frozen=True)
class Recurrence:
    """Whether the lists of different queries hold the same examples.

    Attributes
    ----------
    pairs, different_labels
        What the lists of two queries share: any two, and two that are asked about different labels.
    distinct, distinct_by_chance
        Different examples in all lists together, and how many in random lists of these lengths.
    most_by_chance
        In how many lists the most frequent example would be by chance.
    examples
        The most frequent ones, by falling count, equal counts by rising row.
    """

    pairs: Share
    different_labels: Share
    distinct: int
    distinct_by_chance: float
    most_by_chance: float
    examples: tuple[Recurrent, ...]


@dataclass(frozen=True)
class MeasureOverlap:
    """One measure's lists beside the parts alone, and beside each other.

    Attributes
    ----------
    saliency, similarity
        What the largest absolute scores share with those of the part alone.
    saliency_proponents, similarity_proponents
        The same of the largest positive scores.
    """

    measure: str
    saliency: Share
    saliency_proponents: Share
    similarity: Share
    similarity_proponents: Share
    recurrence: Recurrence


@dataclass(frozen=True)
class Overlap(Result):
    """The lists of several measures compared.

    Attributes
    ----------
    top
        The lists' length.
    queries, examples
        How many there are.
    overlaps
        Entry [i][j]: what the lists of measures i and j share, a mean over the queries.
    spearman
        Entry [i][j]: their scores' rank correlation over all examples, a mean over the queries;
        None where a measure gives all examples one score.
    run
        The folder; None of bare scores.
    misread
        Of a run whose training was adopted though its logged loss does not fit: what does not.
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION
    noun: ClassVar[str] = "a comparison of rankings"

    top: int
    queries: int
    examples: int
    measures: tuple[MeasureOverlap, ...]
    overlaps: Matrix
    spearman: Matrix
    run: str | None = None
    misread: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the comparison as a JSON document."""
        document = {"format": FORMAT, "version": VERSION, **asdict(self)}
        if self.misread is None:
            del document["misread"]
        for entry in document["measures"]:
            for example in entry["recurrence"]["examples"]:
                for name in ("label", "text", "text2"):
                    if example[name] is None:
                        del example[name]
        return document

    def table(self) -> Any:
        """Return a pyarrow table with one row for each measure and example that recurs.

        Columns: measure, and the fields of :class:`Recurrent`: id, count, label, text, text2.
        """
        rows = [
            {"measure": one.measure, **asdict(example)}
            for one in self.measures
            for example in one.recurrence.examples
        ]
        return frames.table_of(rows, _TABLE)
