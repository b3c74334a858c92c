"""Reading pretrained models of transformers from files: as they are, or with a new head."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import nn

from wordtrace.errors import CorruptError, InputError, option
from wordtrace.models import adapters
from wordtrace.models.completions import HuggingFaceGenerator
from wordtrace.models.configs import (
    CONFIG,
    PROBLEMS,
    is_generator,
    is_sequence_to_sequence,
    kind_of,
    read_config,
)
from wordtrace.models.huggingface import HuggingFaceClassifier
from wordtrace.models.library import first_line, library
from wordtrace.models.loss import TrainingLoss
from wordtrace.models.outputs import OUTPUTS, Classes
from wordtrace.models.seq2seq import HuggingFaceSeq2Seq


def resolve(name_or_path: str) -> Path:
    """Return the folder of a model: a folder here, else fetched from the hub by its name.

    Raises
    ------
    InputError
        When it is neither.
    """
    folder = Path(name_or_path)
    if folder.is_dir():
        return folder
    library("transformers")
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                name_or_path, allow_patterns=["*.json", "*.safetensors", "*.txt", "*.model"]
            )
        )
    except Exception as error:  # no network, no such name, no permission: each has its own class
        raise InputError(
            f"{name_or_path} is no folder here, and the Hugging Face hub did not give it as "
            f"a {option('model')} ({first_line(error)[:120]}); give cnn, a folder, or a "
            "name on the hub."
        ) from None


def fresh(
    folder: Path, labels: Sequence[str], seed: int, layers: int | None, pad: int | None
) -> tuple[HuggingFaceClassifier, dict[str, Any], list[str]]:
    """Read a pretrained model and give it a new head for `labels`, drawn by `seed`.

    Returns
    -------
    the model, its configuration, and the names of the parameters that were drawn.
    """
    transformers = library("transformers")
    document = dict(read_config(folder))
    document |= {
        "id2label": {str(place): name for place, name in enumerate(labels)},
        "label2id": {name: place for place, name in enumerate(labels)},
        "problem_type": PROBLEMS["class"],
        "architectures": [],
    }
    if layers is not None:
        _cut_layers(document, layers, folder)
    if document.get("pad_token_id") is None and pad is not None:
        document["pad_token_id"] = pad
    settings = settings_of(transformers, document, folder)
    kind = classifier_class(transformers, settings, document, folder)
    module, found = read_module(kind, folder, settings, transformers)
    drawn = sorted({*found["missing_keys"], *(one[0] for one in found["mismatched_keys"])})
    if len(drawn) > len(list(module.parameters())) // 2:
        raise CorruptError(f"{folder} does not fit its {CONFIG}: it lacks {drawn[0]}, and more.")
    settings.architectures = [kind.__name__]
    model = HuggingFaceClassifier(module)
    draw(model, drawn, seed)
    return model, json.loads(settings.to_json_string(use_diff=False)), drawn


@torch.no_grad()
def draw(model: HuggingFaceClassifier, names: Sequence[str], seed: int) -> None:
    """Draw the named parameters anew by `seed`: N(0, initializer_range²), biases 0."""
    generator = torch.Generator().manual_seed(seed)
    deviation = float(getattr(model.module.config, "initializer_range", None) or 0.02)
    there = dict(model.module.named_parameters())
    for name in names:
        if name in there and there[name].dim() > 1:
            there[name].normal_(std=deviation, generator=generator)
        elif name in there:
            there[name].fill_(float(name.endswith(".weight")))


def _cut_layers(document: dict[str, Any], layers: int, folder: Path) -> None:
    for name in ("num_hidden_layers", "n_layers", "n_layer"):
        if isinstance(document.get(name), int):
            if layers > document[name]:
                raise InputError(f"{option('layers')} is {layers}; {folder} has {document[name]}.")
            document[name] = layers
            if isinstance(document.get("layer_types"), list):
                document["layer_types"] = document["layer_types"][:layers]
            return
    raise InputError(
        f"{folder / CONFIG} does not say how many layers there are: no {option('layers')}."
    )


def load(
    weights: Path,
    config: Mapping[str, Any],
    base: Path | None = None,
    loss: TrainingLoss | None = None,
    tokens_a_row: float | None = None,
) -> HuggingFaceClassifier | HuggingFaceGenerator | HuggingFaceSeq2Seq:
    """Read a classifier or a language model in float32, from files on disk alone.

    Parameters
    ----------
    weights
        The folder of its safetensors, or, where `base` is given, of those of a LoRA adapter.
    config
        Its ``config.json``, from :func:`read_config`.
    base
        The folder of the model that an adapter was trained on; the adapter is merged into it.
    loss
        For a classifier: the loss of its training; plain cross-entropy by default.
    tokens_a_row
        For a language model: see :func:`.completions.weighted`.

    Raises
    ------
    InputError
        For a model that needs code of its own, is no sequence classifier, or where transformers
        (or peft) is not installed.
    CorruptError
        When the weights don't fit the configuration.
    """
    transformers = library("transformers")
    settings = settings_of(transformers, config, weights)
    generates, more = is_generator(config), {}
    if generates:
        kind = transformers.AutoModelForCausalLM
        if is_sequence_to_sequence(config):
            kind = transformers.AutoModelForSeq2SeqLM
        more["generation_config"] = transformers.GenerationConfig()  # else it looks for a file
    else:
        kind = classifier_class(transformers, settings, config, weights)
    folder = weights if base is None else base
    module, found = read_module(kind, folder, settings, transformers, **more)
    missing = [*found["missing_keys"], *(one[0] for one in found["mismatched_keys"])]
    if missing and base is None:
        raise CorruptError(
            f"{folder} does not fit its {CONFIG}: it lacks {missing[0]} ({len(missing)} in all)."
        )
    if base is not None:
        module = adapters.merged(module, weights)
    _check_finite(module, weights)
    return as_text_model(module, config, loss, tokens_a_row)


def as_text_model(
    module: Any,
    config: Mapping[str, Any],
    loss: TrainingLoss | None = None,
    tokens_a_row: float | None = None,
) -> HuggingFaceClassifier | HuggingFaceGenerator | HuggingFaceSeq2Seq:
    """Return a model of transformers that is in memory, as :func:`load` returns one from files."""
    if is_sequence_to_sequence(config):
        return HuggingFaceSeq2Seq(module, tokens_a_row)
    if is_generator(config):
        return HuggingFaceGenerator(module, tokens_a_row)
    labels = kind_of(config)
    targets = None if loss is None else loss.targets(module.config.num_labels)
    if targets is not None and labels != "class":
        raise InputError(
            "label smoothing and class weights are known for one class a text; this model's labels "
            f"are of the kind {labels!r}."
        )
    return HuggingFaceClassifier(module, OUTPUTS[labels] if targets is None else Classes(targets))


@contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Keep bars and reports of loading off standard error."""
    log = transformers.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


def read_module(
    kind: Any, folder: Path, settings: Any, transformers: Any, **more: Any
) -> tuple[Any, Any]:
    """Read a model of a class from a folder; return it, and what was missing (CorruptError)."""
    try:
        with quiet(transformers):
            module, found = kind.from_pretrained(
                folder,
                config=settings,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                **{"dtype": torch.float32, **more},
            )
    except (OSError, RuntimeError, ValueError, safetensors.SafetensorError) as error:
        raise CorruptError(
            f"{folder} can't be read as a model: {first_line(error)}; save or copy it again."
        ) from None
    return module, found


def settings_of(transformers: Any, config: Mapping[str, Any], where: Path) -> Any:
    """Return a ``config.json`` as transformers has it (InputError for a model not known to it)."""
    rest = {name: value for name, value in config.items() if name != "model_type"}
    try:
        with quiet(transformers):
            return transformers.AutoConfig.for_model(config["model_type"], **rest)
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{where}: this transformers ({transformers.__version__}) does not know the model: "
            f"{first_line(error)}"
        ) from None


def classifier_class(transformers: Any, settings: Any, document: Any, folder: Path) -> Any:
    """Return the model class for sequence classification that a configuration means.

    Raises
    ------
    InputError
        When it is no classifier, or predicts several numbers.
    """
    known = transformers.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING
    named = (document.get("architectures") or [""])[0]
    if type(settings) not in known or (named and "SequenceClassification" not in named):
        raise InputError(
            f"{folder} holds {named or settings.model_type}, which is no sequence classifier; "
            "models for sequence classification are traced."
        )
    if getattr(settings, "is_encoder_decoder", False):
        raise InputError(
            f"{folder} holds {named or settings.model_type}, a classifier that reads a text twice, "
            "by an encoder and a decoder; classifiers with one of the two are traced."
        )
    if kind_of(document) == "number" and settings.num_labels > 1:
        raise InputError(
            f"{folder} predicts {settings.num_labels} numbers a text; models of one number are "
            "traced."
        )
    return known[type(settings)]


def _check_finite(module: nn.Module, folder: Path) -> None:
    for name, value in module.named_parameters():
        if not torch.isfinite(value).all():
            raise CorruptError(
                f"{folder}: {name} holds NaN or infinity; the training diverged there: leave this "
                "checkpoint out, or train again with a lower learning rate."
            )
