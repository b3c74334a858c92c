"""What a server tells of the run whose index it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wordtrace.data.labelling import Labelling


@dataclass(frozen=True)
class ServedRun:
    """As much of a :class:`.Run` as it takes to read queries for it.

    Attributes
    ----------
    path
        Its folder on the server's machine.
    labelling, label_names
        The kind of its labels, and the classes.
    has_pairs, chats, generates
        Whether its examples have two texts, are conversations; whether its model writes text.
    """

    path: str
    labelling: Labelling
    has_pairs: bool
    chats: bool
    generates: bool

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> ServedRun:
        """Return what the answer of GET /api/index says."""
        labelling = Labelling(about["kind"], tuple(about["label_names"]))
        flags = (bool(about[name]) for name in ("pairs", "chats", "generates"))
        return cls(str(about["run"]), labelling, *flags)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The classes, in the order of the model's outputs."""
        return self.labelling.names
