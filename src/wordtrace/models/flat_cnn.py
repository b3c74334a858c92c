"""The CNN on texts laid end to end, forward and backward by hand: for many small trainings.

A small model's training step on a CPU spends its time on padding, between operations, and on
writing a gradient for the whole embedding table. Here a batch's texts lie one after the other,
separated by as many empty rows as a convolution reaches; each of the batch's tokens is multiplied
once; and only the batch's tokens get a gradient. The result equals that of autograd on
:class:`.cnn.CNN` to float tolerance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wordtrace.data.batches import Encoded
from wordtrace.models.cnn import CNN, CNNConfig, MaskedConvolution


@dataclass(frozen=True)
class Layout:
    """A batch's texts, end to end.

    Attributes
    ----------
    tokens
        int64, shape (tokens,): the different tokens of the batch, rising.
    places
        int64, shape (rows,): each row's place in `tokens`; len(tokens) where it is empty.
    starts
        int64, shape (texts,): the first row of each text.
    text
        int64, shape (rows,): the text whose row it is; an empty row belongs to the text before.
    full
        float32, shape (rows, 1): 1 where there is a token, else 0.
    """

    tokens: Tensor
    places: Tensor
    starts: npt.NDArray[np.int64]
    text: Tensor
    full: Tensor


def lay(encoded: Encoded, rows: npt.NDArray[np.int64], gap: int) -> Layout:
    """Lay the texts at `rows` end to end with `gap` empty rows behind each."""
    lengths = encoded.lengths[rows]
    ends = np.cumsum(lengths + gap)
    starts = ends - lengths - gap
    text = np.repeat(np.arange(len(rows)), lengths + gap)
    within = np.arange(int(ends[-1])) - starts[text]
    full = within < lengths[text]
    ids = encoded.ids[(encoded.offsets[rows][text] + within)[full]]
    tokens, inverse = np.unique(ids, return_inverse=True)
    places = np.full(len(text), len(tokens), np.int64)
    places[full] = inverse
    return Layout(
        torch.from_numpy(tokens.astype(np.int64)),
        torch.from_numpy(places),
        starts,
        torch.from_numpy(text),
        torch.from_numpy(full.astype(np.float32)[:, None]),
    )


class FlatCNN:
    """All weights of a :class:`.cnn.CNN` but the embedding, as one vector.

    Attributes
    ----------
    weights, gradient
        float32, shape (parameters,): kernels laid side by side, biases, the linear layer.
    embedding
        float32, shape (vocabulary, dim): a copy of the model's.
    """

    def __init__(self, model: CNN) -> None:
        self.config: CNNConfig = model.config
        self.gap = max(model.config.widths) // 2
        layers = [layer for layer in model.convolutions if isinstance(layer, MaskedConvolution)]
        parts: list[Tensor] = []
        for layer in layers:
            parts += [layer.kernel(), layer.bias]
        parts += [model.linear.weight, model.linear.bias]
        self.weights = torch.cat([part.detach().reshape(-1) for part in parts])
        self.gradient = torch.zeros_like(self.weights)
        self.embedding = model.embedding.weight.detach().clone()
        shapes = [part.shape for part in parts]
        self._now, self._grad = _views(self.weights, shapes), _views(self.gradient, shapes)
        self._depth = len(layers)

    def logits(self, layout: Layout, vectors: Tensor) -> Tensor:
        """Return class scores, shape (texts, classes).

        Parameters
        ----------
        vectors
            Shape (tokens, dim): the embedding of ``layout.tokens``.
        """
        *_, pooled = self._forward(layout, vectors)
        return self._score(pooled)

    def backward(
        self, layout: Layout, vectors: Tensor, labels: Tensor, factors: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Set :attr:`gradient` to that of Σ factors · losses.

        Returns
        -------
        losses
            Shape (texts,): cross-entropy of each text.
        gradient
            Shape (tokens, dim): that of `vectors`.
        """
        *hidden, pooled = self._forward(layout, vectors)
        logarithms = torch.log_softmax(self._score(pooled), 1)
        losses = -logarithms.gather(1, labels[:, None])[:, 0]
        scores = logarithms.exp_()
        scores.scatter_add_(1, labels[:, None], torch.full_like(scores[:, :1], -1))
        scores *= factors[:, None]
        torch.mm(scores.T, pooled, out=self._grad[-2])
        torch.sum(scores, 0, out=self._grad[-1])
        gradient = _unpooled(scores @ self._now[-2], pooled, hidden[-1], layout)
        for depth in range(self._depth - 1, 0, -1):
            apart = self._apart(depth, gradient)
            torch.mm(hidden[depth - 1].T, apart, out=self._grad[2 * depth])
            torch.sum(gradient, 0, out=self._grad[2 * depth + 1])
            gradient = (apart @ self._now[2 * depth].T).mul_(hidden[depth - 1] > 0)
        apart = self._apart(0, gradient)
        torch.sum(gradient, 0, out=self._grad[1])
        by_token = apart.new_zeros(len(vectors) + 1, apart.shape[1])
        by_token.index_add_(0, layout.places, apart)
        by_token = by_token[:-1]
        torch.mm(vectors.T, by_token, out=self._grad[0])
        return losses, by_token @ self._now[0].T

    @torch.no_grad()
    def predict(self, encoded: Encoded, rows_a_batch: int = 128) -> npt.NDArray[np.float32]:
        """Return class scores of many texts, float32, shape (texts, classes)."""
        found = [
            self.logits(layout, self.embedding[layout.tokens])
            for start in range(0, len(encoded), rows_a_batch)
            for layout in [
                lay(encoded, np.arange(start, min(start + rows_a_batch, len(encoded))), self.gap)
            ]
        ]
        return torch.cat(found).numpy() if found else np.empty((0, self.config.classes), np.float32)

    def _forward(self, layout: Layout, vectors: Tensor) -> list[Tensor]:
        """Return each convolution's output, shape (rows, filters), and the maximum of each text."""
        product = vectors @ self._now[0]
        product = torch.cat([product, product.new_zeros(1, product.shape[1])])
        hidden = [self._together(0, product[layout.places], layout)]
        for depth in range(1, self._depth):
            hidden.append(self._together(depth, hidden[-1] @ self._now[2 * depth], layout))
        # PyTorch's memory is aligned as matrix products need it for the same bits in every process.
        pooled = product.new_empty(len(layout.starts), hidden[-1].shape[1])
        # An output is never negative, so an empty row's 0 wins over no text's.
        np.maximum.reduceat(hidden[-1].numpy(), layout.starts, axis=0, out=pooled.numpy())
        return [*hidden, pooled]

    def _score(self, pooled: Tensor) -> Tensor:
        return torch.addmm(self._now[-1], pooled, self._now[-2].T)

    def _together(self, depth: int, product: Tensor, layout: Layout) -> Tensor:
        """Sum the shifted parts, add the bias, ReLU; empty rows stay 0."""
        width = self.config.widths[depth]
        parts = product.view(len(product), width, -1)
        total = parts[:, width // 2] + self._now[2 * depth + 1]
        for place in range(width):
            away = place - width // 2
            if away < 0:
                total[-away:] += parts[:away, place]
            elif away > 0:
                total[:-away] += parts[away:, place]
        return total.relu_().mul_(layout.full)

    def _apart(self, depth: int, gradient: Tensor) -> Tensor:
        """Return the gradient of the product of which `_together` made the layer's output."""
        width = self.config.widths[depth]
        if width == 1:
            return gradient
        parts = gradient.new_zeros(len(gradient), width, gradient.shape[1])
        for place in range(width):
            away = place - width // 2
            if away < 0:
                parts[:away, place] = gradient[-away:]
            elif away > 0:
                parts[away:, place] = gradient[:-away]
            else:
                parts[:, place] = gradient
        return parts.view(len(gradient), -1)


def _unpooled(gradient: Tensor, pooled: Tensor, hidden: Tensor, layout: Layout) -> Tensor:
    """Hand a maximum's gradient to the rows that hold it, in equal parts; none where it is 0."""
    top = hidden == pooled[layout.text]
    top &= hidden > 0
    count = np.add.reduceat(top.numpy(), layout.starts, axis=0, dtype=np.float32)
    share = gradient / torch.from_numpy(count).clamp_(min=1)
    return share[layout.text].mul_(top)


def _views(flat: Tensor, shapes: Sequence[torch.Size]) -> list[Tensor]:
    found, start = [], 0
    for shape in shapes:
        found.append(flat[start : start + shape.numel()].view(shape))
        start += shape.numel()
    return found
