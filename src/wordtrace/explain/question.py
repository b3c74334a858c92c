"""What is asked: texts, and the label of each that is to be explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from wordtrace.data.examples import Examples
from wordtrace.errors import InputError
from wordtrace.models.answer_spans import Part
from wordtrace.run.run import Run

LabelSource = Literal["given", "file", "predicted"]


@dataclass(frozen=True)
class Question:
    """Texts to trace and the labels to explain.

    Attributes
    ----------
    labels
        int64, shape (queries,); -1 where the model's prediction is meant.
    label_source
        Where the labels that are not -1 come from.
    parts
        Of a language model's answers, what is meant of each; None for all of it.
    ids
        Of the queries, where they have any.
    """

    texts: Sequence[str]
    texts2: Sequence[str] | None
    labels: npt.NDArray[np.int64]
    label_source: LabelSource
    parts: Sequence[Part | None] | None = None
    ids: Sequence[str] | None = None

    def part(self, start: int, end: int) -> Question:
        """Return some consecutive queries."""
        return Question(
            self.texts[start:end],
            None if self.texts2 is None else self.texts2[start:end],
            self.labels[start:end],
            self.label_source,
            None if self.parts is None else self.parts[start:end],
            None if self.ids is None else self.ids[start:end],
        )


def ask(
    run: Run,
    texts: str | tuple[str, str] | Sequence[str] | Sequence[tuple[str, str]] | Examples,
    label: str | Sequence[str] | None = None,
    span: Part | Sequence[Part | None] | None = None,
) -> Question:
    """Bring texts and labels into one form.

    Parameters
    ----------
    span
        The part of the answers that is meant, for all queries or one each: a text, or (start, end)
        in characters.

    Raises
    ------
    InputError
        For a label the run does not have, or another number of labels, or spans, than texts.
    """
    names = run.label_names
    ids = texts.ids if isinstance(texts, Examples) else None
    if isinstance(texts, Examples):
        given = texts.labels
        if label is None and (given >= 0).any() and texts.label_names != names:
            order = np.array([class_of(name, names) for name in texts.label_names])
            given = np.where(given >= 0, order[given], -1)
        if label is None:
            parts = parts_of(span, len(texts))
            return Question(texts.texts, texts.texts2, given, "file", parts, ids)
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
    classes = np.array([-1 if one is None else class_of(one, names) for one in labels], np.int64)
    return Question(first, second or None, classes, "given", parts_of(span, len(first)), ids)


def parts_of(span: Part | Sequence[Part | None] | None, count: int) -> Sequence[Part | None] | None:
    """Return one part of an answer for each query (InputError for another number)."""
    if span is None:
        return None
    if isinstance(span, str):
        return [span] * count
    if isinstance(span, tuple) and len(span) == 2 and all(type(one) is int for one in span):
        return [(span[0], span[1])] * count  # type: ignore[list-item]
    parts: list[Part | None] = list(span)  # type: ignore[arg-type]
    if len(parts) != count:
        raise InputError(f"there are {count} texts but {len(parts)} spans.")
    return parts


def class_of(name: str, names: Sequence[str]) -> int:
    """Return a label's place among the run's; an unknown one is an error (InputError)."""
    if name not in names:
        raise InputError(f"there is no label {name!r}; the run has {', '.join(names)}.")
    return list(names).index(name)
