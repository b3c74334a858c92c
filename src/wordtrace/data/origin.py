"""Where examples were read from, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Origin:
    """The columns that examples were read from.

    Attributes
    ----------
    text, text2, label, id, split
        As :func:`.read_examples` was given them.
    ordered
        Whether the label names stand in an order of the data set's own: that of a ``ClassLabel``,
        whose numbers a model was trained on.
    """

    text: str
    text2: str | None
    label: str | tuple[str, ...] | None
    id: str | Literal[False] | None
    split: str | None = None
    ordered: bool = False

    def words(self) -> dict[str, Any]:
        """Return them as a run keeps them, by the names that a message gives them."""
        return {
            "label column": list(self.label) if isinstance(self.label, tuple) else self.label,
            "text column": self.text,
            "second text's column": self.text2,
            "id column": self.id,
            "split": self.split,
        }
