"""What is measured of a query in retrained models, for every kind of label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from wordtrace.data.labelling import Labelling
from wordtrace.run.run import Run
from wordtrace.statistics.alike import alike
from wordtrace.statistics.paired import Estimate, estimate
from wordtrace.verification.ask import value
from wordtrace.verification.retrainer import FloatArray

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


def right(labelling: Labelling, said: FloatArray, label: Any) -> npt.NDArray[np.bool_]:
    """Tell where the label is what is predicted, a set as far as it is asked about.

    Parameters
    ----------
    said
        Probabilities, shape (rows, classes).
    label
        One label for all rows.

    Returns
    -------
    ndarray
        bool, shape (rows,).
    """
    values = np.asarray(said)
    predicted = values.argmax(1) if labelling.kind == "class" else (values > 0.5).astype(np.float32)
    return labelling.agree(predicted, label)


def effect(run: Run, changes: Sequence[float], differences: int = 1) -> Estimate:
    """Return the mean of an effect with its interval.

    Parameters
    ----------
    changes
        One for each seed: what a removal changed, or the difference of two such changes.
    differences
        How many subtractions made each: 1 of a change, 2 of a difference of changes. So many times
        1 is the most that a probability can move.

    Notes
    -----
    A number has no bounds. Only where all seeds say the same, which shows no spread, the spread of
    the training numbers stands for it.
    """
    if measured(run) != "number":
        return estimate(changes, bound=differences)
    values = np.asarray(changes, np.float64)
    if not alike(values):
        return estimate(changes, bound=np.inf)
    spread = differences * float(np.ptp(run.train.labels))
    return estimate(changes, bound=max(spread, float(np.abs(values).max())))
