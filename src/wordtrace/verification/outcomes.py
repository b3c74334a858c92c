"""What is measured of a query in retrained models, for every kind of label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from wordtrace.data.labelling import Labelling
from wordtrace.run.run import Run
from wordtrace.statistics.alike import alike
from wordtrace.statistics.comparison import Comparison
from wordtrace.statistics.paired import Estimate
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


def effect(
    run: Run,
    after: Sequence[float],
    before: Sequence[float],
    compare: Comparison,
    differences: int = 1,
) -> Estimate:
    """Return the mean of an effect with its interval.

    Parameters
    ----------
    after, before
        What two kinds of models say, one value for each seed.
    differences
        How many times 1 a probability can move: 1 by what a removal changed, 2 in the difference of
        two such changes.

    Notes
    -----
    A number has no bounds. Only where all seeds say the same, which shows no spread, the spread of
    the training numbers stands for it.
    """
    if measured(run) != "number":
        return compare.difference(after, before, bound=differences)
    changes = np.subtract(np.asarray(after, np.float64), np.asarray(before, np.float64))
    if not alike(changes):
        return compare.difference(after, before, bound=np.inf)
    spread = differences * float(np.ptp(run.train.labels))
    return compare.difference(after, before, bound=max(spread, float(np.abs(changes).max())))
