"""Checkpoints of an adopted training: their losses, which to sum over, which one predicts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from wordtrace.adopt.choices import Choices
from wordtrace.adopt.learning_rates import Rates
from wordtrace.adopt.readings import FloatArray
from wordtrace.adopt.recomputed import said_by
from wordtrace.adopt.trainer_folder import Saved
from wordtrace.adopt.trainer_output import TrainerOutput
from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labels
from wordtrace.errors import InputError
from wordtrace.execute.progress import track
from wordtrace.models import predict
from wordtrace.models.protocol import TokenScorer
from wordtrace.models.token_losses import by_row, counted
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.choose import choose
from wordtrace.run.manifest import HeldOut


@dataclass(frozen=True)
class Measured:
    """The checkpoints, measured on some training rows.

    Attributes
    ----------
    checkpoints
        With their losses.
    said
        What each says of the rows (:func:`.said_by`).
    right
        The last one's share of right labels.
    frozen
        Whether the embeddings are the same in the first and the last of several.
    """

    checkpoints: list[Checkpoint]
    said: list[FloatArray]
    right: float
    frozen: bool


def measure(output: TrainerOutput, sample: Encoded, labels: Labels, rates: Rates) -> Measured:
    """Measure the checkpoints on a sample of training rows (InputError for NaN)."""
    right, tables, every = 1.0, [], []
    sums = np.cumsum(rates.used)
    found = []
    with track("Reading checkpoints", len(output.saved), "checkpoints") as advance:
        for one in output.saved:
            model = output.model(one)
            if one in (output.saved[0], output.saved[-1]):
                tables.append(next(model.embedding.parameters()).detach())
            said = said_by(model, sample)
            every.append(said)
            if isinstance(model, TokenScorer):
                totals, counts = by_row(said, counted(model, sample), sample)
                loss = float((totals / counts.clip(1)).mean())
            else:
                loss = float(predict.losses(model.outputs, said, labels).mean())
                right = float((predict.predicted(model.outputs, said) == labels).mean())
            if not math.isfinite(loss):
                raise InputError(
                    f"{one.folder}: the training loss is {loss}; leave this checkpoint out, or "
                    "train again with a lower learning rate."
                )
            rate, total = float(rates.used[one.step]), float(sums[one.step])
            found.append(Checkpoint(one.step, one.epoch, rate, total, loss))
            advance(1)
    return Measured(found, every, right, len(tables) == 2 and torch.equal(*tables))


def final_of(
    output: TrainerOutput, candidates: list[Checkpoint], held_out: Examples | None
) -> tuple[Checkpoint, int, HeldOut | None]:
    """Find the checkpoint that predicts: the best one, where the Trainer kept it, else the last.

    Returns
    -------
    the checkpoint, the dimension of its word embedding, and how well it does on the held-out rows.
    """
    step = _best_step(output.saved) or candidates[-1].step
    final = next(one for one in candidates if one.step == step)
    model = output.model(next(one for one in output.saved if one.step == step))
    (table,) = [one for one in model.embedding.parameters() if one.dim() == 2][:1]
    if held_out is None:
        return final, int(table.shape[1]), None
    encoded = output.tokenizer.encode(held_out.texts, held_out.texts2)
    scores = predict.logits(model, encoded)
    measured = HeldOut(
        rows=len(held_out),
        # A number is never quite right, a completion has nothing to be compared with.
        accuracy=None
        if held_out.kind == "number" or len(held_out.label_names) < 2
        else _accuracy(predict.predicted(model.outputs, scores), held_out.labels),
        loss=float(predict.losses(model.outputs, scores, held_out.labels).mean()),
    )
    return final, int(table.shape[1]), measured


def _accuracy(predicted: Labels, labels: Labels) -> float:
    """Return the share of texts whose whole label is right."""
    right = (predicted == labels).reshape(len(labels), -1).all(axis=1)
    return float(right.mean())


def _best_step(saved: list[Saved]) -> int | None:
    """Return the best model's step, where the Trainer tracked one and it is there."""
    best = saved[-1].state.get("best_model_checkpoint")
    name = Path(best).name if isinstance(best, str) else ""
    return next((one.step for one in saved if one.folder.name == name), None)


def untrained_loss(examples: Examples) -> float | None:
    """Return the loss before training, when the head says every class alike; None: not known."""
    if examples.kind == "set":
        return math.log(2)
    return math.log(len(examples.label_names)) if len(examples.label_names) > 1 else None


def chosen_of(
    candidates: list[Checkpoint], choices: Choices, untrained: float | None
) -> list[Checkpoint]:
    """Return the checkpoints to sum over: those named, else where the loss has not saturated.

    Raises
    ------
    InputError
        For a step that is not there.
    """
    if isinstance(choices.checkpoints, tuple):
        there = {one.step for one in candidates}
        if missing := sorted(set(choices.checkpoints) - there):
            raise InputError(
                f"there is no checkpoint of step {missing[0]}; there are "
                f"{', '.join(map(str, sorted(there)))}."
            )
        steps = list(choices.checkpoints)
    else:
        # Where the level before training is not known, the first checkpoint stands for it.
        before = candidates[0].loss if untrained is None else untrained
        losses = [(0, before), *((one.step, one.loss) for one in candidates)]
        rates = {one.step: one.learning_rate for one in candidates}
        steps = choose(losses, choices.checkpoints, rates=rates)
    return [one for one in candidates if one.step in set(steps)]
