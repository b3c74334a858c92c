"""Notes for the user of an adopted training: what had to be assumed, and what looks wrong."""

from __future__ import annotations

import numpy as np

from wordtrace.adopt.learning_rates import Rates
from wordtrace.adopt.logged import Logged
from wordtrace.adopt.trainer_folder import Saved
from wordtrace.adopt.trainer_output import TrainerOutput
from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.models import configs
from wordtrace.run.checkpoint import Checkpoint


def notes_of(
    output: TrainerOutput,
    examples: Examples,
    rates: Rates,
    chosen: list[Checkpoint],
    right: float,
    frozen: bool,
) -> list[str]:
    """Return the notes.

    Parameters
    ----------
    right
        The last checkpoint's share of right labels, on a sample of the training rows.
    frozen
        Whether the embeddings did not move.
    """
    notes = [*output.notes, *rates.notes]
    guessed = [one.step for one in chosen if one.step not in rates.known]
    if guessed:
        notes.append(
            f"The rate at {'step' if len(guessed) == 1 else 'steps'} "
            f"{', '.join(map(str, guessed))} was not logged: taken between the logged ones."
        )
    if right < _least(output, examples) * 0.9:
        notes.append(
            f"The last checkpoint gets only {right:.0%} of a sample of these training rows right: "
            "are the data, the columns and the labels' names those of the training?"
        )
    rows = _rows_seen(output.saved[-1])
    if rows is not None and not rows[0] <= len(examples) <= rows[1]:
        notes.append(
            f"The Trainer's record speaks of {rows[0]:,} to {rows[1]:,} training rows (or a "
            f"multiple of them, on several devices); the data has {len(examples):,}: is it the "
            "training data?"
        )
    if frozen:
        notes.append(
            "The word embeddings were frozen in the training: a score tells how alike gradients "
            "are there, not what a step did."
        )
        return notes
    notes.append(
        "Adam, momentum and weight decay also move the embeddings of tokens that are not in a "
        "batch; TracIn leaves that out."
    )
    return notes


def token_notes(logged: Logged, encoded: Encoded) -> list[str]:
    """Return a note where TRL counted other tokens in whole epochs than there are."""
    ours = len(encoded.ids)
    for epoch, seen in reversed(list(logged.tokens.values())):
        whole = round(epoch)
        if whole and abs(epoch - whole) < 1e-6:
            more = seen / whole - ours
            if abs(more) < 0.5:
                return []
            return [
                f"TRL counted {seen / whole:,.0f} tokens an epoch, here there are {ours:,}: "
                f"{abs(more) / len(encoded):.3g} {'more' if more > 0 else 'fewer'} a row in the "
                "training. Are the maximum length, the template, and the start and end tokens "
                "those of the training?"
            ]
    return []


def _least(output: TrainerOutput, examples: Examples) -> float:
    """Return the share of right labels below which something is wrong; 0 where none is told."""
    if configs.is_generator(output.config) or examples.kind == "number":
        return 0.0
    if examples.kind == "set":
        there = examples.labels.mean(0)
        return float(np.maximum(there, 1 - there).mean())
    share = float(np.bincount(examples.labels).max()) / len(examples)
    return max(share, 2 / len(examples.label_names))


def _rows_seen(saved: Saved) -> tuple[int, int] | None:
    """Return the least and most rows that fit the steps of an epoch and the batch size."""
    batch = saved.state.get("train_batch_size")
    if not isinstance(batch, int) or batch < 1 or not saved.epoch:
        return None
    steps = round(saved.step / saved.epoch)
    return (steps - 1) * batch + 1, steps * batch
