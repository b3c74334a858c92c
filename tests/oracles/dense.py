"""Slow, obvious twins: full gradients by plain autograd, one example at a time."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from wordtrace.models.cnn import CNN


class PlainCNN(nn.Module):
    """The paper's CNN from PyTorch's own layers, on one unpadded text (1, length)."""

    def __init__(self, model: CNN) -> None:
        super().__init__()
        config = model.config
        self.embedding = nn.Embedding(config.vocabulary, config.dim)
        channels = [config.dim, *[config.filters] * len(config.widths)]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inside, outside, width, padding=width // 2)
            for (inside, outside), width in zip(pairwise(channels), config.widths, strict=True)
        )
        self.linear = nn.Linear(config.filters, config.classes)
        self.load_state_dict(model.state_dict())

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        hidden = self.embedding(ids).transpose(1, 2)
        for convolution in self.convolutions:
            hidden = F.relu(convolution(hidden))
        return self.linear(hidden.max(dim=2).values)


def embedding_weight_gradient(model: CNN, ids: list[int], label: int) -> torch.Tensor:
    """∂ℓ/∂Θ, dense, float64, shape (vocabulary, dim)."""
    plain = PlainCNN(model).double()
    loss = F.cross_entropy(plain(torch.tensor([ids])), torch.tensor([label]))
    (gradient,) = torch.autograd.grad(loss, [plain.embedding.weight])
    return gradient


def position_gradients(model: CNN, ids: list[int], label: int) -> torch.Tensor:
    """∂ℓ/∂e at each position, float64, shape (length, dim)."""
    plain = PlainCNN(model).double()
    vectors = plain.embedding(torch.tensor([ids])).detach().requires_grad_(True)
    hidden = vectors.transpose(1, 2)
    for convolution in plain.convolutions:
        hidden = F.relu(convolution(hidden))
    loss = F.cross_entropy(plain.linear(hidden.max(dim=2).values), torch.tensor([label]))
    (gradient,) = torch.autograd.grad(loss, [vectors])
    return gradient[0]


def top_k_gradient(model: CNN, ids: list[int], label: int, k: int) -> torch.Tensor:
    """Eq. 5: the k positions of largest gradient norm, then summed by token; dense."""
    gradient = position_gradients(model, ids, label)
    norms = gradient.norm(dim=1)
    kept = sorted(range(len(ids)), key=lambda place: (-float(norms[place]), place))[:k]
    dense = torch.zeros(model.config.vocabulary, model.config.dim, dtype=torch.float64)
    for place in kept:
        dense[ids[place]] += gradient[place]
    return dense


def last_layer_gradient(
    model: CNN, ids: list[int], label: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The last layer's weight and bias gradients."""
    plain = PlainCNN(model).double()
    loss = F.cross_entropy(plain(torch.tensor([ids])), torch.tensor([label]))
    weight, bias = torch.autograd.grad(loss, [plain.linear.weight, plain.linear.bias])
    return weight, bias


def parameter_gradients(
    model: object, ids: list[int], label: int, names: list[str]
) -> list[torch.Tensor]:
    """∂ℓ/∂θ for named parameters by plain autograd on a float64 copy and one unpadded text."""
    if isinstance(model, CNN):
        module: nn.Module = PlainCNN(model).double()
        scores = module(torch.tensor([ids]))
    else:
        module = copy.deepcopy(model.module).double().requires_grad_(True)
        scores = module(input_ids=torch.tensor([ids])).logits
    parameters = dict(module.named_parameters())
    loss = F.cross_entropy(scores, torch.tensor([label]))
    return list(torch.autograd.grad(loss, [parameters[name] for name in names]))


def class_scores(model: object, ids: list[int]) -> torch.Tensor:
    """Class scores in float64, shape (classes,)."""
    if isinstance(model, CNN):
        return PlainCNN(model).double()(torch.tensor([ids]))[0].detach()
    module = copy.deepcopy(model.module).double()
    return module(input_ids=torch.tensor([ids])).logits[0].detach()
