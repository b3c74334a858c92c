"""Asking a trained model what a study asks: its probes, and the run's held-out rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.data.batches import Encoded
from wordtrace.data.labelling import Labelling
from wordtrace.measures.protocol import make_queries
from wordtrace.models import predict
from wordtrace.models.protocol import TextModel
from wordtrace.retrainers.retrainer import FloatArray, Probe, Said
from wordtrace.run.run import Run


def said_by(run: Run, model: TextModel, probes: Sequence[Probe], *, held_out: bool = True) -> Said:
    """Return what a model of the run's shape says of probes, and of the run's held-out rows.

    Parameters
    ----------
    model
        In evaluation mode; its outputs in the order of the run's.
    held_out
        Whether the held-out rows are asked for, where the run has any.
    """
    held = run.held_out if held_out else None
    return Said(
        _values(model, encoded(run, probes)),
        None if held is None else _values(model, run.encode(held)),
    )


def encoded(run: Run, probes: Sequence[Probe]) -> Encoded:
    """Return the token ids of probes, as the run's queries have them."""
    texts = [text for text, _ in probes]
    texts2 = [text2 or "" for _, text2 in probes] if run.has_pairs else None
    return make_queries(run, texts, run.labelling.none(len(texts)), texts2).encoded


def value(labelling: Labelling, said: FloatArray, label: Any) -> npt.NDArray[np.float64]:
    """Return, of each row of outputs, the one number by which an effect on a label is measured.

    Parameters
    ----------
    said
        Shape (texts, outputs), as :class:`.Said` has it.
    label
        One label, as :class:`.Labelling` has it.

    Returns
    -------
    ndarray
        float64, shape (texts,): of a class its probability; of several labels a text the product of
        the probabilities that each class asked about is as labelled; the number itself of a
        regression; of a language model's answer the geometric mean of its tokens' probabilities.
    """
    values = np.asarray(said, np.float64)
    if labelling.kind == "class":
        found: npt.NDArray[np.float64] = values[:, int(label)]
        return found
    if labelling.kind == "number":
        number: npt.NDArray[np.float64] = values[:, 0]
        return number
    asked = ~np.isnan(label)
    as_labelled = np.where(label[asked] > 0, values[:, asked], 1 - values[:, asked])
    product: npt.NDArray[np.float64] = as_labelled.prod(1)
    return product


def _values(model: TextModel, texts: Encoded) -> FloatArray:
    scores = torch.from_numpy(predict.logits(model, texts)).double()
    found: FloatArray = model.outputs.values(scores).numpy()
    return found
