"""What is asked: texts, and the label of each that is to be explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labels
from wordtrace.errors import InputError
from wordtrace.run.run import Run

LabelSource = Literal["given", "file", "predicted"]


@dataclass(frozen=True)
class Question:
    """Texts to trace and the labels to explain.

    Attributes
    ----------
    labels
        As :class:`.data.labelling.Labelling` has them; none where the model's prediction is meant.
    label_source
        Where the labels that are given come from.
    """

    texts: Sequence[str]
    texts2: Sequence[str] | None
    labels: Labels
    label_source: LabelSource

    def part(self, start: int, end: int) -> Question:
        """Return some consecutive queries."""
        return Question(
            self.texts[start:end],
            None if self.texts2 is None else self.texts2[start:end],
            self.labels[start:end],
            self.label_source,
        )


def ask(
    run: Run,
    texts: str | tuple[str, str] | Sequence[str] | Sequence[tuple[str, str]] | Examples,
    label: str | Sequence[str] | None = None,
) -> Question:
    """Bring texts and labels into one form.

    Raises
    ------
    InputError
        For a label the run does not have, or another number of labels than texts.
    """
    if isinstance(texts, Examples):
        if label is None:
            return Question(texts.texts, texts.texts2, texts.labels_as(run.labelling), "file")
        texts = (
            texts.texts
            if texts.texts2 is None
            else list(zip(texts.texts, texts.texts2, strict=True))
        )
    if isinstance(texts, str) or (isinstance(texts, tuple) and run.manifest["has_pairs"]):
        texts = [texts]  # type: ignore[assignment]
    first = [text if isinstance(text, str) else text[0] for text in texts]
    second = [text[1] for text in texts if not isinstance(text, str)]
    if second and len(second) != len(first):
        raise InputError("give pairs of texts throughout, or single texts throughout.")
    labels = [label] * len(first) if isinstance(label, str) or label is None else list(label)
    if len(labels) != len(first):
        raise InputError(f"there are {len(first)} texts but {len(labels)} labels.")
    return Question(first, second or None, run.labelling.parse_all(labels), "given")
