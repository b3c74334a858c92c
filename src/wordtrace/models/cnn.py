"""The convolutional text classifier of the paper (section 3.2)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordtrace.errors import InputError
from wordtrace.models.outputs import Classes
from wordtrace.models.protocol import Batch


@dataclass(frozen=True)
class CNNConfig:
    """The shape of a :class:`CNN`; the defaults are the paper's.

    Raises
    ------
    InputError
        When a size is not positive, or a convolution's width is even (it would have no centre).
    """

    vocabulary: int
    classes: int
    dim: int = 128
    filters: int = 10
    widths: tuple[int, ...] = (5, 5, 1)

    def __post_init__(self) -> None:
        for name, least in (("vocabulary", 1), ("classes", 2), ("dim", 1), ("filters", 1)):
            if getattr(self, name) < least:
                raise InputError(
                    f"the CNN's {name} is {getattr(self, name)}; it must be {least} or more."
                )
        if not self.widths or any(width < 1 or width % 2 == 0 for width in self.widths):
            raise InputError(f"the CNN's widths are {self.widths}; each must be odd, 1 or more.")

    def document(self) -> dict[str, Any]:
        """Return the configuration as JSON."""
        return {"kind": "cnn", **asdict(self), "widths": list(self.widths)}


class MaskedConvolution(nn.Module):
    """A 1-D convolution over positions, zero at padding, same length out as in.

    The weight has ``torch.nn.Conv1d``'s shape (out, in, width). It is computed as one matrix
    product of all positions with the kernel laid side by side, then a sum of shifted slices of the
    few output channels: about twice as fast on a CPU as ``conv1d`` where there are many channels in
    and few out.
    """

    def __init__(self, channels_in: int, channels_out: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels_out, channels_in, width))
        self.bias = nn.Parameter(torch.empty(channels_out))

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """Map (batch, length, in) to (batch, length, out); `mask` is (batch, length, 1)."""
        return self.combine(inputs @ self.kernel(), mask)

    def kernel(self) -> Tensor:
        """Return the weight laid side by side, shape (in, width · out)."""
        out, channels, width = self.weight.shape
        return self.weight.permute(1, 2, 0).reshape(channels, width * out)

    def combine(self, product: Tensor, mask: Tensor) -> Tensor:
        """Shift and sum the product with the kernel, shape (batch, length, width · out)."""
        out, _, width = self.weight.shape
        batch, length, _ = product.shape
        # Masking after the product is masking before it: the product is position by position.
        parts = (product * mask).view(batch, length, width, out)
        total: Tensor = _ShiftSum.apply(parts)  # type: ignore[no-untyped-call]
        return total + self.bias


class _ShiftSum(torch.autograd.Function):
    """Σ_j parts[:, t + j − width // 2, j], zero outside the text.

    Its own function, since autograd would write the whole gradient once for each shift.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(parts: Tensor) -> Tensor:
        width = parts.shape[2]
        total = parts[:, :, width // 2].clone()
        for shift, (to, of) in _shifts(parts.shape[1], width):
            total[:, to] += parts[:, of, shift]
        return total

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.width = inputs[0].shape[2]

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        return _ShiftSum.forward(tangent)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        batch, length, out = gradient.shape
        parts = gradient.new_zeros(batch, length, ctx.width, out)
        parts[:, :, ctx.width // 2] = gradient
        for shift, (to, of) in _shifts(length, ctx.width):
            parts[:, of, shift] = gradient[:, to]
        return parts


def _shifts(length: int, width: int) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """Yield (shift, (positions summed into, positions taken)), the centre left out."""
    for shift in range(width):
        away = shift - width // 2
        count = length - abs(away)
        if away and count > 0:
            to, of = max(0, -away), max(0, away)
            yield shift, (slice(to, to + count), slice(of, of + count))


class CNN(nn.Module):
    """Token embedding, convolutions with ReLU, maximum over positions, one linear layer."""

    outputs = Classes()

    def __init__(self, config: CNNConfig) -> None:
        super().__init__()
        self.config = config
        # Left empty: it is large, and what PyTorch would draw is replaced at once.
        rows = torch.empty(config.vocabulary, config.dim)
        self.embedding = nn.Embedding(config.vocabulary, config.dim, _weight=rows)
        channels = [config.dim, *[config.filters] * len(config.widths)]
        self.convolutions = nn.ModuleList(
            MaskedConvolution(channels[i], channels[i + 1], width)
            for i, width in enumerate(config.widths)
        )
        self.linear = nn.Linear(config.filters, config.classes)

    def initialise(self, seed: int, embeddings: Tensor | None = None) -> None:
        """Draw all weights anew: Glorot's uniform distribution, biases 0, the embedding N(0, 0.3²).

        The draws depend on `seed` alone, not on PyTorch's global state. `embeddings`, float of
        shape (vocabulary, dim), takes the place of the drawn ones.
        """
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer in [*self.convolutions, self.linear]:
                assert isinstance(layer, MaskedConvolution | nn.Linear)
                fans = layer.weight[0].numel() + layer.weight[:, 0].numel()
                bound = math.sqrt(6 / fans)
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.zero_()
            # Last, so that the other layers' draws don't depend on the size of the vocabulary.
            if embeddings is None:
                self.embedding.weight.normal_(std=0.3, generator=generator)
            else:
                self.embedding.weight.copy_(embeddings)

    @property
    def module(self) -> CNN:
        """The network: itself."""
        return self

    @property
    def named_layers(self) -> dict[str, tuple[str, ...]]:
        """The first two convolutions and the final linear layer."""
        names = [f"convolutions.{place}" for place in range(len(self.convolutions))]
        return {"second": tuple(names[:1]), "third": tuple(names[1:2]), "last": ("linear",)}

    def last_layer_input(self, batch: Batch) -> Tensor:
        """Return the pooled features, shape (batch, filters)."""
        mask = batch.mask.unsqueeze(-1)
        first, *rest = self.convolutions
        assert isinstance(first, MaskedConvolution)
        hidden = F.relu(self._first(first, batch, mask))
        for convolution in rest:
            hidden = F.relu(convolution(hidden, mask))
        # ReLU's output is never negative, so 0 at padding can't win over text.
        return torch.amax(hidden * mask, dim=1)

    def _first(self, layer: MaskedConvolution, batch: Batch, mask: Tensor) -> Tensor:
        if not self.training:
            result: Tensor = layer(self.embedding(batch.ids), mask)
            return result
        # A batch holds each of its tokens several times: multiply each once, then look it up.
        # Three of the step's four large products, the backward ones among them, shrink by that.
        tokens, places = torch.unique(batch.ids, return_inverse=True)
        return layer.combine(F.embedding(places, self.embedding(tokens) @ layer.kernel()), mask)

    def logits(self, batch: Batch) -> Tensor:
        """Return class scores, shape (batch, classes)."""
        scores: Tensor = self.linear(self.last_layer_input(batch))
        return scores

    def losses(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the cross-entropy of each example, shape (batch,)."""
        return self.outputs.losses(logits, batch.labels)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return class scores; for tools that call a module on tensors."""
        return self.logits(Batch(ids, mask, torch.zeros(len(ids), dtype=torch.long)))
