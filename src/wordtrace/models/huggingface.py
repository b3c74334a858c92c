"""Text classifiers and regressors of transformers, as :class:`.models.protocol.TextModel`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from wordtrace.errors import InputError
from wordtrace.models.outputs import Classes, Outputs
from wordtrace.models.protocol import Batch

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class HuggingFaceClassifier:
    """A ``…ForSequenceClassification`` whose last layer is one linear layer.

    Parameters
    ----------
    module
        The model; it is used as it is, evaluation mode and frozen parameters are the caller's.
    outputs
        What its scores mean; by default one class of several, by plain cross-entropy.

    Raises
    ------
    InputError
        When it has no linear layer that gives the class scores.
    """

    def __init__(self, module: PreTrainedModel, outputs: Outputs | None = None) -> None:
        self.module: nn.Module = module
        self.outputs = outputs or Classes()
        self._config: Any = module.config
        self._last = _last_linear(module, self._config.num_labels)
        # Models that also read images or sounds keep the text part of the configuration apart.
        text: Any = self._config.get_text_config()
        self._blocks = text.num_hidden_layers
        self._pad = (
            text.pad_token_id if text.pad_token_id is not None else self._config.pad_token_id
        )
        if self._pad is None:
            # A decoder finds the end of a text by the padding: any id works that no text ends with.
            self._pad = self._config.pad_token_id = text.vocab_size - 1

    @property
    def embedding(self) -> nn.Module:
        """The word embedding."""
        module: Any = self.module
        found: nn.Module = module.get_input_embeddings()
        return found

    @property
    def named_layers(self) -> dict[str, tuple[str, ...]]:
        """Blocks 0 and 1, each with all its layers, where there are any; the final layer."""
        named: dict[str, tuple[str, ...]] = {"second": (), "third": (), "last": (self._last,)}
        blocks = _blocks(self.module, self._blocks)
        for place, name in enumerate(("second", "third") if blocks else ()):
            prefix = f"{blocks}.{place}."
            named[name] = tuple(
                path
                for path, module in self.module.named_modules()
                if path.startswith(prefix)
                and next(module.parameters(recurse=False), None) is not None
            )
        return named

    def logits(self, batch: Batch) -> Tensor:
        """Return scores, shape (batch, outputs)."""
        given = {
            "input_ids": batch.ids.masked_fill(~batch.mask, self._pad),
            "attention_mask": batch.mask.long(),
        }
        if batch.types is not None:
            given["token_type_ids"] = batch.types
        found: Tensor = self.module(**given).logits
        return found

    def losses(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the training loss of each example, shape (batch,)."""
        return self.outputs.losses(logits.float(), batch.labels)

    def last_layer_input(self, batch: Batch) -> Tensor:
        """Return what the final linear layer is given, shape (batch, features)."""
        given: list[Tensor] = []
        handle = self.module.get_submodule(self._last).register_forward_pre_hook(
            lambda module, inputs: given.append(inputs[0])
        )
        try:
            self.logits(batch)
        finally:
            handle.remove()
        (inputs,) = given
        if inputs.dim() == 3:  # a decoder scores every position: one counts
            inputs = inputs[torch.arange(len(inputs)), self._scored(batch)]
        return inputs

    def _scored(self, batch: Batch) -> Tensor:
        """Return the place of the last token that is no padding token, shape (batch,).

        Where the padding token is also the one that ends a text, the token before it is scored.
        """
        counts = batch.mask & (batch.ids != self._pad)
        places = torch.arange(counts.shape[1], device=counts.device)
        return torch.argmax(places * counts, 1)


def _last_linear(module: nn.Module, classes: int | None) -> str:
    found: list[str] = [
        name
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear) and layer.out_features == classes
    ]
    if not found:
        raise InputError(
            f"{type(module).__name__} has no linear layer that gives its {classes} class scores; "
            "a model for sequence classification is needed."
        )
    return found[-1]


def _blocks(module: nn.Module, count: int) -> str | None:
    """Find the list of blocks; None where they share their weights (ALBERT)."""
    for name, layer in module.named_modules():
        if isinstance(layer, nn.ModuleList) and len(layer) == count:
            return str(name)
    return None
