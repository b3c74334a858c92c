"""What trains a run's model again: the one protocol behind which every kind of training stands.

:mod:`.own` holds the retrainers of runs that `wordtrace train` made. One that is not ours is a
class with these two members, given to :func:`wordtrace.verify`; nothing else has to know of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from wordtrace.run.run import Run

#: A text, and the second one of a pair or None.
Probe = tuple[str, str | None]
FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Change:
    """The training that is wanted, and what its model is to be asked.

    Attributes
    ----------
    seed
        Of all that is drawn by chance: initial weights, the order of the rows, dropout. Two
        trainings with one seed should differ in nothing but the change, so that they are a pair.
    weights
        float32, shape (examples,): the factor of each training row's loss; 0 leaves a row out.
    labels
        int64, shape (examples,): the class of each training row.
    blanked
        (row, position) of tokens whose place padding takes; attention to them stays.
    probes
        The texts that the trained model is asked about.
    """

    seed: int
    weights: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    blanked: tuple[tuple[int, int], ...]
    probes: tuple[Probe, ...]


@dataclass(frozen=True, eq=False)
class Said:
    """What a trained model says.

    Attributes
    ----------
    probes, held_out
        Probabilities, shape (texts, classes), in the order of the run's `label_names`: of the
        probes, and of the run's held-out rows (None where these were not asked).
    """

    probes: FloatArray
    held_out: FloatArray | None = None


class Retrainer(Protocol):
    """Trains a model anew on a run's data, with a change.

    It goes to worker processes and other machines by their serialisation (cloudpickle): let it
    hold settings and paths, not data or models.
    """

    @property
    def settings(self) -> Mapping[str, Any]:
        """What makes its models differ from another retrainer's, as JSON.

        Results are kept by it in the run's folder and found again. It is empty for the run's own
        training.
        """
        ...

    def train(self, run: Run, change: Change) -> Said:
        """Train once, with one thread, and ask the model.

        Raises
        ------
        NumericalError
            Where the training breaks: it is tried again, then given up without the others.
        """
        ...
