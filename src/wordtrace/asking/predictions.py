"""What the final model predicts for a question, and the labels that this fills in."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from wordtrace.asking.question import Question
from wordtrace.data.labelling import Labels
from wordtrace.execute.threads import one_thread
from wordtrace.measures.protocol import Queries, make_queries
from wordtrace.models import predict
from wordtrace.run.run import Run

# A pass with fewer multiplications (weights without the embedding × positions) is very short.
_SMALL = 100_000_000


@dataclass(frozen=True)
class Predictions:
    """A question's texts as tokens, with what the final model predicts for them.

    Attributes
    ----------
    queries
        The queries with every label filled in: the one given, else the one predicted.
    given
        bool, shape (queries,): whether the label to explain was given.
    labels
        The predicted labels.
    probability, of_predicted
        float64, shape (queries,): the probability of the label to explain, and that of the
        predicted label; NaN for numbers.
    """

    queries: Queries
    given: npt.NDArray[np.bool_]
    labels: Labels
    probability: npt.NDArray[np.float64]
    of_predicted: npt.NDArray[np.float64]


def predict_question(run: Run, question: Question) -> Predictions:
    """Tokenize a question's texts and predict their labels.

    Raises
    ------
    InputError
        For an empty text, pairs where the run has single texts (or the reverse), or a part of an
        answer that is not there once.
    """
    queries = make_queries(
        *(run, question.texts, question.labels, question.texts2, question.passages),
        first=question.first,
    )
    model = run.model(run.final)
    with sparing_threads(run, queries):
        scores = predict.logits(model, queries.encoded)
    predicted = predict.predicted(model.outputs, scores)
    labels = run.labelling.filled(question.labels, predicted)
    return Predictions(
        replace(queries, labels=labels),
        run.labelling.given(question.labels),
        predicted,
        predict.probability(model.outputs, scores, labels),
        predict.probability(model.outputs, scores, predicted),
    )


def probabilities(run: Run, question: Question) -> list[dict[str, float]]:
    """Return what the final model gives each label: classes' sum to 1, a set's do not.

    Numbers and answers have none: an empty dict each.
    """
    names, kind = run.label_names, run.labelling.kind
    if run.generates or kind == "number":
        return [{} for _ in range(len(question))]
    queries = make_queries(run, question.texts, question.labels, question.texts2)
    model = run.model(run.final)
    with sparing_threads(run, queries):
        scores = predict.logits(model, queries.encoded)
    if kind == "class":
        found = predict.probabilities(scores)
    else:
        asked = [run.labelling.none(len(queries)) for _ in names]
        for place, one in enumerate(asked):
            one[:, place] = 1
        found = np.stack([predict.probability(model.outputs, scores, one) for one in asked], axis=1)
    return [dict(zip(names, row, strict=True)) for row in found.tolist()]


def sparing_threads(run: Run, queries: Queries) -> AbstractContextManager[None]:
    """Run a pass of few operations in one thread, which is faster, above all on busy cores."""
    model = run.model(run.final)
    weights = sum(parameter.numel() for parameter in model.module.parameters())
    weights -= sum(parameter.numel() for parameter in model.embedding.parameters())
    return one_thread() if weights * len(queries.encoded.ids) < _SMALL else nullcontext()
