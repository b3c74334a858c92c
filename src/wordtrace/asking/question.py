"""A question: texts, and the label to explain for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np

from wordtrace.asking.dialogues import read_dialogues
from wordtrace.data.examples import Examples
from wordtrace.data.given_texts import check_texts
from wordtrace.data.labelling import Labels
from wordtrace.errors import InputError
from wordtrace.models.answer_spans import Passage
from wordtrace.models.chat_tokenizer import ChatTokenizer
from wordtrace.run.run import Run

#: A text, or a pair of texts where the run's examples are pairs.
Text = str | tuple[str, str]
#: What is asked about: texts, or conversations where the run's examples are.
Asked = Text | Sequence[Text] | Examples | Mapping[str, Any] | Sequence[Mapping[str, Any]]
LabelSource = Literal["given", "file", "predicted"]


@dataclass(frozen=True)
class Question:
    """Texts to trace and the labels to explain.

    Attributes
    ----------
    labels
        The labels in the form of :class:`.data.labelling.Labelling`; a label that says nothing
        stands for the model's prediction.
    label_source
        Where the given labels come from.
    passages
        For a language model: the part of each answer to explain; None for the whole answer.
    ids
        The queries' ids, where they have any.
    first
        The number of the first query among all of the user's queries, for messages.
    """

    texts: Sequence[str]
    texts2: Sequence[str] | None
    labels: Labels
    label_source: LabelSource
    passages: Sequence[Passage | None] | None = None
    ids: Sequence[str] | None = None
    first: int = 0

    def __len__(self) -> int:
        return len(self.texts)

    def part(self, start: int, end: int) -> Question:
        """Return some consecutive queries."""
        return Question(
            self.texts[start:end],
            None if self.texts2 is None else self.texts2[start:end],
            self.labels[start:end],
            self.label_source,
            None if self.passages is None else self.passages[start:end],
            None if self.ids is None else self.ids[start:end],
            self.first + start,
        )


def make_question(
    run: Run,
    texts: Asked,
    label: str | Sequence[str | None] | None = None,
    span: Passage | Sequence[Passage | None] | None = None,
) -> Question:
    """Bring texts and labels into one form.

    Parameters
    ----------
    label
        One label for all texts, or a list with a label for each; None means the label that Examples
        have, else the one that the model predicts.
    span
        The part of the answer to explain, as a text or as (start, end) in characters; one for all
        queries, or a list with one for each.

    Raises
    ------
    InputError
        For a label that the run does not have, and when there are not as many labels, or spans, as
        texts.
    """
    ids = texts.ids if isinstance(texts, Examples) else None
    if isinstance(run.tokenizer, ChatTokenizer):
        return _of_dialogues(run, run.tokenizer, texts, span, ids)
    if isinstance(texts, Examples):
        if label is None:
            passages, labels_here = passages_of(span, len(texts)), texts.labels_as(run.labelling)
            return Question(texts.texts, texts.texts2, labels_here, "file", passages, ids)
        texts = (
            texts.texts
            if texts.texts2 is None
            else list(zip(texts.texts, texts.texts2, strict=True))
        )
    check_texts(texts)
    if isinstance(texts, str) or (isinstance(texts, tuple) and run.has_pairs):
        texts = [texts]
    plain = cast("Sequence[Text]", texts)
    first = [text if isinstance(text, str) else text[0] for text in plain]
    second = [text[1] for text in plain if not isinstance(text, str)]
    if second and len(second) != len(first):
        raise InputError("give pairs of texts throughout, or single texts throughout.")
    labels = [label] * len(first) if isinstance(label, str) or label is None else list(label)
    if len(labels) != len(first):
        raise InputError(f"there are {len(first)} texts but {len(labels)} labels.")
    meant = run.labelling.parse_all(labels)
    return Question(first, second or None, meant, "given", passages_of(span, len(first)), ids)


def _of_dialogues(
    run: Run,
    tokenizer: ChatTokenizer,
    texts: Any,
    span: Passage | Sequence[Passage | None] | None,
    ids: Sequence[str] | None,
) -> Question:
    """Return the question of some conversations; an answer of the model's own is predicted."""
    if isinstance(texts, Examples):
        texts = (
            texts.texts
            if texts.texts2 is None
            else list(zip(texts.texts, texts.texts2, strict=True))
        )
    found = read_dialogues(run, tokenizer, texts)
    labels = np.where(found.given, 0, -1).astype(np.int64)
    passages = passages_of(span, len(labels))
    return Question(found.texts, None, labels, "given", passages, ids)


def passages_of(
    span: Passage | Sequence[Passage | None] | None, count: int
) -> Sequence[Passage | None] | None:
    """Return one part of an answer for each query (InputError if their numbers differ)."""
    if span is None:
        return None
    if isinstance(span, str):
        return [span] * count
    if isinstance(span, tuple) and len(span) == 2 and all(type(one) is int for one in span):
        return [(span[0], span[1])] * count  # type: ignore[list-item]
    passages: list[Passage | None] = list(span)  # type: ignore[arg-type]
    if len(passages) != count:
        raise InputError(f"there are {count} texts but {len(passages)} spans.")
    return passages
