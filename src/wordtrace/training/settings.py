"""The settings of a training besides the recipe; checked when made."""

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
        "cnn" for the paper's model; or the folder or hub name of a pretrained model for sequence
        classification, or of any encoder.
    layers
        Keep only this many first layers of a pretrained model; None keeps all.
    dim, filters
        The CNN's embedding dimension and number of filters (section 3.2: 128 and 10).
    max_length
        The largest number of tokens in an example.
    vocabulary
        The largest number of pieces of a tokenizer that is trained on the data.
    embeddings
        The folder of a pretrained encoder, to start from its tokenizer and word embeddings; or
        None.
    checkpoints
        How many checkpoints to choose, or the exact steps to record.
    early_stopping
        Stop after this many epochs without a lower held-out loss, and keep the best checkpoint;
        None never stops early.

    Raises
    ------
    InputError
        For a value out of range; the message names the field, its value and the limit.

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
