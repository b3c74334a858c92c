"""Texts to analyse, with the labels meant and what the final model says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labels
from wordtrace.errors import InputError
from wordtrace.measures.protocol import Queries, make_queries
from wordtrace.models import predict
from wordtrace.models.answer_spans import Part
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
        The final model's labels.
    probability, predicted_probability
        float64, shape (texts,), of the final model: of the label meant and of the one predicted;
        NaN for numbers.
    """

    queries: Queries
    given: npt.NDArray[np.bool_]
    predicted: Labels
    probability: npt.NDArray[np.float64]
    predicted_probability: npt.NDArray[np.float64]


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
    meant = run.labelling.parse_all(labels)
    return _filled(run, first, [text[1] for text in pairs] or None, meant, parts)


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
            return _filled(run, queries.texts, queries.texts2, queries.labels_as(run.labelling))
        second = queries.texts2
        queries = queries.texts if second is None else list(zip(queries.texts, second, strict=True))
    if isinstance(queries, str) or (isinstance(queries, tuple) and run.has_pairs):
        queries = [queries]
    labels = [label] * len(queries) if isinstance(label, str) or label is None else list(label)
    if len(labels) != len(queries):
        raise InputError(f"there are {len(queries)} texts but {len(labels)} labels.")
    return ask_texts(run, list(queries), labels)


def _filled(
    run: Run,
    texts: Sequence[str],
    texts2: Sequence[str] | None,
    labels: Labels,
    parts: Sequence[Part | None] | None = None,
) -> Asked:
    made = make_queries(run, texts, labels, texts2, parts)
    model = run.model(run.final)
    scores = predict.logits(model, made.encoded)
    predicted = predict.predicted(model.outputs, scores)
    filled = run.labelling.filled(labels, predicted)
    return Asked(
        replace(made, labels=filled),
        run.labelling.given(labels),
        predicted,
        predict.probability(model.outputs, scores, filled),
        predict.probability(model.outputs, scores, predicted),
    )
