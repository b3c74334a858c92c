"""What is measured of a query in retrained models, for every kind of label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labelling, Labels
from wordtrace.retrainers.ask import value
from wordtrace.retrainers.retrainer import FloatArray
from wordtrace.run.run import Run
from wordtrace.statistics.alike import alike

#: A label's probability, a regression's number, or a language model's answer's probability.
Measured = Literal["probability", "number", "answer"]


def measured(run: Run) -> Measured:
    """Name what an effect on a label of this run is measured by (:func:`.ask.value`)."""
    if run.labelling.kind == "number":
        return "number"
    return "answer" if run.generates else "probability"


def outcome(run: Run, said: FloatArray, label: Any) -> dict[str, Any]:
    """Return what the models of all seeds say of one query, as JSON.

    Parameters
    ----------
    said
        Shape (seeds, outputs), as :class:`.Said` has it.
    label
        As :class:`.Labelling` has it.

    Returns
    -------
    dict
        "mean" and "values", one a seed, of :func:`.ask.value`; "right", in how many seeds the model
        says the label, which is None for numbers and for language models.
    """
    values = value(run.labelling, said, label)
    hits = None if measured(run) != "probability" else right(run.labelling, said, label)
    return {
        "mean": float(values.mean()),
        "values": values.tolist(),
        "right": None if hits is None else int(hits.sum()),
    }


def right(labelling: Labelling, said: FloatArray, labels: Labels) -> npt.NDArray[np.bool_]:
    """Tell where a label is what is predicted, a set as far as it is asked about.

    Parameters
    ----------
    said
        Probabilities, shape (rows, classes).
    labels
        One label for all rows, or one for each.

    Returns
    -------
    ndarray
        bool, shape (rows,).
    """
    values = np.asarray(said)
    if labelling.kind == "class":
        return np.asarray(values.argmax(1) == labels)
    return np.asarray((((values > 0.5) == (labels == 1)) | np.isnan(labels)).all(1))


def bound_of(run: Run, changes: Sequence[float], differences: int = 1) -> float:
    """Return the most that an effect can be, for its interval.

    Parameters
    ----------
    changes
        One for each seed: what a removal changed, or the difference of two such changes.
    differences
        How many subtractions made each: 1 of a change, 2 of a difference of changes. So many times
        1 is the most that a probability can move.
    """
    if measured(run) != "number":
        return differences
    return no_bound(changes, differences * float(np.ptp(run.train.labels)))


def no_bound(changes: Sequence[float], spread: float) -> float:
    """Return infinity, the bound of what has none.

    Where all seeds say the same, which shows no spread, an interval is made from the bound: then it
    is what the changes may be as large as, `spread`.
    """
    values = np.asarray(changes, np.float64)
    return max(spread, float(np.abs(values).max())) if alike(values) else np.inf


def on_held_out(run: Run, held_out: Examples, said: FloatArray) -> dict[str, float | None]:
    """Return what a model does on held-out rows: one of the two, and None for the other.

    Returns
    -------
    dict
        "accuracy" of classes and of sets, which are right only as a whole; else "loss", the mean
        square error of numbers, and of answers the mean of their tokens' mean losses.
    """
    values, labels = np.asarray(said, np.float64), held_out.labels
    if measured(run) == "number":
        return {"accuracy": None, "loss": float(((values - labels) ** 2).mean())}
    if measured(run) == "answer":
        tiny = np.finfo(np.float64).tiny
        return {"accuracy": None, "loss": float(-np.log(np.maximum(values, tiny)).mean())}
    return {"accuracy": float(right(run.labelling, values, labels).mean()), "loss": None}
