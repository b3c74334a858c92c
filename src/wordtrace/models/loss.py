"""The loss that a classifier was trained with, where it is not the plain cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wordtrace.errors import InputError, option


@dataclass(frozen=True)
class TrainingLoss:
    """Cross-entropy with smoothed labels and weighted classes, as ``torch.nn.CrossEntropyLoss``.

    Attributes
    ----------
    label_smoothing
        This part of each label is spread over all classes.
    class_weights
        A factor for each class's term of the loss; None: 1.
    """

    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise InputError(
                f"{option('label_smoothing')} is {self.label_smoothing}; it must be in [0, 1)."
            )
        if self.class_weights is not None and not all(
            0 < one < float("inf") for one in self.class_weights
        ):
            raise InputError(
                f"{option('class_weights')} must be numbers over 0, one for each class."
            )

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        weights = self.class_weights
        return {
            "label_smoothing": self.label_smoothing,
            "class_weights": None if weights is None else list(weights),
        }

    def targets(self, classes: int) -> Tensor | None:
        """Return what each label asks of each class, float32, shape (labels, classes).

        The loss of label y is −Σ_j targets[y, j] log softmax(f)_j. None: plain cross-entropy.

        Raises
        ------
        InputError
            When there are not as many weights as classes.
        """
        if not self.label_smoothing and self.class_weights is None:
            return None
        found = (1 - self.label_smoothing) * torch.eye(classes) + self.label_smoothing / classes
        if self.class_weights is not None:
            if len(self.class_weights) != classes:
                raise InputError(
                    f"{option('class_weights')} gives {len(self.class_weights)} numbers; the model "
                    f"has {classes} classes."
                )
            found = found * torch.tensor(self.class_weights)
        return found
