"""Texts of a run that are not those of its data, but what a tokenizer wrote back from their ids."""

from __future__ import annotations

#: The source of rows that our callback saw as token ids, where it was given no data.
SOURCE = "the Trainer's data"
#: What a trace says that lists such texts, and a run's notes.
TOLD = (
    "The texts of the training rows are as the tokenizer wrote them back from their tokens, "
    "perhaps in lower case and cut: train with wt.TraceCallback(…, data=…) to see the originals."
)


def written_back(source: str) -> str | None:
    """Return what is said of texts from a source; None where they are the data's own."""
    return TOLD if source == SOURCE else None
