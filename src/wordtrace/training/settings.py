"""What the user may choose about a training beside the recipe; checked when made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wordtrace.errors import InputError, option


@dataclass(frozen=True)
class Settings:
    """Choices of model, length and recording.

    Attributes
    ----------
    model
        "cnn", the paper's; or a pretrained model for sequence classification, or any encoder: its
        folder, or its name on the hub.
    layers
        Of such a model: only its first so many; None: all.
    dim, filters
        The CNN's embedding dimension and filters (section 3.2: 128 and 10).
    max_length
        The most tokens of an example.
    vocabulary
        The most pieces of a tokenizer trained on the data.
    embeddings
        A pretrained encoder's folder whose tokenizer and word embeddings are the start, or None.
    checkpoints
        How many checkpoints to choose, or the very steps to record.
    early_stopping
        Stop after this many epochs without a lower held-out loss and keep the best; None: never.

    Raises
    ------
    InputError
        Names the field, its value and the limit.

    Examples
    --------
    >>> wt.Settings(dim=16, checkpoints=(5, 10)).model
    'cnn'
    """

    model: str = "cnn"
    layers: int | None = None
    dim: int = 128
    filters: int = 10
    max_length: int = 128
    vocabulary: int = 30_000
    embeddings: Path | None = None
    checkpoints: int | tuple[int, ...] = 3
    early_stopping: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.checkpoints, int):
            if not 1 <= self.checkpoints <= 100:
                raise InputError(
                    f"{option('checkpoints')} is {self.checkpoints}; it must be from 1 to 100."
                )
        elif not self.checkpoints or min(self.checkpoints) < 1:
            raise InputError("the steps of checkpoints must be 1 or more, such as 39, 78 and 117.")
        if self.model != "cnn" and self.embeddings is not None:
            raise InputError(
                f"{option('embeddings')} is for the CNN; a pretrained model brings its own."
            )
        if self.layers is not None and (self.model == "cnn" or self.layers < 1):
            raise InputError(
                f"{option('layers')} is for pretrained models ({option('model')}), and 1 or more."
            )
        if self.early_stopping is not None and self.early_stopping < 1:
            raise InputError(
                f"{option('early_stopping')} is {self.early_stopping}; it must be 1 or more."
            )
        if self.vocabulary < 10:
            raise InputError(f"{option('vocabulary')} is {self.vocabulary}; it must be 10 or more.")
