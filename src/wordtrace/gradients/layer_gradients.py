"""An example's gradient for a layer's own parameters, in the form in which it is cheap.

A gradient for a matrix is a sum of products of what the layer was given and of the gradient at its
output: it is formed only where that is less work than to multiply the factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from wordtrace.errors import InputError
from wordtrace.gradients.tokens import TokenGradients


@dataclass(frozen=True)
class ProductGradients:
    """Gradients of a layer W a + b, for each example Σ_t δ_t a_tᵀ and Σ_t δ_t.

    Attributes
    ----------
    inputs
        float32, shape (batch, length, in): a_t; a convolution's window laid side by side.
    deltas
        float32, shape (batch, length, out): δ_t.
    has_bias
        Whether there is a b.
    """

    inputs: Tensor
    deltas: Tensor
    has_bias: bool = True

    @cached_property
    def weight(self) -> Tensor:
        """Σ_t δ_t a_tᵀ, shape (batch, out · in)."""
        return torch.bmm(self.deltas.transpose(1, 2), self.inputs).flatten(1)

    @cached_property
    def bias(self) -> Tensor:
        """Σ_t δ_t, shape (batch, out); of size 0 for a layer without bias."""
        return self.deltas.sum(1) if self.has_bias else self.deltas.new_zeros(len(self.deltas), 0)

    def dots(self, other: ProductGradients, *, bias: bool) -> Tensor:
        """Return the dot product of each example's gradient with each of the other's.

        Σ_{t,s} (δ_t · δ′_s)(a_t · a′_s), or by forming the gradients where that is less work.

        Returns
        -------
        Tensor
            float32, shape (batch, other batch).
        """
        batch, length, size = self.inputs.shape
        count, other_length, _ = other.inputs.shape
        out = self.deltas.shape[2]
        if length * other_length * (size + out) < size * out:
            dots = self.inputs.flatten(0, 1) @ other.inputs.flatten(0, 1).T
            dots *= self.deltas.flatten(0, 1) @ other.deltas.flatten(0, 1).T
            found = dots.view(batch, length, count, other_length).sum((1, 3))
        else:
            found = self.weight @ other.weight.T
        return found.addmm_(self.bias, other.bias.T) if bias else found

    def squared_norms(self) -> Tensor:
        """Return ‖Σ_t δ_t a_tᵀ‖², shape (batch,); the gradient is formed only where smaller."""
        _, length, size = self.inputs.shape
        out = self.deltas.shape[2]
        if length * (size + out) < size * out:
            dots = self.inputs @ self.inputs.transpose(1, 2)
            dots *= self.deltas @ self.deltas.transpose(1, 2)
            return dots.sum((1, 2)).clamp_(min=0)
        return self.weight.square().sum(1)

    def weighted_sum(self, weights: Tensor) -> Tensor:
        """Return Σ_i weights_i · gradient_i, shape (out · in,), without forming any."""
        deltas = self.deltas * weights[:, None, None]
        return (deltas.flatten(0, 1).T @ self.inputs.flatten(0, 1)).flatten()


@dataclass(frozen=True)
class ScaleGradients:
    """Gradients of a normalisation's scale and shift: Σ_t δ_t ⊙ x̂_t and Σ_t δ_t, (batch, size)."""

    weight: Tensor
    bias: Tensor

    def dots(self, other: ScaleGradients, *, bias: bool) -> Tensor:
        """Return the dot products, shape (batch, other batch)."""
        found = self.weight @ other.weight.T
        return found.addmm_(self.bias, other.bias.T) if bias else found

    def squared_norms(self) -> Tensor:
        """Return the squared norm of the scale's gradient, shape (batch,)."""
        return self.weight.square().sum(1)

    def weighted_sum(self, weights: Tensor) -> Tensor:
        """Return Σ_i weights_i · gradient_i, shape (size,)."""
        return weights @ self.weight


@dataclass(frozen=True)
class LookupGradients:
    """Gradients of an embedding's rows: each example's are those of the rows it looked up.

    Attributes
    ----------
    tokens
        Summed by row.
    rows
        How many rows the embedding has.
    """

    tokens: TokenGradients
    rows: int
    batch: int

    def squared_norms(self) -> Tensor:
        """Return Σ_w ‖∂ℓ/∂Θ_w‖², shape (batch,)."""
        total = self.tokens.gradient.new_zeros(self.batch)
        return total.index_add_(0, self.tokens.example, self.tokens.gradient.square().sum(1))

    def weighted_sum(self, weights: Tensor) -> Tensor:
        """Return Σ_i weights_i · gradient_i, shape (rows · dim,)."""
        gradient = self.tokens.gradient * weights[self.tokens.example, None]
        total = gradient.new_zeros(self.rows, gradient.shape[1])
        return total.index_add_(0, self.tokens.token, gradient).flatten()


LayerGradients = ProductGradients | ScaleGradients | LookupGradients


def add(one: LayerGradients, two: LayerGradients) -> LayerGradients:
    """Return the sum of two gradients of one layer, which a model ran twice.

    Raises
    ------
    InputError
        For an embedding.
    """
    if isinstance(one, ProductGradients) and isinstance(two, ProductGradients):
        return ProductGradients(
            torch.cat([one.inputs, two.inputs], 1),
            torch.cat([one.deltas, two.deltas], 1),
            one.has_bias,
        )
    if isinstance(one, ScaleGradients) and isinstance(two, ScaleGradients):
        return ScaleGradients(one.weight + two.weight, one.bias + two.bias)
    raise InputError("an embedding that is looked up more than once can't be traced as a layer.")
