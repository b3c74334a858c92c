"""Each example's gradient for a layer's own parameters, for a whole batch in one backward.

A linear or convolution layer maps a_t to f_t = W a_t + b at each position t. An example's gradient
is then Σ_t δ_t a_tᵀ for W and Σ_t δ_t for b, with δ_t = ∂ℓ/∂f_t. So the layer's input and the
gradient at its output are enough, and no backward is needed for each single example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wordtrace.errors import InputError
from wordtrace.gradients.embedding import EmbeddingGradients
from wordtrace.gradients.layer_gradients import (
    LayerGradients,
    LookupGradients,
    ProductGradients,
    ScaleGradients,
    add,
)
from wordtrace.gradients.rows import is_lookup, row_gradients
from wordtrace.gradients.tokens import position_norms, token_gradients
from wordtrace.models.alone import alone
from wordtrace.models.cnn import MaskedConvolution
from wordtrace.models.protocol import Batch, TextModel


@dataclass(frozen=True)
class Captured:
    """What one forward and one backward give for a batch: each layer's gradients, and the logits.

    Attributes
    ----------
    logits, losses
        Shapes (batch, classes) and (batch,).
    """

    layers: dict[str, LayerGradients]
    logits: Tensor
    losses: Tensor


def layer_gradients(
    model: TextModel,
    batch: Batch,
    modules: Mapping[str, nn.Module],
    objective: Callable[[Tensor, Batch], Tensor] | None = None,
) -> Captured:
    """Compute each example's gradients for some layers.

    The model must be in evaluation mode with its parameters frozen. If a layer is called more than
    once, its calls are summed.

    Parameters
    ----------
    modules
        The layers by name, from :func:`find_layers`.
    objective
        Maps (logits, batch) to a value for each example; the training loss by default.
    """
    calls: list[tuple[str, tuple[Tensor, ...], Tensor]] = []

    def start(module: object, inputs: object, output: Tensor) -> Tensor:
        return output.detach().requires_grad_(True)

    def remember(name: str) -> Callable[[object, tuple[Tensor, ...], Tensor], Tensor]:
        def hook(module: object, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            if len(output) == 1 < len(batch.ids):
                # Positions are looked up once for the whole batch: each example takes its own copy.
                output = output.expand(len(batch.ids), *output.shape[1:]).contiguous()
            if not output.requires_grad:
                output = output.detach().requires_grad_(True)
            calls.append((name, tuple(one.detach() for one in inputs), output))
            return output

        return hook

    with alone(model):
        handles = [model.embedding.register_forward_hook(start)]
        handles += [
            module.register_forward_hook(remember(name)) for name, module in modules.items()
        ]
        try:
            with torch.enable_grad():
                logits = model.logits(batch)
                values = (objective or model.losses)(logits, batch)
                gradients = torch.autograd.grad(
                    values.sum(), [output for _, _, output in calls], allow_unused=True
                )
        finally:
            for handle in handles:
                handle.remove()
    found: dict[str, LayerGradients] = {}
    for (name, inputs, output), gradient in zip(calls, gradients, strict=True):
        delta = torch.zeros_like(output) if gradient is None else gradient.float()
        one = _gradients(modules[name], inputs, delta, batch)
        found[name] = add(found[name], one) if name in found else one
    missing = [name for name in modules if name not in found]
    if missing:
        raise InputError(f"the layer {missing[0]} took no part in the prediction; name another.")
    return Captured(found, logits.detach(), values.detach())


def find_layers(model: TextModel, names: Sequence[str]) -> dict[str, nn.Module]:
    """Return layers by name, as ``model.named_modules()`` names them.

    Raises
    ------
    InputError
        For a name that is no layer, or a layer of a kind that has no known gradients; the message
        lists the layers that can be named.
    """
    known = known_layers(model)
    for name in names:
        if name not in known:
            raise InputError(
                f"there is no layer {name!r} with parameters of its own that can be traced; "
                f"known: {', '.join(known)}."
            )
    return {name: known[name] for name in names}


def known_layers(model: TextModel) -> dict[str, nn.Module]:
    """Return all layers that have known gradients, in the model's order."""
    return {name: module for name, module in model.module.named_modules() if _is_known(module)}


def unknown_layers(model: TextModel) -> list[str]:
    """Return the names of layers that have parameters but no known gradients."""
    return [
        name
        for name, module in model.module.named_modules()
        if next(module.parameters(recurse=False), None) is not None and not _is_known(module)
    ]


def _is_known(module: nn.Module) -> bool:
    if isinstance(module, nn.Conv1d):
        return module.groups == 1 and module.padding_mode == "zeros"
    known = (nn.Linear, nn.LayerNorm, MaskedConvolution)
    return isinstance(module, known) or is_lookup(module) or _is_transposed_linear(module)


def _is_transposed_linear(module: nn.Module) -> bool:
    # GPT-2's linear layer is recognised by its name, so transformers need not be installed.
    return type(module).__name__ == "Conv1D" and hasattr(module, "nf")


def _gradients(
    module: nn.Module, inputs: tuple[Tensor, ...], delta: Tensor, batch: Batch
) -> LayerGradients:
    given = inputs[0]
    if isinstance(module, nn.Embedding):
        return _lookups(module, given, delta, batch)
    given, has_bias = given.float(), getattr(module, "bias", None) is not None
    if isinstance(module, nn.LayerNorm):
        normal = F.layer_norm(given, module.normalized_shape, eps=module.eps)
        each = delta.flatten(1, -2) if delta.dim() > 2 else delta.unsqueeze(1)
        shift = each.sum(1) if has_bias else each.new_zeros(len(each), 0)
        return ScaleGradients((each * normal.reshape(each.shape)).sum(1), shift)
    if isinstance(module, MaskedConvolution):
        width = module.weight.shape[2]
        padded = F.pad(given * inputs[1], (0, 0, width // 2, width // 2))
        return ProductGradients(padded.unfold(1, width, 1).flatten(2), delta, has_bias)
    if isinstance(module, nn.Conv1d):
        assert not isinstance(module.padding, str)
        windows = F.unfold(
            given.unsqueeze(2),
            (1, module.kernel_size[0]),
            dilation=(1, module.dilation[0]),
            padding=(0, module.padding[0]),
            stride=(1, module.stride[0]),
        )
        return ProductGradients(windows.transpose(1, 2), delta.transpose(1, 2), has_bias)
    if given.dim() == 2:
        given, delta = given.unsqueeze(1), delta.unsqueeze(1)
    return ProductGradients(given, delta, has_bias)


def _lookups(module: nn.Embedding, ids: Tensor, delta: Tensor, batch: Batch) -> LookupGradients:
    ids = ids.expand(delta.shape[:-1])
    mask = batch.mask if ids.shape == batch.mask.shape else torch.ones_like(ids, dtype=torch.bool)
    delta = row_gradients(module, ids, delta, mask)
    found = EmbeddingGradients(delta, delta[:, 0, 0], delta[:, 0])
    tokens = token_gradients(Batch(ids, mask, batch.labels), found, position_norms(found))
    return LookupGradients(tokens, module.num_embeddings, len(ids))
