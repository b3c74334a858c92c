"""What retrainings of a run with the same probes share, made once in each process."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.data.batches import Encoded
from wordtrace.models.cnn import CNN
from wordtrace.models.cut_table import cut_table
from wordtrace.models.huggingface import HuggingFaceClassifier
from wordtrace.models.pretrained import draw
from wordtrace.models.protocol import TextModel
from wordtrace.retrainers.retrainer import Probe
from wordtrace.run import load
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.pretrained_model import PretrainedModel
from wordtrace.run.run import Run

IntArray = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class Material:
    """A run's texts as token ids.

    Attributes
    ----------
    blank
        The id that replaces a blanked word, or None.
    """

    train: Encoded
    held_out: Encoded | None
    probes: Encoded
    blank: int | None

    @property
    def parts(self) -> list[Encoded]:
        """All texts."""
        return [part for part in (self.train, self.probes, self.held_out) if part is not None]


@dataclass(frozen=True)
class CNNMaterial:
    """A run of the CNN with its vocabulary cut to the tokens that occur.

    Embedding rows of tokens that occur nowhere never change and are never read, so they are left
    out: the result is the same, with less to update.

    Attributes
    ----------
    texts
        The texts; their token ids are places in `tokens`.
    tokens
        The ids that occur, in rising order.
    embeddings
        Pretrained embeddings, shape (vocabulary, dim), or None.
    """

    run: Run
    texts: Material
    tokens: IntArray
    embeddings: torch.Tensor | None

    def start(self, seed: int) -> CNN:
        """Return the model before training."""
        return initial_model(self.run, seed, self.embeddings, self.tokens)

    def at(self, step: int) -> CNN:
        """Return the run's own model at a recorded step."""
        return _with_rows(self.run, self.run.weights(step), self.tokens)


@dataclass(frozen=True, eq=False)
class PretrainedMaterial:
    """A run of a pretrained model, whose word table is cut to the tokens that occur.

    Attributes
    ----------
    texts
        The texts, with the tokens' own ids.
    """

    run: Run
    texts: Material

    def start(self, seed: int) -> TextModel:
        """Return the model before training, its head drawn by `seed`, on the run's device."""
        described = self.run.manifest.model
        assert isinstance(described, PretrainedModel)
        model = copy.deepcopy(_read(self, load.UNTRAINED))
        assert isinstance(model, HuggingFaceClassifier)
        draw(model, described.drawn or (), seed)
        return self._placed(model)

    def at(self, checkpoint: Checkpoint) -> TextModel:
        """Return the run's own model at a checkpoint, on the run's device."""
        return self._placed(copy.deepcopy(_read(self, checkpoint.folder)))

    def _placed(self, model: TextModel) -> TextModel:
        model.module.to(self.run.device)
        return model


@lru_cache(maxsize=2)
def whole(run: Run, probes: tuple[Probe, ...]) -> PretrainedMaterial:
    """Return the material of a run of a pretrained model."""
    return PretrainedMaterial(run, _encoded(run, probes))


@lru_cache(maxsize=2)
def _read(material: PretrainedMaterial, folder: str) -> TextModel:
    """Read a model of a run once, and cut its word table; each training takes a copy."""
    model = load.load_model(material.run.path, material.run.manifest, folder)
    cut_table(model, _occurring(material.texts).astype(np.int64))
    return model


@lru_cache(maxsize=2)
def cut(run: Run, probes: tuple[Probe, ...]) -> CNNMaterial:
    """Return the material of a run of the CNN."""
    texts = _encoded(run, probes)
    tokens = _occurring(texts)
    material = Material(
        _cut(texts.train, tokens),
        None if texts.held_out is None else _cut(texts.held_out, tokens),
        _cut(texts.probes, tokens),
        None if texts.blank is None else int(np.searchsorted(tokens, texts.blank)),
    )
    start = run.weights(0)["embedding.weight"] if run.manifest.pretrained_embeddings else None
    return CNNMaterial(run, material, tokens.astype(np.int64), start)


def initial_model(run: Run, seed: int, embeddings: torch.Tensor | None, tokens: IntArray) -> CNN:
    """Draw the weights of `seed` for the whole vocabulary, and keep the rows of `tokens`."""
    whole = CNN(run.config)
    whole.initialise(seed, embeddings)
    return _with_rows(run, whole.state_dict(), tokens)


def blank_token(run: Run) -> int | None:
    """Return the id that replaces a blanked word: padding, else the mask; None without both."""
    ids = (run.tokenizer.inner.token_to_id(name) for name in ("[PAD]", "<pad>", "[MASK]", "<mask>"))
    return next((id for id in ids if id is not None), None)


def blanked(material: Material, places: tuple[tuple[int, int], ...]) -> Encoded:
    """Return the training texts with blanks at some (row, position)."""
    return with_blanks(material.train, material.blank, places)


def with_blanks(train: Encoded, blank: int | None, places: tuple[tuple[int, int], ...]) -> Encoded:
    """Return texts with the token `blank` at some (row, position)."""
    if not places:
        return train
    assert blank is not None
    ids = train.ids.copy()
    for row, position in places:
        ids[train.offsets[row] + position] = blank
    return replace(train, ids=ids)


def _with_rows(run: Run, weights: dict[str, torch.Tensor], tokens: IntArray) -> CNN:
    """Return a model of the embedding rows of `tokens` and all other weights."""
    model = CNN(replace(run.config, vocabulary=len(tokens)))
    rows = weights["embedding.weight"][torch.from_numpy(tokens)]
    model.load_state_dict({**weights, "embedding.weight": rows})
    return model


def _encoded(run: Run, probes: tuple[Probe, ...]) -> Material:
    asked = run.tokenizer.encode(
        [text for text, _ in probes],
        [text2 or "" for _, text2 in probes] if run.manifest.has_pairs else None,
    )
    return Material(run.encoded, _held_out(run), asked, blank_token(run))


@lru_cache(maxsize=2)
def _held_out(run: Run) -> Encoded | None:
    """Tokenize the held-out rows, once for all probes."""
    return None if run.held_out is None else run.encode(run.held_out)


def _occurring(texts: Material) -> npt.NDArray[np.int32]:
    """Return the tokens that occur, and the one that blanks, in rising order."""
    extra = [] if texts.blank is None else [np.array([texts.blank], np.int32)]
    return np.unique(np.concatenate([part.ids for part in texts.parts] + extra))


def _cut(part: Encoded, tokens: np.ndarray[Any, np.dtype[Any]]) -> Encoded:
    """Replace each token id by its place among the tokens that occur."""
    return replace(part, ids=np.searchsorted(tokens, part.ids).astype(np.int32))
