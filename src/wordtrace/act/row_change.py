"""The change of a row that a result lists: its label is another one, or the row goes."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from wordtrace.act.patch import PatchChange, fingerprint


class Listed(Protocol):
    """A row as results list it: with its label and its texts."""

    @property
    def id(self) -> str:
        """The id of the row."""

    @property
    def label(self) -> str:
        """The label that it has."""

    @property
    def text(self) -> str:
        """Its text."""

    @property
    def text2(self) -> str | None:
        """The second text of a pair."""


def row_change(
    row: Listed,
    action: Literal["relabel", "remove"],
    after: str | None = None,
    *,
    reason: str,
    evidence: dict[str, Any],
) -> PatchChange:
    """Return the change of a listed row, with the fingerprint of the texts that it has now."""
    return PatchChange(
        row.id,
        action,
        row.label,
        after,
        fingerprint=fingerprint(row.text, row.text2),
        reason=reason,
        evidence=evidence,
    )
