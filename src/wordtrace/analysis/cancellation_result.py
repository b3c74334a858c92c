"""What the measurement of cancellation tells."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import pyarrow as pa

from wordtrace.results.result import Result

FORMAT, VERSION = "wordtrace-cancellation", 1


@dataclass(frozen=True)
class Parameter:
    """A layer's weight or bias.

    Attributes
    ----------
    layer, part
        The module's name, and "weight" or "bias".
    size
        How many numbers it is.
    gradients
        Σ_c G_c with G_c = Σ_i ‖∂ℓ(x_i; Θ_c)/∂W‖: how far the examples pull, each for itself.
    movement
        Σ_c ‖W_{c+1} − W_c‖: how far it was moved.
    cancellation
        C(W) = gradients / movement; None for a parameter that never changed.
    cosine
        Mean cosine similarity of two examples' gradients, a mean over the checkpoints; None where
        fewer than two are not zero.
    same_label, different_label
        The same of two examples that share their label, and of two that do not.
    """

    layer: str
    part: str
    size: int
    gradients: float
    movement: float
    cancellation: float | None
    cosine: float | None
    same_label: float | None
    different_label: float | None


@dataclass(frozen=True)
class Cancellation(Result):
    """How much the examples' gradients cancel, by layer.

    Attributes
    ----------
    run
        Its folder.
    examples, training_examples
        How many rows were measured, and how many there are; `gradients` is scaled to all.
    steps
        The steps of the checkpoints, and last of the final model; sums are over consecutive ones.
    parameters
        In the model's order, from the input to the output.
    left_out
        Layers that have parameters, but no known gradients for single examples.
    misread
        Of a run whose training was adopted though its logged loss does not fit: what does not.
    """

    format: ClassVar[str] = FORMAT
    version: ClassVar[int] = VERSION
    noun: ClassVar[str] = "a measurement of cancellation"

    run: str
    examples: int
    training_examples: int
    steps: tuple[int, ...]
    parameters: tuple[Parameter, ...]
    left_out: tuple[str, ...] = ()
    misread: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the result as a JSON document."""
        document = {"format": FORMAT, "version": VERSION, **asdict(self)}
        if self.misread is None:
            del document["misread"]
        return document

    def table(self) -> Any:
        """Return a pyarrow table with the fields of each :class:`Parameter` as a row."""
        return pa.Table.from_pylist([asdict(one) for one in self.parameters])
