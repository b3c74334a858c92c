"""What a training starts with: the tokenizer, and the model before its first step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from wordtrace.data.examples import Examples
from wordtrace.disk import atomic, fingerprint
from wordtrace.errors import InputError, option
from wordtrace.models import configs, embeddings, pretrained, pretrained_tokenizer
from wordtrace.models import tokenizer as tokens
from wordtrace.models.cnn import CNN, CNNConfig
from wordtrace.models.protocol import TextModel
from wordtrace.models.tokenizer import Tokenizer
from wordtrace.models.weight_files import weight_files
from wordtrace.run.pretrained_model import PretrainedModel
from wordtrace.training.settings import Settings


@dataclass(frozen=True)
class Start:
    """A model before training.

    Attributes
    ----------
    description
        What the run's manifest says of the model.
    """

    tokenizer: Tokenizer
    model: TextModel
    description: CNNConfig | PretrainedModel


def start(part: Path, examples: Examples, settings: Settings, seed: int) -> Start:
    """Make or read the tokenizer and the model, and write what a run keeps of them to `part`.

    Raises
    ------
    InputError
        For a pretrained model or encoder that can't be used.
    """
    if settings.model != "cnn":
        return _pretrained(part, examples, settings, seed)
    tokenizer = _tokenizer(part, examples, settings)
    config = CNNConfig(
        tokenizer.size, len(examples.label_names), dim=settings.dim, filters=settings.filters
    )
    model = CNN(config)
    model.initialise(seed, _table(settings, tokenizer))
    return Start(tokenizer, model, config)


def sources(settings: Settings) -> dict[str, Any]:
    """Return what names the files that a training starts from, for its plan.

    Raises
    ------
    InputError
        When a file is missing.
    """
    if settings.model != "cnn":
        folder = pretrained.resolve(settings.model)
        files = [*weight_files(folder), folder / configs.CONFIG]
        document = configs.read_config(folder)
        if len(files) < 2:
            raise InputError(
                f"{folder} holds no model.safetensors; write the model again by "
                "model.save_pretrained(folder)."
            )
        return {
            "model": [document.get("model_type"), *(fingerprint.of_file(file) for file in files)],
            "layers": settings.layers,
        }
    names = (tokens.FILE, embeddings.FILE)
    for name in names:
        if settings.embeddings is not None and not (settings.embeddings / name).is_file():
            raise InputError(
                f"{settings.embeddings} holds no {name}; {option('embeddings')} takes the folder "
                "of a pretrained encoder, with model.safetensors and tokenizer.json."
            )
    return {
        "model": "cnn",
        "dim": settings.dim,
        "filters": settings.filters,
        "vocabulary": settings.vocabulary,
        "embeddings": settings.embeddings
        and [fingerprint.of_file(settings.embeddings / name) for name in names],
    }


def _pretrained(part: Path, examples: Examples, settings: Settings, seed: int) -> Start:
    folder = pretrained.resolve(settings.model)
    tokenizer = pretrained_tokenizer.find(
        [folder], configs.read_config(folder), settings.max_length
    ).tokenizer
    pad = next(
        (
            id
            for name in ("[PAD]", "<pad>", "<|pad|>", "<|endoftext|>")
            if (id := tokenizer.inner.token_to_id(name)) is not None
        ),
        None,
    )
    model, config, drawn = pretrained.fresh(
        folder, examples.label_names, seed, settings.layers, pad
    )
    table = next(model.embedding.parameters())
    with atomic.replacing(part / tokens.FILE) as temporary:
        tokenizer.save(temporary)
    atomic.write_json(part / configs.CONFIG, config)
    description = PretrainedModel(
        config["architectures"][0], int(table.shape[1]), tokenizer.types, drawn=tuple(drawn)
    )
    return Start(tokenizer, model, description)


def _tokenizer(part: Path, examples: Examples, settings: Settings) -> Tokenizer:
    path = part / tokens.FILE
    if not path.exists():
        if settings.embeddings is not None:
            found = Tokenizer.open(settings.embeddings / tokens.FILE, settings.max_length)
        else:
            texts = [*examples.texts, *(examples.texts2 or [])]
            found = Tokenizer.train(texts, settings.vocabulary, settings.max_length)
        with atomic.replacing(path) as temporary:
            found.save(temporary)
    return Tokenizer.open(path, settings.max_length)


def _table(settings: Settings, tokenizer: Tokenizer) -> torch.Tensor | None:
    """Return pretrained embeddings, a row a token; surplus rows (padded tables) are left out."""
    if settings.embeddings is None:
        return None
    table = embeddings.reduced(settings.embeddings, settings.dim)
    if len(table) < tokenizer.size:
        raise InputError(
            f"{settings.embeddings}: the embeddings have {len(table):,} rows, the tokenizer "
            f"{tokenizer.size:,} tokens; they do not belong together."
        )
    return table[: tokenizer.size]
