"""Sequence-to-sequence models: the prompt is encoded, the completion decoded, its loss traced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordtrace.errors import InputError
from wordtrace.models.completions import log_losses, mean_log_probability, weighted
from wordtrace.models.outputs import Completions
from wordtrace.models.protocol import Batch

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class HuggingFaceSeq2Seq:
    """A ``…ForConditionalGeneration``; its one score is the mean log-probability.

    Encoder and decoder look their tokens up in one table. Both lookups are done at once, by
    :attr:`embedding`, and handed to the two in place of their own: the gradient at that one output
    holds the parts of both, each at its token.

    Parameters
    ----------
    module
        The model; it is used as it is.

    Raises
    ------
    InputError
        Where encoder and decoder have tables of their own.
    """

    outputs = Completions()

    def __init__(self, module: PreTrainedModel, tokens_a_row: float | None = None) -> None:
        self.module: nn.Module = module
        self.tokens_a_row = tokens_a_row
        stacks = [_embedding_of(module, name) for name in ("encoder", "decoder")]
        if stacks[0].weight is not stacks[1].weight:
            raise InputError(
                f"the encoder and the decoder of {type(module).__name__} embed words by tables of "
                "their own; models that share one are traced."
            )
        self._lookups = list(dict.fromkeys(stacks))
        self.embedding: nn.Module = _Lookup(stacks[0])
        pad = module.config.get_text_config().pad_token_id
        self._pad = 0 if pad is None else int(pad)

    @property
    def named_layers(self) -> dict[str, tuple[str, ...]]:
        """No layer has one of the paper's names."""
        return {"second": (), "third": (), "last": ()}

    def logits(self, batch: Batch) -> Tensor:
        """Return the mean log-probability of the completion's tokens, shape (batch, 1)."""
        assert batch.types is not None
        scores, answer = self._decoded(batch)
        counted = (answer.mask & self.counted(batch).gather(1, answer.at))[:, 1:]
        return mean_log_probability(scores[counted], answer.ids[:, 1:], counted)

    def token_losses(self, batch: Batch) -> Tensor:
        """Return −log p of each token, float32, shape (batch, length); 0 up to the start token."""
        scores, answer = self._decoded(batch)
        losses = log_losses(scores, answer.ids[:, 1:]) * answer.mask[:, 1:]
        found = torch.zeros(batch.ids.shape, device=losses.device)
        return found.scatter_add_(1, answer.at[:, 1:], losses)

    def _decoded(self, batch: Batch) -> tuple[Tensor, _Part]:
        """Return the decoder's scores at all its tokens but the last, and its tokens."""
        assert batch.types is not None
        ids = batch.ids.masked_fill(~batch.mask, self._pad)
        first = (batch.mask & (batch.types == 0)).sum(1)
        whole = batch.mask.sum(1)
        prompt = _Part.of(ids, torch.zeros_like(first), first)
        answer = _Part.of(ids, first, whole - first)
        vectors = self.embedding(ids)
        # The last token is predicted, but not read.
        given = [prompt.take(vectors), answer.take(vectors)[:, :-1]]
        # Before all other hooks: those that read gradients must see what the model goes on with.
        handles = [
            one.register_forward_hook(_hand_out(given), prepend=True) for one in self._lookups
        ]
        try:
            scores = self.module(
                input_ids=prompt.ids,
                attention_mask=prompt.mask.long(),
                decoder_input_ids=answer.ids[:, :-1],
                use_cache=False,
            ).logits
        finally:
            for handle in handles:
                handle.remove()
        return scores, answer

    def counted(self, batch: Batch) -> Tensor:
        """Return which tokens the loss asks for, bool, shape (batch, length): predicted ones."""
        assert batch.types is not None
        answer = batch.mask & (batch.types > 0)
        first = answer & (answer.cumsum(1) == 1)  # the decoder starts with it
        return batch.mask & (batch.types == 1) & ~first

    def losses(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return each example's part in the training loss, shape (batch,).

        See :func:`.completions.weighted`.
        """
        losses = self.outputs.losses(logits, batch.labels)
        return weighted(losses, self.counted(batch), self.tokens_a_row)

    def last_layer_input(self, batch: Batch) -> Tensor:
        """Refuse, since each token has its own input."""
        raise InputError("this measure needs a classifier; a language model has no last layer's.")


class _Lookup(nn.Module):
    """The rows of a table for some ids, unscaled: what the token gradient is taken at.

    Its `padding_idx` is the table's, whose row is never trained.
    """

    def __init__(self, table: nn.Module) -> None:
        super().__init__()
        self.table = table
        self.padding_idx = getattr(table, "padding_idx", None)

    def forward(self, ids: Tensor) -> Tensor:
        weight = self.table.weight
        assert isinstance(weight, Tensor)
        return F.embedding(ids, weight)


@dataclass(frozen=True)
class _Part:
    """Consecutive positions of each text, as a rectangle: (batch, longest)."""

    at: Tensor
    ids: Tensor
    mask: Tensor

    @classmethod
    def of(cls, ids: Tensor, first: Tensor, count: Tensor) -> _Part:
        step = torch.arange(max(1, int(count.max())), device=ids.device)
        mask = step < count.unsqueeze(1)
        at = (first.unsqueeze(1) + step).clamp(max=ids.shape[1] - 1)
        # Where a part ends stands the next one, or the end: it repeats its first token there.
        at = torch.where(mask, at, first.clamp(max=ids.shape[1] - 1).unsqueeze(1))
        return cls(at, ids.gather(1, at), mask)

    def take(self, vectors: Tensor) -> Tensor:
        """Return the positions' vectors, zeros at padding, so that no gradient goes there."""
        at = self.at.unsqueeze(2).expand(-1, -1, vectors.shape[2])
        return vectors.gather(1, at).masked_fill(~self.mask.unsqueeze(2), 0.0)


def _hand_out(given: list[Tensor]) -> Callable[[nn.Module, object, Tensor], Tensor]:
    """Return a hook that gives the next of some outputs (the encoder is asked first)."""

    def hook(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
        scale: Tensor | float = getattr(module, "embed_scale", 1.0)
        return given.pop(0) * scale

    return hook


def _embedding_of(module: Any, name: str) -> Any:
    stack = module.get_submodule(name) if hasattr(module, name) else None
    if stack is None:
        stack = getattr(module.base_model, name, None)
    if stack is None:
        raise InputError(
            f"{type(module).__name__} has no {name} with a word embedding, which is needed."
        )
    return stack.get_input_embeddings()
