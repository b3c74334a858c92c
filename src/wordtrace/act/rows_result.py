"""The result of listing rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import pyarrow as pa

from wordtrace.models.chat_turns import Turn
from wordtrace.results import frames
from wordtrace.results.decode import decode
from wordtrace.results.result import Result

FORMAT, VERSION = "wordtrace-rows", 1

_TABLE = pa.schema(
    {
        "row": pa.int64(),
        "id": pa.string(),
        **dict.fromkeys(("text", "text2"), pa.large_string()),
        **dict.fromkeys(("label", "predicted"), pa.string()),
        "right": pa.bool_(),
        **dict.fromkeys(("suspicion", "loss", "self_influence"), pa.float64()),
    }
)
#: Fields that a document leaves out where they are None.
_SOME = ("text2", "turns")


@dataclass(frozen=True)
class Row:
    """A row of an index.

    Attributes
    ----------
    row
        Its number in the index, from 0.
    id
        Its id in the data.
    text, text2
        Its texts; of a conversation, as the model reads it.
    label, predicted
        The label in the data, and the one that the final model predicts; None for a language model.
    right
        Whether they are the same; None where labels are no classes.
    suspicion
        The suspicion that its label is wrong; None where it was not asked for.
    loss
        The loss of the final model.
    self_influence
        Σ_c η_c Σ_w ‖∂ℓ(x)/∂Θ_w‖² over all tokens.
    turns
        Of a conversation: where each message's content stands in `text`.
    cut
        Whether `text` or `text2` is only the beginning.
    """

    row: int
    id: str
    text: str
    text2: str | None
    label: str | None
    predicted: str | None
    right: bool | None
    suspicion: float | None
    loss: float
    self_influence: float
    turns: tuple[Turn, ...] | None = None
    cut: bool = False

    def document(self) -> dict[str, Any]:
        """Return the row as JSON."""
        found = asdict(self)
        for name in _SOME:
            if found[name] is None:
                del found[name]
        return found


@dataclass(frozen=True, repr=False)
class Rows(Result):
    """Rows of an index that pass filters.

    Attributes
    ----------
    index
        Its folder.
    filters
        Those that were given, by name.
    sort, descending
        The column that orders them.
    total, matching
        How many rows there are, and how many pass the filters.
    offset
        How many of those stand before the first listed one.
    rows
        The listed ones.
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION
    noun: ClassVar[str] = "a list of rows"

    index: str
    filters: Mapping[str, Any]
    sort: str
    descending: bool
    total: int
    matching: int
    offset: int
    rows: tuple[Row, ...]

    def __repr__(self) -> str:
        return f"Rows({len(self.rows):,} of {self.matching:,} that match, of {self.total:,})"

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the rows that a document describes; ValueError where it is not whole."""
        rows = [{**dict.fromkeys(_SOME), **one} for one in document["rows"]]
        return decode(cls, {**document, "rows": rows})

    def document(self) -> dict[str, Any]:
        """Return the rows as a JSON document."""
        found = {"format": FORMAT, "version": VERSION, **vars(self)}
        return {**found, "rows": [one.document() for one in self.rows]}

    def table(self) -> Any:
        """Return a pyarrow table with the fields of :class:`Row`; text2 only for pairs."""
        rows = [{name: getattr(one, name) for name in _TABLE.names} for one in self.rows]
        return frames.table_of(rows, _TABLE)
