"""What wordtrace needs from a text model and its tokenizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import tokenizers
import torch
from torch import Tensor, nn

from wordtrace.data.batches import Encoded
from wordtrace.data.labelling import Labels
from wordtrace.models.outputs import Outputs
from wordtrace.models.tokenizer import TokenAt


@dataclass(frozen=True)
class Batch:
    """Padded token ids of some examples.

    Attributes
    ----------
    ids
        int64, shape (batch, length).
    mask
        bool, shape (batch, length): True at text, False at padding.
    labels
        int64, shape (batch,): the class with which the loss is computed; for sets of classes and
        numbers float32, shape (batch, outputs), in the form of :class:`.data.labelling.Labelling`.
    types
        int64, shape (batch, length): 1 in the second text of a pair, 2 where a completion does not
        count; None for models without token types.
    """

    ids: Tensor
    mask: Tensor
    labels: Tensor
    types: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """Return it on a device."""
        if self.ids.device == device:
            return self
        parts = (self.ids, self.mask, self.labels, self.types)
        ids, mask, labels, types = (None if one is None else one.to(device) for one in parts)
        assert ids is not None
        assert mask is not None
        assert labels is not None
        return Batch(ids, mask, labels, types)


class TextModel(Protocol):
    """A text classifier whose token embedding is one module, called once a forward pass.

    `logits` must treat examples independently and must not let padding change a result.
    """

    @property
    def module(self) -> nn.Module:
        """The network, whose ``named_modules()`` name its layers."""
        ...

    @property
    def embedding(self) -> nn.Module:
        """The module that maps ids (batch, length) to vectors (batch, length, dim)."""
        ...

    @property
    def outputs(self) -> Outputs:
        """The meaning of its scores."""
        ...

    @property
    def named_layers(self) -> Mapping[str, tuple[str, ...]]:
        """The modules that the paper calls "second", "third" and "last", by their names."""
        ...

    def logits(self, batch: Batch) -> Tensor:
        """Return scores, float, shape (batch, outputs): of a classifier, its classes."""
        ...

    def losses(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the training loss of each example, shape (batch,)."""
        ...

    def last_layer_input(self, batch: Batch) -> Tensor:
        """Return what the final linear layer is given, shape (batch, features)."""
        ...


@runtime_checkable
class TokenScorer(Protocol):
    """A language model, which says how probable each token is."""

    def token_losses(self, batch: Batch) -> Tensor:
        """Return −log p of each token, float32, shape (batch, length); 0 where none is foretold."""
        ...

    def counted(self, batch: Batch) -> Tensor:
        """Return which tokens the training's loss asks for, bool, shape (batch, length)."""
        ...


class TextTokenizer(Protocol):
    """Makes token ids from texts, and says where in the texts they stand."""

    @property
    def inner(self) -> tokenizers.Tokenizer:
        """The library's tokenizer; that of the prompts, where completions have another one."""
        ...

    @property
    def max_length(self) -> int:
        """The largest number of tokens in an example; with a decoder, in its prompt."""
        ...

    @property
    def types(self) -> bool:
        """Whether batches say which tokens belong to the second text."""
        ...

    @property
    def size(self) -> int:
        """One more than the highest id."""
        ...

    @property
    def special(self) -> frozenset[int]:
        """The tokens that stand for no part of a text."""
        ...

    def token(self, token_id: int, /) -> str:
        """Return the piece of text that an id stands for."""
        ...

    def word(self, token_ids: Sequence[int], /) -> str:
        """Return the word that some tokens spell together."""
        ...

    def encode(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None, what: str | None = None
    ) -> Encoded:
        """Tokenize many examples; `what` names the progress bar, None shows none."""
        ...

    def positions(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None
    ) -> list[list[TokenAt]]:
        """Say where in the texts each token stands: as many as :meth:`encode` gives."""
        ...

    def save(self, path: Path, /) -> None:
        """Write ``tokenizer.json``."""
        ...


def batch_of(ids: object, mask: object, labels: object, types: object = None) -> Batch:
    """Make a :class:`Batch` of NumPy arrays or tensors."""
    return Batch(
        torch.as_tensor(ids),
        torch.as_tensor(mask),
        torch.as_tensor(labels),
        None if types is None else torch.as_tensor(types),
    )


def to_batch(
    encoded: Encoded,
    labels: Labels,
    rows: npt.NDArray[np.int64],
    device: torch.device | None = None,
) -> Batch:
    """Return the examples at `rows`, padded, as tensors."""
    ids, mask = encoded.padded(rows)
    batch = batch_of(ids, mask, labels[rows], encoded.types(rows, mask))
    return batch if device is None else batch.to(device)
