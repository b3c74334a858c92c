"""A Trainer's output folder with all that belongs to it: weights, configuration, tokenizer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from wordtrace.adopt.choices import Choices
from wordtrace.adopt.one_training import check_one_training
from wordtrace.adopt.trainer_folder import Saved, checkpoints_of
from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Kind, Labels
from wordtrace.errors import InputError, option
from wordtrace.models import adapters, configs, predict, pretrained, pretrained_tokenizer
from wordtrace.models.chat_tokenizer import ChatTokenizer
from wordtrace.models.completions import CompletionTokenizer
from wordtrace.models.loss import TrainingLoss
from wordtrace.models.plain_tokenizer import PlainTokenizer
from wordtrace.models.protocol import TextModel, TextTokenizer
from wordtrace.models.seq2seq_tokenizer import Decoding, Seq2SeqTokenizer


@dataclass(frozen=True)
class TrainerOutput:
    """A Trainer's output folder, opened.

    Attributes
    ----------
    folder
        Its place.
    saved
        The whole checkpoints, by rising step.
    config
        The model's ``config.json``.
    base
        The folder of the model that an adapter was trained on; None where there is no adapter.
    tokenizer
        As the training used it.
    notes
        What was taken for granted.
    loss
        What a classifier was trained with.
    loaded
        Models that are kept, by step.
    """

    folder: Path
    saved: list[Saved]
    config: dict[str, Any]
    base: Path | None
    tokenizer: TextTokenizer
    notes: list[str]
    loss: TrainingLoss = field(default_factory=TrainingLoss)
    loaded: dict[int, TextModel] = field(default_factory=dict)

    @property
    def alone(self) -> bool:
        """Whether it is a saved model, and not a training's checkpoints."""
        return self.saved[0].folder == self.folder

    def model(self, one: Saved) -> TextModel:
        """Load a checkpoint; the last one is kept, since it is asked several times."""
        if one.step in self.loaded:
            return self.loaded[one.step]
        found = pretrained.load(one.weights, self.config, self.base, self.loss)
        found.module.eval().requires_grad_(False)
        if one is self.saved[-1]:
            self.loaded[one.step] = found
        return found


def open_output(folder: Path, choices: Choices) -> TrainerOutput:
    """Find checkpoints, configuration, tokenizer and, for an adapter, its base.

    Raises
    ------
    InputError
        For what is missing or can't be used.
    """
    saved, notes = checkpoints_of(folder)
    check_one_training(saved)
    last = saved[-1]
    config, base = _config_of(last.weights, choices.base)
    if choices.kind is not None:
        config["problem_type"] = configs.PROBLEMS[choices.kind]
    places = [last.folder, last.weights, folder, *([base] if base else [])]
    if choices.tokenizer:
        places = [choices.tokenizer]
    made, found = tokenizer_of(places, config, choices)
    if base is not None and config.get("pad_token_id") is None:
        # The Trainer gave the model the tokenizer's; an adapter's folder does not keep that.
        config["pad_token_id"] = found.pad
    if choices.loss != TrainingLoss() and configs.is_generator(config):
        raise InputError(
            f"{option('label_smoothing')} and {option('class_weights')} are for classifiers."
        )
    return TrainerOutput(folder, saved, config, base, made, [*notes, *found.notes], choices.loss)


def tokenizer_of(
    places: list[Path], config: dict[str, Any], choices: Choices
) -> tuple[TextTokenizer, pretrained_tokenizer.Found]:
    """Return the tokenizer that lies in the first of some folders, and what was found there.

    Raises
    ------
    InputError
        When there is none, or it can't be used.
    """
    if configs.is_sequence_to_sequence(config) or not configs.is_generator(config):
        choices = _not_causal(choices)
    found = pretrained_tokenizer.find(places, config, choices.max_length, choices.preparation)
    made = _for_task(found, config, choices)
    return made, replace(found, notes=[*_form_notes(choices, made), *found.notes])


def _for_task(
    found: pretrained_tokenizer.Found, config: dict[str, Any], choices: Choices
) -> TextTokenizer:
    tokenizer, longest = found.tokenizer, choices.max_completion_length
    if not configs.is_sequence_to_sequence(config):
        if longest is not None:
            raise InputError(
                f"{option('max_completion_length')} is for sequence-to-sequence models."
            )
        if configs.is_generator(config):
            return _for_causal(found, choices)
        if choices.counts is not None:
            raise InputError(f"{option('loss')} is for language models.")
        return tokenizer
    if choices.counts is not None:
        raise InputError(
            f"{option('loss')} is for causal language models; the loss of a sequence-to-sequence "
            "model is that of its completion."
        )
    target = found.target or tokenizer.inner.to_str()
    completions = pretrained_tokenizer.open_target(target, longest or tokenizer.max_length)
    decoding = Decoding.of(config, completions.max_length, target=found.target is not None)
    return Seq2SeqTokenizer(tokenizer, completions, decoding)


def _not_causal(choices: Choices) -> Choices:
    """Refuse conversations; TRL does not prepare the other texts of a model that is not causal."""
    if choices.preparation == "chat":
        raise InputError(
            "conversations are for causal language models; give the columns of the texts by "
            f"{option('text')} and {option('text2')}."
        )
    return replace(choices, preparation="own")


def _form_notes(choices: Choices, tokenizer: TextTokenizer) -> list[str]:
    """Say how the data were read, where their columns told it."""
    if choices.preparation == "own":
        return []
    asked = choices.counts or ("completion" if choices.form == "prompt and completion" else "all")
    said = {
        "completion": "the completion's tokens",
        "assistant": "the tokens of the assistant's turns",
        "completion+assistant": "the tokens of the assistant's turns in the completion",
        "all": "all tokens",
    }[asked]
    default = "" if choices.counts else ", as TRL does by default; if it asked for others, say so"
    read = f"The data were read as {choices.form or 'conversations'}. "
    if choices.preparation == "chat":
        read += "They are written by the chat template that lies beside the weights. "
    return [f"{read}The loss asks for {said}{default}."]


def _for_causal(found: pretrained_tokenizer.Found, choices: Choices) -> TextTokenizer:
    if choices.preparation == "chat":
        if found.template is None:
            raise InputError(
                f"the data holds conversations, but the tokenizer in {found.folder} has no chat "
                f"template; give the folder of the one that has it by {option('tokenizer')}."
            )
        return ChatTokenizer(found.tokenizer, found.template, choices.counts)
    end = found.end if choices.end else None
    kind = PlainTokenizer if choices.preparation == "plain" else CompletionTokenizer
    return kind(found.tokenizer, end, choices.counts)


@dataclass(frozen=True)
class Expected:
    """What labels a Trainer's output was trained on, as its configuration says.

    Attributes
    ----------
    kind
        The kind of the labels; None: completions.
    one_score
        Whether the model gives each text one score.
    sigmoid
        Whether sentence-transformers says that this score is a probability's.
    """

    kind: Kind | None
    one_score: bool = False
    sigmoid: bool = False


def expected_labels(folder: str | Path, base: Path | None = None) -> Expected:
    """Return what labels a Trainer's output was trained on (InputError, CorruptError).

    Parameters
    ----------
    base
        As :attr:`.choices.Choices.base`.
    """
    last = checkpoints_of(Path(folder))[0][-1].weights
    if (last / adapters.CONFIG).is_file() and adapters.generates(last):
        return Expected(None)
    config, _ = _config_of(last, base)
    if configs.is_generator(config):
        return Expected(None)
    return Expected(
        configs.kind_of(config),
        one_score=configs.has_one_score(config),
        sigmoid=configs.is_cross_encoder(last, config),
    )


def _config_of(weights: Path, base: Path | None) -> tuple[dict[str, Any], Path | None]:
    """Return a model's configuration, and the folder of its base where it is an adapter."""
    if not (weights / adapters.CONFIG).is_file():
        return configs.read_config(weights), None
    adapters.check_changes_weights(weights)
    found = adapters.base_of(weights, base)
    return adapters.adapted(weights, configs.read_config(found)), found


def class_count(output: TrainerOutput) -> int:
    """Return how many classes the model scores."""
    model = output.model(output.saved[-1])
    (last,) = model.named_layers["last"]
    layer = model.module.get_submodule(last)
    assert isinstance(layer, torch.nn.Linear)
    return layer.out_features


def predicted_by(output: TrainerOutput, examples: Examples) -> Labels:
    """Return what the last checkpoint predicts, as labels."""
    encoded = output.tokenizer.encode(examples.texts, examples.texts2)
    check_fits(output, encoded)
    model = output.model(output.saved[-1])
    return predict.predicted(model.outputs, predict.logits(model, encoded))


def check_fits(output: TrainerOutput, encoded: Encoded) -> None:
    """Refuse a tokenizer whose ids the model does not embed; unused ones don't matter."""
    table = next(output.model(output.saved[-1]).embedding.parameters())
    highest = int(encoded.ids.max(initial=0))
    if highest >= len(table):
        raise InputError(
            f"the tokenizer gives the token {highest:,} ({output.tokenizer.token(highest)!r}), the "
            f"model embeds {len(table):,}; they do not belong together: give the right one by "
            f"{option('tokenizer')}."
        )
