"""The result of looking for rows whose texts are nearly the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import pyarrow as pa

from wordtrace.act.patch import Patch, PatchChange
from wordtrace.act.row_change import row_change
from wordtrace.errors import InputError, option
from wordtrace.results import frames
from wordtrace.results.result import Result, told

FORMAT, VERSION = "wordtrace-duplicates", 1

Span = tuple[str, int, int]

_TABLE = pa.schema(
    {
        "group": pa.int64(),
        **dict.fromkeys(("advice", "proposed", "id", "label", "predicted"), pa.string()),
        "like": pa.string(),
        "similarity": pa.float64(),
        **dict.fromkeys(("text", "text2"), pa.large_string()),
    }
)


@dataclass(frozen=True)
class DuplicateRow:
    """A row of a group.

    Attributes
    ----------
    predicted
        The label that the final model predicts.
    like
        The id of the row that is kept in its place; None where this row is kept itself.
    similarity
        The Jaccard similarity of its words and that row's, each as often as it stands there.
    differing
        (field, start, end), in characters: the words that the row in its place does not have there;
        of a row that is kept, those that the first row like it does not have.
    """

    id: str
    label: str
    predicted: str
    text: str
    text2: str | None
    like: str | None
    similarity: float
    differing: tuple[Span, ...]


@dataclass(frozen=True)
class DuplicateGroup:
    """Rows that are connected by pairs of similar texts.

    Attributes
    ----------
    count
        How many rows there are.
    labels
        (label, rows that have it), the most frequent first.
    same
        Whether the texts are the same, but for case and punctuation.
    words
        The rarest words that all rows share.
    advice
        "remove" where all rows have one label: one is enough. "relabel" where labels differ and one
        is proposed, else "review".
    proposed
        The label of most rows; where two have as many, the one that the model says more often.
        None where that decides nothing, or all labels are the same.
    rows
        By their order in the index.
    """

    count: int
    labels: tuple[tuple[str, int], ...]
    same: bool
    words: tuple[str, ...]
    advice: str
    proposed: str | None
    rows: tuple[DuplicateRow, ...]


@dataclass(frozen=True, repr=False)
class Duplicates(Result):
    """Groups of rows whose texts are nearly the same, those first whose labels differ.

    Attributes
    ----------
    threshold
        The least similarity of a pair.
    examples
        How many rows were compared.
    found, rows, differ
        How many groups there are, how many rows are in them, and in how many groups labels differ.
    spare
        How many rows could go if one were kept in each group, and those too unlike it.
    complete
        Whether every similar pair was found; else too many texts share most of their words.
    groups
        The listed groups.
    misread
        Of a run whose training was adopted though its logged loss does not fit: what does not.
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION
    noun: ClassVar[str] = "a list of duplicates"

    index: str
    threshold: float
    examples: int
    found: int
    rows: int
    differ: int
    spare: int
    complete: bool
    groups: tuple[DuplicateGroup, ...]
    misread: str | None = None

    def __repr__(self) -> str:
        return (
            f"Duplicates({self.found:,} groups with {self.rows:,} of {self.examples:,} rows, "
            f"{self.differ:,} with different labels)"
        )

    def document(self) -> dict[str, Any]:
        """Return the groups as a JSON document."""
        document = {"format": FORMAT, "version": VERSION, **asdict(self)}
        document |= told(document.pop("misread"))
        for row in (row for group in document["groups"] for row in group["rows"]):
            if row["text2"] is None:
                del row["text2"]
        return document

    def table(self) -> Any:
        """Return a pyarrow table with one row for each row of the listed groups.

        Columns: group (its number from 1), advice, proposed, and the fields of
        :class:`DuplicateRow` but `differing`; text2 only for pairs.
        """
        rows = [
            {
                "group": number,
                "advice": group.advice,
                "proposed": group.proposed,
                **{name: getattr(row, name) for name in _TABLE.names[3:]},
            }
            for number, group in enumerate(self.groups, 1)
            for row in group.rows
        ]
        return frames.table_of(rows, _TABLE)

    def patch(self, action: Literal["remove", "relabel"] = "remove") -> Patch:
        """Return a patch that changes the listed groups, for review.

        Parameters
        ----------
        action
            "remove" takes out the rows in whose place another one is kept, in groups of one label;
            "relabel" gives the proposed label to the rows of groups whose labels differ.

        Raises
        ------
        InputError
            For another action.
        """
        if action not in ("remove", "relabel"):
            raise InputError(f"{option('action')} is {action!r}; it must be remove or relabel.")
        return Patch(tuple(self._removals() if action == "remove" else self._relabellings()))

    def _removals(self) -> Iterator[PatchChange]:
        for group in self.groups:
            for row in group.rows:
                if group.advice == "remove" and row.like is not None:
                    reason = (
                        f"it shares {row.similarity:.0%} of the words with {row.like}, which stays"
                    )
                    evidence = {"similarity": row.similarity, "like": row.like}
                    yield row_change(row, "remove", reason=reason, evidence=evidence)

    def _relabellings(self) -> Iterator[PatchChange]:
        for group in self.groups:
            given = ", ".join(f"{count:,} {label}" for label, count in group.labels)
            for row in group.rows:
                if group.proposed is not None and row.label != group.proposed:
                    reason = (
                        f"one of {group.count:,} rows with nearly the same text, labelled {given}"
                    )
                    evidence = {
                        "similarity": row.similarity,
                        "labels": dict(group.labels),
                        "predicted": row.predicted,
                    }
                    after = group.proposed
                    yield row_change(row, "relabel", after, reason=reason, evidence=evidence)
