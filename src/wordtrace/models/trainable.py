"""A model as it was in memory before its training's first step, to be trained again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file

from wordtrace.errors import CorruptError, InputError
from wordtrace.models import adapters
from wordtrace.models.configs import read_config
from wordtrace.models.library import library
from wordtrace.models.pretrained import quiet, read_module, settings_of

_WEIGHTS = "model.safetensors"
_ATTENTION = ("eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")


def start_of(folder: Path, described: Mapping[str, Any], base: Path | None) -> Any:
    """Return the model whose weights before training lie in a folder.

    Parameters
    ----------
    folder
        ``config.json`` and safetensors: a model's by the names of its parameters, or an adapter's.
    described
        "class", "attention", "trainable", "adapter" and "dtype", as
        :class:`.run.replay_record.ReplayRecord` has them.
    base
        The folder of an adapter's base.

    Raises
    ------
    InputError
        For a class that is none of transformers', or an adapter without its base.
    CorruptError
        When the weights don't fit the model that the configuration makes.
    """
    transformers = library("transformers")
    settings = settings_of(transformers, read_config(folder), folder)
    kind = _class_of(transformers, described, folder)
    attention = described.get("attention")
    if attention is not None:
        if attention not in _ATTENTION:
            raise InputError(f"{folder} asks for the attention {attention!r}, which is not known.")
        settings._attn_implementation = attention
    if described["adapter"]:
        if base is None:
            raise InputError(f"{folder} holds an adapter, and its base is not in the run.")
        model = _adapted(transformers, kind, folder, settings, described, base)
    else:
        with quiet(transformers):
            model = kind._from_config(settings)
        _fill(model, folder / _WEIGHTS)
    trained, known = set(described["trainable"]), dict(model.named_parameters())
    if unknown := sorted(trained - set(known)):
        raise CorruptError(f"{folder} does not fit the model: it has no parameter {unknown[0]!r}.")
    for name, parameter in known.items():
        parameter.requires_grad_(name in trained)
    return model


def _class_of(transformers: Any, described: Mapping[str, Any], folder: Path) -> Any:
    name = str(described["class"])
    kind = getattr(transformers, name, None) if name.isidentifier() else None
    if not isinstance(kind, type) or not issubclass(kind, transformers.PreTrainedModel):
        raise InputError(
            f"{folder} holds a {name}, which is no model of transformers "
            f"{transformers.__version__}."
        )
    return kind


def _adapted(
    transformers: Any,
    kind: Any,
    folder: Path,
    settings: Any,
    described: Mapping[str, Any],
    base: Path,
) -> Any:
    dtype = getattr(torch, str(described.get("dtype")), None)
    if not isinstance(dtype, torch.dtype):
        raise CorruptError(f"{folder}: {described.get('dtype')!r} is no precision of a model.")
    more: dict[str, Any] = {"dtype": dtype}
    if kind.can_generate():
        more["generation_config"] = transformers.GenerationConfig()  # else it looks for a file
    module, _ = read_module(kind, base, settings, transformers, **more)
    return adapters.attached(module, folder, trainable=True)


@torch.no_grad()
def _fill(model: Any, path: Path) -> None:
    """Put the weights in, each in its own precision; tied tables stay tied."""
    try:
        weights = load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise CorruptError(f"{path} can't be read ({error}); record it again.") from None
    parameters, buffers = dict(model.named_parameters()), dict(model.named_buffers())
    missing = sorted(set(parameters) - set(weights))
    odd = sorted(set(weights) - set(parameters) - set(buffers))
    if missing or odd:
        raise CorruptError(
            f"{path} does not fit the model that its config.json makes: it lacks or adds "
            f"{(missing or odd)[0]!r}."
        )
    for name, value in weights.items():
        held = parameters.get(name, buffers.get(name))
        assert held is not None
        if held.shape != value.shape:
            raise CorruptError(f"{path}: {name} has the shape {tuple(value.shape)}.")
        held.data = value.clone()
