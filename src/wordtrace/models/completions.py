"""Prompts with completions: language models with the loss of the completion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from wordtrace.data.batches import Encoded
from wordtrace.errors import InputError
from wordtrace.execute.progress import track
from wordtrace.models.asked_positions import scores_at
from wordtrace.models.outputs import Completions
from wordtrace.models.plain_tokenizer import LOSSES, check_loss
from wordtrace.models.protocol import Batch
from wordtrace.models.tokenizer import TokenAt, Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_CHUNK = 4096


class CompletionTokenizer:
    """A prompt and its completion as one text, as language models are trained on them.

    A pair (text, text2) is tokenized as text + text2, without anything between. In the batch the
    second text begins with the first token that reaches into text2. A single text is a completion
    without a prompt.

    Parameters
    ----------
    inner
        The model's tokenizer.
    end
        The token that ends a completion in training, or None. A text that ends with it by itself
        gets no second one.
    loss
        The tokens that the loss asks for: "completion", which None means, too, or "all".
    """

    types = True

    def __init__(self, inner: Tokenizer, end: int | None, loss: str | None = None) -> None:
        check_loss(loss)
        self._tokens, self.end, self.loss = inner, end, loss
        self.inner, self.max_length = inner.inner, inner.max_length
        self.size, self.save = inner.size, inner.save
        self.token, self.word = inner.token, inner.word
        self.special = inner.special | ({end} if end is not None else set())

    def asking(self, loss: str | None) -> CompletionTokenizer:
        """Return the same tokenizer for another loss."""
        return CompletionTokenizer(self._tokens, self.end, loss)

    def scopes(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None
    ) -> dict[str, Encoded]:
        """Tokenize for each loss that a training may have had, the default first."""
        names = LOSSES if texts2 is not None else ("all",)
        return {name: self.asking(name).encode(texts, texts2) for name in names}

    def encode(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None, what: str | None = None
    ) -> Encoded:
        """Tokenize many; `what` names the progress bar, None shows none."""
        parts, second, truncated = [], [], 0
        prompts = texts if texts2 is not None else [""] * len(texts)
        whole = texts if texts2 is None else [a + b for a, b in zip(texts, texts2, strict=True)]
        with track(what or "", len(texts) if what else 0, "texts") as advance:
            for start in range(0, len(whole), _CHUNK):
                chunk = list(whole[start : start + _CHUNK])
                for prompt, one in zip(
                    prompts[start : start + _CHUNK], self.inner.encode_batch(chunk), strict=True
                ):
                    ids = self._ended(one)
                    parts.append(np.asarray(ids, np.int32))
                    second.append(0 if self.loss == "all" else _boundary(one, len(prompt)))
                    truncated += bool(one.overflowing)
                if what:
                    advance(len(chunk))
        return Encoded.of(parts, second, truncated)

    def positions(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None
    ) -> list[list[TokenAt]]:
        """Say where in the texts each token stands; as :meth:`.Tokenizer.positions` does."""
        if texts2 is None:
            found = self._tokens.positions(texts)
        else:
            joined = [a + b for a, b in zip(texts, texts2, strict=True)]
            found = [
                [in_completion(one, prompt) for one in positions]
                for prompt, positions in zip(texts, self._tokens.positions(joined), strict=True)
            ]
        if self.end is not None:
            end = TokenAt(self.end, None)
            # As in encode: a text that was cut has no end.
            whole = texts if texts2 is None else joined
            for positions, one in zip(found, self.inner.encode_batch(list(whole)), strict=True):
                if len(self._ended(one)) > len(positions):
                    positions.append(end)
        return found

    def _ended(self, encoding: Any) -> list[int]:
        ids: list[int] = encoding.ids
        if self.end is None or encoding.overflowing or len(ids) >= self.max_length:
            return ids
        if ids[-1:] == [self.end]:
            return ids
        return [*ids, self.end]


class HuggingFaceGenerator:
    """A ``…ForCausalLM``; its one score is the mean log-probability of the completion.

    Parameters
    ----------
    module
        The model; it is used as it is.
    tokens_a_row
        See :func:`weighted`.
    """

    outputs = Completions()

    def __init__(self, module: PreTrainedModel, tokens_a_row: float | None = None) -> None:
        self.module: nn.Module = module
        self.tokens_a_row = tokens_a_row
        config: Any = module.config
        pad = config.get_text_config().pad_token_id
        self._pad = 0 if pad is None else int(pad)

    @property
    def embedding(self) -> nn.Module:
        """The word embedding; only the lookup, where the output layer shares its weights."""
        module: Any = self.module
        found: nn.Module = module.get_input_embeddings()
        return found

    @property
    def named_layers(self) -> dict[str, tuple[str, ...]]:
        """No layer has one of the paper's names."""
        return {"second": (), "third": (), "last": ()}

    def logits(self, batch: Batch) -> Tensor:
        """Return the mean log-probability of the completion's tokens, shape (batch, 1)."""
        counted = self.counted(batch)[:, 1:]
        ids = self._ids(batch)
        # The last token is foretold, but foretells nothing.
        asked = F.pad(counted, (0, 1))
        scores = scores_at(self.module, asked, input_ids=ids, attention_mask=batch.mask.long())
        return mean_log_probability(scores, ids[:, 1:], counted)

    def token_losses(self, batch: Batch) -> Tensor:
        """Return −log p of each token, float32, shape (batch, length); 0 at the first one."""
        ids = self._ids(batch)
        scores = self.module(input_ids=ids, attention_mask=batch.mask.long()).logits
        losses = log_losses(scores[:, :-1], ids[:, 1:]) * batch.mask[:, 1:]
        return F.pad(losses, (1, 0))

    def _ids(self, batch: Batch) -> Tensor:
        return batch.ids.masked_fill(~batch.mask, self._pad)

    def counted(self, batch: Batch) -> Tensor:
        """Return which tokens the loss asks for, bool, shape (batch, length); never the first."""
        counted = batch.mask.clone() if batch.types is None else batch.mask & (batch.types == 1)
        counted[:, 0] = False  # nothing stands before it to predict it from
        return counted

    def losses(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return each example's part in the training loss, shape (batch,); see :func:`weighted`."""
        losses = self.outputs.losses(logits, batch.labels)
        return weighted(losses, self.counted(batch), self.tokens_a_row)

    def last_layer_input(self, batch: Batch) -> Tensor:
        """Refuse, since each token has its own input."""
        raise InputError("this measure needs a classifier; a language model has no last layer's.")


def weighted(losses: Tensor, counted: Tensor, tokens_a_row: float | None) -> Tensor:
    """Return the parts that examples have in a loss that is a mean over the tokens of a batch.

    The loss of a batch is the sum over its counted tokens, divided by their number; so an example
    with many of them weighs more. Its part, times the number of examples, is n/n̄ times its own mean
    loss: n is the number of its counted tokens, n̄ their mean over the examples.

    Parameters
    ----------
    losses
        float, shape (batch,): mean losses of the counted tokens.
    counted
        bool, shape (batch, length).
    tokens_a_row
        n̄; None: every example weighs the same, which is so in runs that did not keep it.
    """
    return losses if tokens_a_row is None else losses * (counted.sum(1) / tokens_a_row)


def mean_log_probability(scores: Tensor, targets: Tensor, counted: Tensor) -> Tensor:
    """Return the mean of log softmax(scores)[target] over the positions that count.

    Parameters
    ----------
    scores
        float, shape (positions that count, vocabulary), row by row.
    targets, counted
        int64 and bool, shape (batch, length).

    Returns
    -------
    Tensor
        float32, shape (batch, 1); 0 where no position counts.
    """
    losses = F.cross_entropy(scores.float(), targets[counted], reduction="none")
    total = losses.new_zeros(len(counted)).index_add(0, counted.nonzero()[:, 0], losses)
    return -(total / counted.sum(1).clamp(min=1)).unsqueeze(1)


def log_losses(scores: Tensor, targets: Tensor) -> Tensor:
    """Return −log softmax(scores)[target], float32, of the targets' shape."""
    return F.cross_entropy(scores.float().transpose(1, 2), targets, reduction="none")


def _boundary(encoding: Any, prompt: int) -> int:
    """Return the position of the first token that reaches beyond the prompt's characters."""
    for place, (special, (_, end)) in enumerate(
        zip(encoding.special_tokens_mask, encoding.offsets, strict=True)
    ):
        if not special and end > prompt:
            return place
    return len(encoding.ids)


def in_completion(one: TokenAt, prompt: str) -> TokenAt:
    """Return a token of a prompt and its completion joined, placed in the one of the two."""
    if one.span is None:
        return one
    _, start, end = one.span
    if end <= len(prompt):
        return one
    return TokenAt(one.token, ("text2", max(0, start - len(prompt)), end - len(prompt)))
