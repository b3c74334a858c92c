"""What the checkpoints of a training say of a sample of its rows, with dropout and without."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.adopt.readings import FloatArray, Reading
from wordtrace.adopt.trainer_output import TrainerOutput
from wordtrace.data.batches import Encoded
from wordtrace.models import predict
from wordtrace.models.protocol import TextModel, TokenScorer
from wordtrace.models.token_losses import token_losses

_TIMES = 8  # orders of the rows from which batches are drawn


def said_by(model: TextModel, encoded: Encoded) -> FloatArray:
    """Return a classifier's scores, or the losses of a language model's tokens."""
    if isinstance(model, TokenScorer):
        return token_losses(model, encoded)
    return predict.logits(model, encoded)


@dataclass(frozen=True)
class Recomputed:
    """What each checkpoint says of the sample.

    Attributes
    ----------
    output
        The training.
    sample
        The rows.
    plain
        For each checkpoint, what it says without dropout (:func:`said_by`).
    """

    output: TrainerOutput
    sample: Encoded
    plain: list[FloatArray]
    _dropped: dict[int, FloatArray] = field(default_factory=dict)

    def dropped(self, place: int) -> FloatArray:
        """Return what a checkpoint says with dropout, as in training; computed when asked for."""
        if place not in self._dropped:
            model = self.output.model(self.output.saved[place])
            # Dropout is drawn from the global generator, which is left as it was.
            with torch.random.fork_rng():
                torch.manual_seed(place)
                model.module.train()
                try:
                    self._dropped[place] = said_by(model, self.sample)
                finally:
                    model.module.eval()
        return self._dropped[place]


@dataclass(frozen=True)
class Measured:
    """A reading's loss on the sample.

    Attributes
    ----------
    loss
        The mean loss of a step, by the trainer's definition.
    spread
        The standard deviation of a row's loss.
    """

    loss: float
    spread: float


def measured_by(reading: Reading, said: FloatArray, batch: float) -> Measured:
    """Compute the loss of a reading.

    A step's loss is a ratio: the sum of its rows' losses by the sum of what they count. Where rows
    count unequally, its mean over steps is not the ratio of all rows; batches are drawn for it.
    """
    sums, counts = reading.rows(said)
    pooled = float(sums.sum() / max(counts.sum(), 1e-12))
    per_row = (sums - pooled * counts) / max(counts.mean(), 1e-12)
    spread = float(per_row.std())
    if (counts == counts[0]).all() or batch >= len(counts):
        return Measured(pooled, spread)
    return Measured(_mean_of_batches(sums, counts, max(1, round(batch))), spread)


def _mean_of_batches(
    sums: npt.NDArray[np.float64], counts: npt.NDArray[np.float64], batch: int
) -> float:
    generator = np.random.default_rng(0)
    whole = len(sums) // batch * batch
    ratios = []
    for _ in range(_TIMES):
        rows = generator.permutation(len(sums))[:whole].reshape(-1, batch)
        totals, numbers = sums[rows].sum(1), counts[rows].sum(1)
        ratios.append(totals[numbers > 0] / numbers[numbers > 0])
    every = np.concatenate(ratios)
    return float(every.mean()) if len(every) else 0.0
