"""Reading a run's tokenizer and models from its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from wordtrace.errors import CorruptError, option
from wordtrace.models import configs, pretrained
from wordtrace.models import tokenizer as tokens
from wordtrace.models.chat_template import FILE as CHAT
from wordtrace.models.chat_template import ChatTemplate
from wordtrace.models.chat_tokenizer import ChatTokenizer
from wordtrace.models.cnn import CNN, CNNConfig
from wordtrace.models.completions import CompletionTokenizer
from wordtrace.models.huggingface import HuggingFaceClassifier
from wordtrace.models.plain_tokenizer import PlainTokenizer
from wordtrace.models.protocol import TextModel, TextTokenizer
from wordtrace.models.seq2seq_tokenizer import TARGET_FILE, Seq2SeqTokenizer
from wordtrace.models.tokenizer import Tokenizer
from wordtrace.run import checkpoint as checkpoints
from wordtrace.run.check import check_samples
from wordtrace.run.manifest import BASE, RunManifest
from wordtrace.run.pretrained_model import PretrainedModel

#: What a tokenizer is read from, where a run has it.
_TOKENIZER = (tokens.FILE, TARGET_FILE, CHAT)
#: The folder of the weights before training.
UNTRAINED = "checkpoints/step-000000"


def load_tokenizer(run: Path, manifest: RunManifest) -> TextTokenizer:
    """Open the tokenizer that a run was trained with (CorruptError)."""
    model, longest = manifest.model, manifest.max_length
    for name in _TOKENIZER:
        check_samples(run, manifest.samples, name)
    if isinstance(model, CNNConfig):
        own = Tokenizer.open(run / tokens.FILE, longest)
        if own.size > model.vocabulary:
            raise CorruptError(
                f"{run / tokens.FILE} has {own.size:,} tokens, and the model in {run} knows "
                f"{model.vocabulary:,}: it is another run's; put the old file back."
            )
        return own
    if model.decoding is not None:
        return Seq2SeqTokenizer.open(run, longest, model.decoding)
    inner = Tokenizer.open(run / tokens.FILE, longest, types=model.token_types, literal=False)
    if model.task != "generation":
        return inner
    if model.preparation == "chat":
        return ChatTokenizer(inner, ChatTemplate.open(run), model.counts)
    kind = PlainTokenizer if model.preparation == "plain" else CompletionTokenizer
    return kind(inner, model.end, model.counts)


def load_model(run: Path, manifest: RunManifest, folder: str) -> TextModel:
    """Read the model whose weights lie in a folder of the run, on the CPU.

    Raises
    ------
    CorruptError
        When the weights don't fit the model, or hold NaN or infinity, or a file has changed since
        the run was made.
    """
    if isinstance(manifest.model, PretrainedModel):
        return _pretrained(run, manifest, folder)
    check_samples(run, manifest.samples, folder)
    model = CNN(manifest.model)
    into(model, checkpoints.load_tensors(run / folder / checkpoints.WEIGHTS), run / folder)
    return model


def load_untrained(run: Path, manifest: RunManifest, seed: int) -> TextModel:
    """Read a pretrained classifier as it was before training, its head drawn by `seed`."""
    assert isinstance(manifest.model, PretrainedModel)
    model = _pretrained(run, manifest, UNTRAINED)
    assert isinstance(model, HuggingFaceClassifier)
    pretrained.draw(model, manifest.model.drawn or (), seed)
    return model


def _pretrained(run: Path, manifest: RunManifest, folder: str) -> TextModel:
    model, base = manifest.model, run / BASE
    assert isinstance(model, PretrainedModel)
    for place in (folder, BASE, configs.CONFIG):
        check_samples(run, manifest.samples, place)
    return pretrained.load(
        run / folder,
        configs.read_config(run),
        base if base.is_dir() else None,
        model.loss,
        model.tokens_a_row,
    )


def into(model: torch.nn.Module, weights: Mapping[str, torch.Tensor], where: Path) -> None:
    """Copy a CNN's weights into `model`.

    Parameters
    ----------
    where
        Names the checkpoint in an error.

    Raises
    ------
    CorruptError
        When they don't fit the model, or hold NaN or infinity.
    """
    for name, value in weights.items():
        if not torch.isfinite(value).all():
            raise CorruptError(
                f"{where}: {name} holds NaN or infinity; train again with a lower "
                f"{option('learning_rate')}."
            )
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise CorruptError(f"{where} does not fit the model in run.json: {error}") from None
