"""The protocol of what trains a run's model again; every kind of training implements it.

:mod:`.own` holds the retrainers for runs of `wordtrace train`. A retrainer of your own is a class
with these two members that you give to :func:`wordtrace.verify`; nothing else has to know about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from wordtrace.data.labelling import Labels
from wordtrace.run.run import Run

#: A text, and the second one of a pair, or the answer to a prompt, or None.
Probe = tuple[str, str | None]
FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Change:
    """The training to do, and what to ask its model.

    Attributes
    ----------
    key
        A name of this training, safe as a folder's: equal for equal trainings of a run, whatever is
        asked of its model.
    seed
        The seed of everything drawn at random: initial weights, the order of the rows, dropout. Two
        trainings with the same seed should differ in nothing but the change, so that they can be
        compared as a pair.
    weights
        float32, shape (examples,): the factor of each training row's loss; 0 leaves a row out.
    labels
        The label of each training row, as :class:`.Labelling` has it: int64, shape (examples,), for
        classes; float32, shape (examples, outputs), for sets and numbers.
    blanked
        (row, position) of each token to replace by padding; attention to it stays.
    probes
        The texts that the trained model is asked about.
    held_out
        Whether it is asked about the run's held-out rows, too.
    """

    key: str
    seed: int
    weights: npt.NDArray[np.float32]
    labels: Labels
    blanked: tuple[tuple[int, int], ...]
    probes: tuple[Probe, ...]
    held_out: bool = True


@dataclass(frozen=True, eq=False)
class Said:
    """What a trained model predicts.

    Attributes
    ----------
    probes, held_out
        Shape (texts, outputs), for the probes and for the run's held-out rows (None where these
        were not asked for): probabilities in the order of the run's `label_names`; of a regression
        the numbers; of a language model, in one column, the geometric mean of the probabilities
        that it gives the answer's tokens.
    seconds
        How long its training took, where that was done before and the model kept; None: what is
        timed now.
    """

    probes: FloatArray
    held_out: FloatArray | None = None
    seconds: float | None = None


def look_of(retrainer: Retrainer) -> str | None:
    """Return what results say of a retrainer whose models are not trained anew; None for others."""
    found: str | None = getattr(retrainer, "look", None)
    return found


def is_foreign(retrainer: Retrainer) -> bool:
    """Tell a training that is not the library's own: nobody knows whether it repeats."""
    return bool(retrainer.settings) and bool(getattr(retrainer, "foreign", True))


class Retrainer(Protocol):
    """Trains a model anew on a run's data, with a change.

    It is serialised (by cloudpickle) to reach worker processes and other machines, so it should
    hold settings and paths, not data or models.
    """

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that make its models differ from those of another retrainer, as JSON.

        Results are stored in the run's folder under these settings. They are empty for the run's
        own training.
        """
        ...

    def train(self, run: Run, change: Change) -> Said:
        """Train once, with one thread, and ask the model.

        Raises
        ------
        NumericalError
            When the training breaks. It is tried again, and in the end only this one is given up.
        """
        ...
