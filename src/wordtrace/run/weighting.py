"""The weight of a checkpoint in a sum over checkpoints: the η_c of every measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from wordtrace.errors import InputError, option
from wordtrace.run import adam
from wordtrace.run.checkpoint import Checkpoint

#: The weightings: the rate; the sum of rates since the checkpoint before; Adam's step sizes.
WEIGHTINGS = ("rate", "rate-sum", "adam")
#: What is taken by default: a checkpoint stands for all the steps since the one before.
DEFAULT = "rate-sum"


@dataclass(frozen=True)
class Weighting:
    """The weights of a run's checkpoints.

    Attributes
    ----------
    name
        "rate-sum": η_c is the sum of the learning rates since the checkpoint before (for the first
        one, since the start). "rate": η_c is the rate at c. "adam": η_c is that of "rate-sum", and
        a gradient at the word embedding is multiplied by :meth:`row_scale`. Step sizes are kept
        only for the embedding's rows, so measures of other layers, and of the embedding as a layer
        (``tracin:LAYER``, ``tracin-all``), are weighted by the sum alone.
    run
        The run's folder.
    checkpoints
        The run's checkpoints, by rising step.

    Raises
    ------
    InputError
        For an unknown name; for "adam", where Adam's step sizes were not kept.
    """

    name: str
    run: Path
    checkpoints: Sequence[Checkpoint]

    def __post_init__(self) -> None:
        if self.name not in WEIGHTINGS:
            raise InputError(
                f"{option('weighting')} is {self.name!r}; it must be rate-sum, rate or adam."
            )
        if self.name == "adam":
            adam.require(self.run, self.checkpoints)

    @property
    def etas(self) -> list[float]:
        """The weight η_c of each checkpoint, in their order."""
        if self.name == "rate":
            return [point.learning_rate for point in self.checkpoints]
        sums = [0.0, *[point.learning_rate_sum for point in self.checkpoints]]
        return [sums[place + 1] - sums[place] for place in range(len(self.checkpoints))]

    def row_scale(self, point: Checkpoint, rows: int, dim: int) -> Tensor | None:
        """Return the factors for gradients at the embedding, shape (rows, dim), or None.

        For "adam" a factor is 1/√(√v̂ + ε): it gives a product of two such gradients Adam's step
        size for each number, divided by the rate. It is read from the run's folder at each call.

        Raises
        ------
        CorruptError
            When the file of step sizes is not whole, or of another table.
        """
        if self.name != "adam":
            return None
        return adam.root_steps(self.run / point.folder / adam.FILE, rows, dim)
