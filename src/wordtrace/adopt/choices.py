"""The user's information about a training that was done elsewhere; checked when made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from wordtrace.data.conversations import Form
from wordtrace.data.labelling import KINDS, Kind
from wordtrace.errors import InputError, option
from wordtrace.models.loss import TrainingLoss


@dataclass(frozen=True)
class Choices:
    """What an output folder may not tell, so that the user says it.

    Attributes
    ----------
    label_names
        The data's labels in the order of the model's classes, if their names don't show it.
    max_length
        The largest number of tokens in an example; by default that of the tokenizer's own
        truncation, else the model's limit, at most 512.
    learning_rate
        The learning rate of every checkpoint, if the Trainer logged none.
    checkpoints
        How many checkpoints to choose from where the loss has not saturated; or the exact steps.
    tokenizer, base
        The folder of the tokenizer, if it is not beside the weights; and that of the model on which
        a LoRA adapter was trained.
    copy
        Copy the weights instead of linking them.
    end
        For a causal language model: whether completions ended with the end token in training.
    kind
        The kind of the labels: "class", "set" or "number"; by default the one in the model's
        configuration.
    label_smoothing, class_weights
        For a classifier: settings of the training's loss (:class:`.models.loss.TrainingLoss`).
    max_completion_length
        For a sequence-to-sequence model: the largest number of tokens in a completion; by default
        `max_length`.
    preparation
        How a causal language model's texts became tokens, told by the form of the data: see
        :class:`.run.pretrained_model.PretrainedModel`.
    counts
        The tokens that a causal language model's loss asked for: "completion", "assistant" (the
        turns of the assistant in a conversation) or "all"; by default as TRL for the form.
    form
        The columns in which a language model's texts were found; None where it is not known.
    force
        Adopt a training although its logged loss is not the one that is recomputed.
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
    preparation: str = "own"
    counts: str | None = None
    form: Form | None = None
    force: bool = False

    def __post_init__(self) -> None:
        if self.kind not in (None, *KINDS):
            raise InputError(
                f"{option('kind')} is {self.kind!r}; it must be one of {', '.join(KINDS)}."
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
        """The loss with which a classifier was trained (InputError)."""
        return TrainingLoss(self.label_smoothing, self.class_weights)
