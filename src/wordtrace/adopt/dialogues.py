"""A language model's training data: its form, and how TRL makes tokens of that form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from wordtrace.data.conversations import Conversation, Form, Malformed
from wordtrace.data.examples import Examples
from wordtrace.data.readers import read_dialogues
from wordtrace.errors import DataError


@dataclass(frozen=True)
class Training:
    """The data of a language model's training.

    Attributes
    ----------
    examples
        Texts, pairs, or conversations as their documents' texts.
    preparation
        "chat" for conversations; "plain" for texts in TRL's columns; "own" where the user named the
        columns, or gave Examples.
    form
        The columns in which they were found; None for Examples.
    """

    examples: Examples
    preparation: str
    form: Form | None = None


def read_training(
    data: Any,
    *,
    text: str | None,
    text2: str | None,
    id: str | Literal[False] | None,
    split: str | None,
) -> Training:
    """Read the data, and tell by its form how the training made tokens of it (DataError)."""
    if isinstance(data, Examples):
        return Training(data, "chat" if _holds_conversations(data) else "own")
    read = read_dialogues(data, text=text, text2=text2, id=id, split=split)
    own = "plain" if text is None and text2 is None else "own"
    return Training(read.examples, "chat" if read.chat else own, read.form)


def check_alike(training: Training, held_out: Training) -> None:
    """Refuse held-out data of another form than the training's (DataError)."""
    if (training.preparation == "chat") != (held_out.preparation == "chat"):
        raise DataError(
            f"{held_out.examples.source}: give conversations in both files or in neither."
        )


def _holds_conversations(examples: Examples) -> bool:
    if examples.has_pairs or not len(examples):
        return False
    try:
        Conversation.of(examples.table["text"][0].as_py())
    except Malformed:
        return False
    return True
