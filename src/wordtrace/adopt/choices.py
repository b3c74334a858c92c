"""What the user may say about a training that was done elsewhere; checked when made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from wordtrace.data.labelling import KINDS, Kind
from wordtrace.errors import InputError, option
from wordtrace.models.loss import TrainingLoss


@dataclass(frozen=True)
class Choices:
    """What the user may say about an output folder.

    Attributes
    ----------
    label_names
        The data's labels in the order of the model's classes, where names don't tell.
    max_length
        The most tokens of an example; by default the tokenizer's own truncation, else the
        model's limit, at most 512.
    learning_rate
        The rate of every checkpoint, where the Trainer logged none.
    checkpoints
        How many to choose, where the loss has not saturated; or the very steps.
    tokenizer, base
        Folders: where the tokenizer lies, if not beside the weights; the model on which a LoRA
        adapter was trained.
    copy
        Copy the weights instead of linking them.
    end
        Of a causal language model: completions ended in the end token in training.
    kind
        Of the labels: "class", "set" or "number"; by default as the model's configuration says.
    label_smoothing, class_weights
        Of a classifier: what the training's loss had (:class:`.models.loss.TrainingLoss`).
    max_completion_length
        Of a sequence-to-sequence model: the most tokens of a completion; `max_length` by default.
    """

    label_names: tuple[str, ...] | None = None
    max_length: int | None = None
    learning_rate: float | None = None
    checkpoints: int | tuple[int, ...] = 3
    tokenizer: Path | None = None
    base: Path | None = None
    copy: bool = False
    end: bool = True
    kind: Kind | None = None
    max_completion_length: int | None = None
    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.kind not in (None, *KINDS):
            raise InputError(
                f"{option('kind')} is {self.kind}; it must be one of {', '.join(KINDS)}."
            )
        if self.learning_rate is not None and not 0 < self.learning_rate < math.inf:
            raise InputError(
                f"{option('learning_rate')} is {self.learning_rate}; it must be over 0."
            )
        if isinstance(self.checkpoints, int) and not 1 <= self.checkpoints <= 100:
            raise InputError(
                f"{option('checkpoints')} is {self.checkpoints}; it must be from 1 to 100."
            )
        _ = self.loss

    @property
    def loss(self) -> TrainingLoss:
        """What a classifier was trained with (InputError)."""
        return TrainingLoss(self.label_smoothing, self.class_weights)
