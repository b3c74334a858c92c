"""The model that a foreign training left in a folder: found, checked, and asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordtrace.adopt.adapter_folders import trained_in
from wordtrace.adopt.labels import class_names
from wordtrace.adopt.trainer_folder import lacking
from wordtrace.errors import InputError, option
from wordtrace.models import adapters, configs, pretrained
from wordtrace.models.protocol import TextModel
from wordtrace.retrainers.ask import said_by
from wordtrace.retrainers.retrainer import Probe, Said
from wordtrace.run.manifest import BASE
from wordtrace.run.pretrained_model import PretrainedModel
from wordtrace.run.run import Run


@dataclass(frozen=True)
class TrainedModel:
    """A model of a run's shape, in evaluation mode.

    Attributes
    ----------
    order
        For each output of the run, the place of the model's own; None where both are the same.
    """

    model: TextModel
    order: list[int] | None

    def said(self, run: Run, probes: Sequence[Probe]) -> Said:
        """Return what it says of probes and of the run's held-out rows, in the run's order."""
        found = said_by(run, self.model, probes)
        if self.order is None:
            return found
        held = None if found.held_out is None else found.held_out[:, self.order]
        return Said(found.probes[:, self.order], held)


def check_scored(run: Run) -> None:
    """Refuse a run whose models are not of transformers: a folder of such a one would not fit."""
    if not isinstance(run.manifest.model, PretrainedModel):
        raise InputError(
            f"{run.path} holds the CNN of `wordtrace train`, and a folder that a command or a "
            f"function writes is read as a model of transformers; leave {option('retrain')} out to "
            "repeat the run's own training, or give a function that returns what predicts, a "
            "callable from texts to probabilities."
        )


def find_model(out: Path) -> Path:
    """Return the folder that holds the weights: `out`, else its last ``checkpoint-N``.

    Raises
    ------
    InputError
        When there is none, weights are pickled or in parts, or a part of them is missing.
    """
    checkpoints = sorted(
        (int(found[1]), path)
        for path in out.iterdir()
        if (found := re.fullmatch(r"checkpoint-(\d+)", path.name)) and path.is_dir()
    )
    folders = [out, *(path for _, path in reversed(checkpoints))]
    reasons = []
    for folder in folders:
        part, _ = trained_in([folder])
        weights = folder / part
        reason = lacking(weights)
        if reason is None:
            if any((weights / name).is_file() for name in (configs.CONFIG, adapters.CONFIG)):
                return weights
            reason = f"it holds no {configs.CONFIG}"
        reasons.append(reason)
    told = reasons[0] if len(reasons) == 1 else reasons[1]
    place = folders[0] if len(reasons) == 1 else folders[1]
    if place == out and not any(out.iterdir()):
        told = "it is empty"
    raise InputError(
        f"there is no whole model in {place}: {told}; the training must end with "
        "model.save_pretrained(OUT) or trainer.save_model(OUT)."
    )


def load(run: Run, weights: Path) -> TrainedModel:
    """Load a model to be asked what a run's model is asked.

    Raises
    ------
    InputError
        When it is of another form than the run's: other labels, another vocabulary, another task.
    CorruptError
        When its files are broken, or weights are NaN or infinite.
    """
    described = run.manifest.model
    assert isinstance(described, PretrainedModel)
    own = configs.read_config(run.path)
    base = None
    if (weights / adapters.CONFIG).is_file() and not (weights / configs.CONFIG).is_file():
        adapters.check_changes_weights(weights)
        base = _base(run, weights)
        config = adapters.adapted(weights, configs.read_config(base))
    else:
        config = dict(configs.read_config(weights))
    _check_task(run, config, weights)
    order = None if run.generates else label_order(run, own, config, weights)
    if not run.generates:
        config["problem_type"] = configs.PROBLEMS[run.labelling.kind]
    if config.get("pad_token_id") is None and own.get("pad_token_id") is not None:
        config["pad_token_id"] = own["pad_token_id"]
    model = pretrained.load(weights, config, base, described.loss, described.tokens_a_row)
    _check_vocabulary(run, own, model, weights)
    model.module.to(run.device).eval().requires_grad_(False)
    return TrainedModel(model, order)


def label_order(
    run: Run, own: Mapping[str, Any], config: Mapping[str, Any], where: Path
) -> list[int] | None:
    """Return, for each output of a run, the place of the one of a model that says the same.

    Classes are matched by name, those of the run or of its own model; classes without names
    (``LABEL_0``) are in the run's order.

    Parameters
    ----------
    own, config
        The configurations of the run's model and of the other one.
    where
        The other one's folder, for the message.

    Returns
    -------
    list of int, or None
        None where both have the same order.

    Raises
    ------
    InputError
        When the model has other classes, or another number of them.
    """
    count = max(1, len(run.label_names))
    theirs = class_names(config, len(config.get("id2label") or (0, 1)))
    if len(theirs) != count:
        raise InputError(
            f"{where} holds a model of {len(theirs)} classes ({_few(theirs)}), the run has {count} "
            f"({_few(run.label_names)}); train on all of its labels, in the run's order."
        )
    if not run.label_names:
        return None
    places = [str(at) for at in range(count)]
    for mine in (list(run.label_names), class_names(own, count)):
        if sorted(theirs) == sorted(mine):
            order = [theirs.index(name) for name in mine]
            return None if order == list(range(count)) else order
    if theirs in ([f"LABEL_{at}" for at in range(count)], places):
        return None
    raise InputError(
        f"{where} holds a model of the classes {_few(theirs)}, the run has "
        f"{_few(run.label_names)}; give the model the run's names by id2label, or none."
    )


def _base(run: Run, adapter: Path) -> Path:
    """Return the folder of an adapter's base: as it names it, else the one that the run keeps."""
    kept = run.path / BASE
    try:
        return adapters.base_of(adapter, None)
    except InputError:
        if kept.is_dir():
            return kept
        raise


def _check_task(run: Run, config: Mapping[str, Any], where: Path) -> None:
    told = [
        "a sequence-to-sequence model"
        if configs.is_sequence_to_sequence(one)
        else "a language model"
        if configs.is_generator(one)
        else "a classifier"
        for one in (config, configs.read_config(run.path))
    ]
    if told[0] != told[1]:
        raise InputError(f"{where} holds {told[0]}, the run has {told[1]}; train such a one.")


def _check_vocabulary(run: Run, own: Mapping[str, Any], model: TextModel, where: Path) -> None:
    """Refuse a model with another word table, which the run's tokenizer does not belong to."""
    theirs = len(next(model.embedding.parameters()))
    mine = own.get("vocab_size")
    if mine is None or (run.path / BASE).is_dir():  # an adapter may have brought tokens of its own
        mine = len(next(run.model(run.final).embedding.parameters()))
    if theirs != mine:
        raise InputError(
            f"{where} holds a model that embeds {theirs:,} tokens, the run's embeds {mine:,}: its "
            "tokenizer is another one; train from the same model with the same tokenizer."
        )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
