"""A Trainer's output folder with all that belongs to it: weights, configuration, tokenizer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from wordtrace.adopt.trainer_output import Rates, Saved, checkpoints_of, rates_of
from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import KINDS, Kind, Labels
from wordtrace.errors import InputError, option
from wordtrace.models import adapters, predict, pretrained, pretrained_tokenizer
from wordtrace.models.completions import CompletionTokenizer
from wordtrace.models.loss import TrainingLoss
from wordtrace.models.protocol import TextModel
from wordtrace.models.seq2seq import Decoding, Seq2SeqTokenizer
from wordtrace.models.tokenizer import Tokenizer


@dataclass(frozen=True)
class Choices:
    """What the user may say about an output folder.

    Attributes
    ----------
    label_names
        The data's labels in the order of the model's classes, where names don't tell.
    max_length
        The most tokens of an example; by default the tokenizer's own truncation, else the
        model's limit, at most 512.
    learning_rate
        The rate of every checkpoint, where the Trainer logged none.
    checkpoints
        How many to choose, where the loss has not saturated; or the very steps.
    tokenizer, base
        Folders: where the tokenizer lies, if not beside the weights; the model on which a LoRA
        adapter was trained.
    copy
        Copy the weights instead of linking them.
    end
        Of a causal language model: completions ended in the end token in training.
    kind
        Of the labels: "class", "set" or "number"; by default as the model's configuration says.
    label_smoothing, class_weights
        Of a classifier: what the training's loss had (:class:`.models.loss.TrainingLoss`).
    max_completion_length
        Of a sequence-to-sequence model: the most tokens of a completion; `max_length` by default.
    """

    label_names: tuple[str, ...] | None = None
    max_length: int | None = None
    learning_rate: float | None = None
    checkpoints: int | tuple[int, ...] = 3
    tokenizer: Path | None = None
    base: Path | None = None
    copy: bool = False
    end: bool = True
    kind: Kind | None = None
    max_completion_length: int | None = None
    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.kind not in (None, *KINDS):
            raise InputError(
                f"{option('kind')} is {self.kind}; it must be one of {', '.join(KINDS)}."
            )
        if self.learning_rate is not None and not 0 < self.learning_rate < math.inf:
            raise InputError(
                f"{option('learning_rate')} is {self.learning_rate}; it must be over 0."
            )
        if isinstance(self.checkpoints, int) and not 1 <= self.checkpoints <= 100:
            raise InputError(
                f"{option('checkpoints')} is {self.checkpoints}; it must be from 1 to 100."
            )
        _ = self.loss

    @property
    def loss(self) -> TrainingLoss:
        """What a classifier was trained with (InputError)."""
        return TrainingLoss(self.label_smoothing, self.class_weights)


@dataclass(frozen=True)
class Source:
    """Where everything comes from."""

    output: Path
    saved: list[Saved]
    document: dict[str, Any]
    base: Path | None
    tokenizer: Tokenizer | CompletionTokenizer | Seq2SeqTokenizer
    notes: list[str]
    loss: TrainingLoss = field(default_factory=TrainingLoss)
    loaded: dict[Path, TextModel] = field(default_factory=dict)

    def model(self, folder: Path) -> TextModel:
        """Load a checkpoint; the last one is kept, since it is asked several times."""
        last = self.saved[-1].folder
        if folder in self.loaded:
            return self.loaded[folder]
        found = pretrained.load(folder, self.document, self.base, self.loss)
        found.module.eval().requires_grad_(False)
        if folder == last:
            self.loaded[folder] = found
        return found


def open_source(output: Path, choices: Choices) -> Source:
    """Find checkpoints, configuration, tokenizer and, for an adapter, its base.

    Raises
    ------
    InputError
        For what is missing or can't be used.
    """
    saved, notes = checkpoints_of(output)
    last = saved[-1].folder
    adapted = (last / adapters.CONFIG).is_file()
    base = adapters.base_of(last, choices.base) if adapted else None
    document = pretrained.read_config(base or last)
    if adapted:
        document |= adapters.adapted_labels(last)
    if choices.kind is not None:
        document["problem_type"] = pretrained.PROBLEMS[choices.kind]
    places = [choices.tokenizer] if choices.tokenizer else [last, output, *([base] if base else [])]
    found = pretrained_tokenizer.find(
        [place for place in places if place], document, choices.max_length
    )
    made = _for_task(found, document, choices)
    if choices.loss != TrainingLoss() and pretrained.is_generator(document):
        raise InputError(
            f"{option('label_smoothing')} and {option('class_weights')} are for classifiers."
        )
    return Source(output, saved, document, base, made, [*notes, *found.notes], choices.loss)


def _for_task(
    found: pretrained_tokenizer.Found, document: dict[str, Any], choices: Choices
) -> Tokenizer | CompletionTokenizer | Seq2SeqTokenizer:
    tokenizer, longest = found.tokenizer, choices.max_completion_length
    if not pretrained.is_sequence_to_sequence(document):
        if longest is not None:
            raise InputError(
                f"{option('max_completion_length')} is for sequence-to-sequence models."
            )
        if pretrained.is_generator(document):
            return CompletionTokenizer(tokenizer, found.end if choices.end else None)
        return tokenizer
    target = found.target or tokenizer.inner.to_str()
    completions = pretrained_tokenizer.open_target(target, longest or tokenizer.max_length)
    decoding = Decoding.of(document, completions.max_length, target=found.target is not None)
    return Seq2SeqTokenizer(tokenizer, completions, decoding)


def labels_of(output: str | Path) -> Kind | None:
    """Return the kind of labels that a Trainer's output was trained on; None: completions."""
    last = checkpoints_of(Path(output))[0][-1].folder
    if (last / adapters.CONFIG).is_file():
        if adapters.generates(last):
            return None
        return pretrained.kind_of(adapters.adapted_labels(last))
    document = pretrained.read_config(last)
    return None if pretrained.is_generator(document) else pretrained.kind_of(document)


def class_count(source: Source) -> int:
    """Return how many classes the model scores."""
    model = source.model(source.saved[-1].folder)
    (last,) = model.named_layers["last"]
    layer = model.module.get_submodule(last)
    assert isinstance(layer, torch.nn.Linear)
    return layer.out_features


def predicted_by(source: Source, examples: Examples) -> Labels:
    """Return what the last checkpoint predicts, as labels."""
    encoded = source.tokenizer.encode(examples.texts, examples.texts2)
    check_fits(source, encoded)
    model = source.model(source.saved[-1].folder)
    return predict.predicted(model.outputs, predict.logits(model, encoded))


def rates_used(source: Source, choices: Choices) -> Rates:
    """Return the rate of every step: given, or as the Trainer wrote it down (InputError)."""
    last = source.saved[-1].step
    if choices.learning_rate is not None:
        return Rates(
            np.concatenate([[0.0], np.full(last, choices.learning_rate)]),
            frozenset(range(1, last + 1)),
        )
    version = source.document.get("transformers_version")
    found = rates_of(source.saved, source.output, version)
    if found is None:
        raise InputError(
            f"{source.output}: no learning rate was logged and there is no scheduler.pt; give "
            f"{option('learning_rate')} for all checkpoints."
        )
    return found


def check_fits(source: Source, encoded: Encoded) -> None:
    """Refuse a tokenizer whose ids the model does not embed; unused ones don't matter."""
    table = next(source.model(source.saved[-1].folder).embedding.parameters())
    highest = int(encoded.ids.max(initial=0))
    if highest >= len(table):
        raise InputError(
            f"the tokenizer gives the token {highest:,} ({source.tokenizer.token(highest)!r}), the "
            f"model embeds {len(table):,}; they do not belong together: give the right one by "
            f"{option('tokenizer')}."
        )
