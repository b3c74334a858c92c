"""The result of looking for rows that are unlike the rest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import pyarrow as pa

from wordtrace.act.patch import Patch
from wordtrace.act.row_change import row_change
from wordtrace.results import frames
from wordtrace.results.result import Result, told

FORMAT, VERSION = "wordtrace-outliers", 1

_TABLE = pa.schema(
    {
        "rank": pa.int64(),
        **dict.fromkeys(("id", "label", "predicted"), pa.string()),
        **dict.fromkeys(("text", "text2"), pa.large_string()),
        **dict.fromkeys(("strangeness", "words", "letters", "alone", "length"), pa.float64()),
        "reasons": pa.list_(pa.string()),
        "rare": pa.list_(pa.string()),
    }
)


@dataclass(frozen=True)
class Outlier:
    """A row whose text is unlike the others.

    Attributes
    ----------
    rank
        Its place in the ranking, from 1.
    predicted
        The label that the final model predicts.
    strangeness
        The value by which rows are ranked: Σ −log(1 − rank share) of the four below.
    words
        How rare its words are: mean −log₂ of the share of other rows that hold each of them.
    letters
        How rare its sequences of three letters are: mean −log₂ of their share in all other texts.
    alone
        1 less the cosine of its words, weighted by their rarity, to the most similar of the rows
        that it was compared with.
    length
        How far its number of words is from the middle, in times the usual distance, on a scale of
        logarithms.
    reasons
        Sentences that say what is unusual.
    rare
        Its words that no other row has, or fewest others.
    """

    rank: int
    id: str
    label: str
    predicted: str
    text: str
    text2: str | None
    strangeness: float
    words: float
    letters: float
    alone: float
    length: float
    reasons: tuple[str, ...]
    rare: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Outliers(Result):
    """Rows ranked by how unlike the others their texts are.

    Attributes
    ----------
    by
        What orders them: "combined", or one of the four parts.
    examples
        How many rows were ranked.
    compared
        How many rows, drawn with a seed, each row was compared with for `alone`.
    rows
        The listed rows, strangest first.
    misread
        Of a run whose training was adopted though its logged loss does not fit: what does not.
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION
    noun: ClassVar[str] = "a list of outliers"

    index: str
    by: str
    examples: int
    compared: int
    rows: tuple[Outlier, ...]
    misread: str | None = None

    def __repr__(self) -> str:
        return f"Outliers({len(self.rows)} of {self.examples:,} rows, by {self.by})"

    def document(self) -> dict[str, Any]:
        """Return the ranking as a JSON document."""
        document = {"format": FORMAT, "version": VERSION, **asdict(self)}
        document |= told(document.pop("misread"))
        for row in document["rows"]:
            if row["text2"] is None:
                del row["text2"]
        return document

    def table(self) -> Any:
        """Return a pyarrow table with one row for each outlier: the fields of :class:`Outlier`.

        text2 is only there for pairs.
        """
        rows = [{name: getattr(row, name) for name in _TABLE.names} for row in self.rows]
        return frames.table_of(rows, _TABLE)

    def patch(self) -> Patch:
        """Return a patch that removes the listed rows, for review."""
        return Patch(
            tuple(
                row_change(
                    row,
                    "remove",
                    reason="; ".join(row.reasons),
                    evidence={"rank": row.rank, "strangeness": row.strangeness},
                )
                for row in self.rows
            )
        )
