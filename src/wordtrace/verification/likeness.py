"""Whether retrained models know the training rows about as well as the recorded run does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from wordtrace.data.labelling import Labels
from wordtrace.errors import InputError
from wordtrace.retrainers.retrainer import FloatArray
from wordtrace.run.run import Run

_SAID = {
    "share": "{own:.0%} of the labels of {rows} training rows right, and the retrained ones "
    "{retrained:.0%}",
    "correlation": "the numbers of {rows} training rows with a correlation of {own:.2f}, and the "
    "retrained ones with {retrained:.2f}",
    "probability": "the answers of {rows} training rows with a probability of {own:.3f} a token, "
    "and the retrained ones with {retrained:.3f}",
}


@dataclass(frozen=True)
class Likeness:
    """How well models know training rows.

    Attributes
    ----------
    measured
        "share" of the labels that are right, "correlation" with numbers, or the "probability" of an
        answer's token, a geometric mean.
    recorded, retrained
        That of the recorded run, and of the better one of two retrained models: one that failed to
        learn does not speak against the training.
    chance
        What can be reached without looking at the texts.
    rows
        How many rows were asked about.
    """

    measured: Literal["share", "correlation", "probability"]
    recorded: float
    retrained: float
    chance: float
    rows: int

    def check(self) -> None:
        """Refuse models that have learnt less than half of what the recorded run has (InputError).

        A gap that few rows may show by chance is let pass.
        """
        gap, learnt = self.recorded - self.retrained, self.recorded - self.chance
        by_chance = 0.0 if self.measured == "probability" else 1.5 / math.sqrt(self.rows)
        if gap > max(learnt / 2, by_chance):
            said = _SAID[self.measured].format(
                own=self.recorded, rows=self.rows, retrained=self.retrained
            )
            raise InputError(
                f"the recorded model gets {said}: the retraining is of other data, of labels in "
                "another order, or it fails to learn; give what trained the recorded model."
            )


def likeness(
    run: Run, labels: Labels, recorded: FloatArray, retrained: Sequence[FloatArray]
) -> Likeness:
    """Compare what the recorded model and retrained ones say of training rows.

    Parameters
    ----------
    labels
        Of the rows, as :class:`.Labelling` has them.
    recorded, retrained
        Shape (rows, outputs) each, as :class:`.Said` has it.
    """
    rows = len(labels)
    if run.generates:
        tokens = [_geometric(said) for said in (recorded, *retrained)]
        return Likeness("probability", tokens[0], max(tokens[1:]), 0.0, rows)
    if run.labelling.kind == "number":
        alike = [_correlation(said[:, 0], labels[:, 0]) for said in (recorded, *retrained)]
        return Likeness("correlation", alike[0], max(alike[1:]), 0.0, rows)
    if run.labelling.kind == "class":
        hits = [float((said.argmax(1) == labels).mean()) for said in (recorded, *retrained)]
        chance = float(np.bincount(labels).max() / rows)
    else:
        asked = ~np.isnan(labels)
        hits = [float(((said > 0.5) == labels)[asked].mean()) for said in (recorded, *retrained)]
        there = np.nanmean(labels, axis=0)
        chance = float(np.nanmean(np.maximum(there, 1 - there)))
    return Likeness("share", hits[0], max(hits[1:]), chance, rows)


def _geometric(said: FloatArray) -> float:
    tiny = np.finfo(np.float64).tiny
    return float(np.exp(np.log(np.maximum(np.asarray(said, np.float64), tiny)).mean()))


def _correlation(said: FloatArray, labels: FloatArray) -> float:
    if np.ptp(said) == 0 or np.ptp(labels) == 0:
        return 0.0
    return float(np.corrcoef(said, labels)[0, 1])
