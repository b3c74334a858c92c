"""Texts to analyse, with the labels meant and what the final model says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from wordtrace.data.examples import Examples
from wordtrace.errors import InputError
from wordtrace.measures.protocol import Queries, make_queries
from wordtrace.models.answer_spans import Part
from wordtrace.run import predict
from wordtrace.run.run import Run

Text = str | tuple[str, str]


@dataclass(frozen=True)
class Asked:
    """Tokenized texts with their labels and predictions.

    Attributes
    ----------
    queries
        Every label filled in: the one given, else the predicted one.
    given
        bool, shape (texts,): whether the label was given.
    predicted
        int64, shape (texts,): the final model's labels.
    probabilities
        float64, shape (texts, classes), of the final model.
    """

    queries: Queries
    given: npt.NDArray[np.bool_]
    predicted: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]


def ask_texts(
    run: Run,
    texts: Sequence[Text],
    labels: Sequence[str | None],
    parts: Sequence[Part | None] | None = None,
) -> Asked:
    """Tokenize texts, or pairs of texts, and predict the labels that are None.

    Parameters
    ----------
    parts
        Of a language model's answers: what of each is meant.

    Raises
    ------
    InputError
        For an unknown label, an empty text, or pairs where the run has single texts.
    """
    pairs = [text for text in texts if not isinstance(text, str)]
    if pairs and len(pairs) != len(texts):
        raise InputError("give pairs of texts throughout, or single texts throughout.")
    first = [text if isinstance(text, str) else text[0] for text in texts]
    classes = [-1 if label is None else class_of(label, run.label_names) for label in labels]
    second = [text[1] for text in pairs] or None
    return _filled(run, first, second, np.array(classes, np.int64), parts)


def ask_examples(
    run: Run, queries: Examples | Text | Sequence[Text], label: str | Sequence[str] | None = None
) -> Asked:
    """Bring queries of any form into one; Examples bring their labels, unless `label` is given.

    Raises
    ------
    InputError
        For a label that the run does not have, or another number of labels than queries.
    """
    if isinstance(queries, Examples):
        if label is None:
            return _filled(run, queries.texts, queries.texts2, _labels_of(queries, run))
        second = queries.texts2
        queries = queries.texts if second is None else list(zip(queries.texts, second, strict=True))
    if isinstance(queries, str) or (isinstance(queries, tuple) and run.manifest["has_pairs"]):
        queries = [queries]
    labels = [label] * len(queries) if isinstance(label, str) or label is None else list(label)
    if len(labels) != len(queries):
        raise InputError(f"there are {len(queries)} texts but {len(labels)} labels.")
    return ask_texts(run, list(queries), labels)


def class_of(label: str, names: Sequence[str]) -> int:
    """Return a label's place among the run's; an unknown one is an error (InputError)."""
    if label not in names:
        raise InputError(f"there is no label {label!r}; the run has {', '.join(names)}.")
    return list(names).index(label)


def _labels_of(examples: Examples, run: Run) -> npt.NDArray[np.int64]:
    """Number the labels as the run does, -1 for none."""
    labels = examples.labels
    if not (labels >= 0).any() or examples.label_names == run.label_names:
        return labels
    held = set(labels[labels >= 0].tolist())
    order = [
        class_of(name, run.label_names) if place in held else -1
        for place, name in enumerate(examples.label_names)
    ]
    return np.where(labels >= 0, np.array(order, np.int64)[labels], -1)


def _filled(
    run: Run,
    texts: Sequence[str],
    texts2: Sequence[str] | None,
    labels: npt.NDArray[np.int64],
    parts: Sequence[Part | None] | None = None,
) -> Asked:
    made = make_queries(run, texts, labels, texts2, parts)
    logits = predict.logits(run.model(run.final), made.encoded)
    predicted = logits.argmax(1)
    filled = np.where(labels >= 0, labels, predicted)
    return Asked(
        replace(made, labels=filled), labels >= 0, predicted, predict.probabilities(logits)
    )
