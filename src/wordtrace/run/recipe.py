"""The recipe of a training: everything that a retraining repeats."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from wordtrace.errors import InputError, option


def check_seed(seed: int) -> None:
    """Raise InputError for a seed that random numbers can't be drawn from."""
    if not 0 <= seed < 2**31:
        raise InputError(f"{option('seed')} is {seed}; it must be from 0 to 2147483647.")


@dataclass(frozen=True)
class Recipe:
    """The settings of one training; with the data and the seed they determine the weights.

    Attributes
    ----------
    epochs, batch_size
        How often to pass over the training rows, and how many rows a step has. The last batch of an
        epoch may be smaller.
    optimizer
        "sgd" or "adamw", as in ``torch.optim``.
    learning_rate, momentum, weight_decay
        Settings of the optimizer; `momentum` is for SGD only. AdamW decays only matrices, as in the
        Trainer.
    schedule
        "constant", or "linear": from `learning_rate` at the first step to 0 after the last.
    freeze_embeddings
        Keep the word embeddings as they are at the start; train only the rest.
    seed
        Draws the initial weights and the order of the rows in each epoch.

    Raises
    ------
    InputError
        For a value out of range; the message names the field, its value and the limit.

    Examples
    --------
    >>> wt.Recipe(epochs=3, batch_size=8).steps(20)
    9
    """

    epochs: int = 5
    batch_size: int = 32
    optimizer: str = "sgd"
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "constant"
    freeze_embeddings: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise InputError(f"{option(name)} is {getattr(self, name)}; it must be at least 1.")
        if self.optimizer not in ("sgd", "adamw"):
            raise InputError(
                f"{option('optimizer')} is {self.optimizer!r}; it must be sgd or adamw."
            )
        if not 0 < self.learning_rate < float("inf"):
            raise InputError(
                f"{option('learning_rate')} is {self.learning_rate}; it must be over 0."
            )
        if not 0 <= self.momentum < 1:
            raise InputError(f"{option('momentum')} is {self.momentum}; it must be in [0, 1).")
        if not 0 <= self.weight_decay < float("inf"):
            raise InputError(
                f"{option('weight_decay')} is {self.weight_decay}; it must be 0 or more."
            )
        if self.schedule not in ("constant", "linear"):
            raise InputError(
                f"{option('schedule')} is {self.schedule!r}; it must be constant or linear."
            )
        check_seed(self.seed)

    def steps(self, examples: int) -> int:
        """Return how many steps the training takes."""
        return self.epochs * self.steps_an_epoch(examples)

    def steps_an_epoch(self, examples: int) -> int:
        """Return how many batches an epoch has."""
        return -(-examples // self.batch_size)

    def rate(self, step: int, total: int) -> float:
        """Return the learning rate used for `step`, counted from 1, of `total`."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * (1 - (step - 1) / total)

    def document(self) -> dict[str, Any]:
        """Return the recipe as JSON."""
        return asdict(self)


def defaults(model: str) -> dict[str, Any]:
    """Return the settings of a model's training that differ from :class:`Recipe`'s defaults."""
    if model == "cnn":
        return {}
    return {"optimizer": "adamw", "learning_rate": 5e-5, "epochs": 3, "schedule": "linear"}
