"""Where examples were read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from wordtrace.data.labelling import Kind


@dataclass(frozen=True)
class Origin:
    """The file and the columns that examples were read from.

    Attributes
    ----------
    text, text2, label, id, split
        As :func:`.read_examples` was given them.
    ordered
        Whether the label names stand in an order of the data set's own: that of a ``ClassLabel``,
        whose numbers a model was trained on.
    kind
        The kind of the labels.
    forms
        For a language model: the columns that :func:`.read_dialogues` was given, none where it
        found them itself; None for labelled texts.
    path
        The file or folder, from the root; None for what was no file here.
    """

    text: str
    text2: str | None
    label: str | tuple[str, ...] | None
    id: str | Literal[False] | None
    split: str | None = None
    ordered: bool = False
    kind: Kind = "class"
    forms: tuple[str, ...] | None = None
    path: str | None = None

    def words(self) -> dict[str, Any]:
        """Return them as a run keeps them, by the names that a message gives them."""
        return {
            "label column": list(self.label) if isinstance(self.label, tuple) else self.label,
            "text column": self.text,
            "second text's column": self.text2,
            "id column": self.id,
            "split": self.split,
        }

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Origin:
        """Read it from JSON (TypeError for entries that it does not have)."""
        label, forms = document.get("label"), document.get("forms")
        several = isinstance(label, list)
        return cls(
            **{
                **document,
                "label": tuple(label) if several and label is not None else label,
                "forms": None if forms is None else tuple(forms),
            }
        )


def file_of(origin: Origin | None) -> Origin | None:
    """Return where examples were read from, if that was a file."""
    return origin if origin is not None and origin.path is not None else None
