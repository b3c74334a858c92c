"""Notes for the user of an adopted training: what had to be assumed, and what looks wrong."""

from __future__ import annotations

import numpy as np

from wordtrace.adopt.learning_rates import Rates
from wordtrace.adopt.recorded_rows import RecordedRows
from wordtrace.adopt.trainer_folder import Saved
from wordtrace.adopt.trainer_output import TrainerOutput
from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.models import configs
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.written_back import written_back

#: Tokens are counted at logged steps, which need not be whole epochs.
_NEAR = 1.1
#: How many batches a step may have been made of, which no file says.
_BATCHES = (2, 4, 8, 16, 32, 64)


def notes_of(
    output: TrainerOutput,
    examples: Examples,
    encoded: Encoded,
    rates: Rates,
    chosen: list[Checkpoint],
    right: float,
    frozen: bool,
    recorded: RecordedRows | None = None,
) -> list[str]:
    """Return the notes.

    Parameters
    ----------
    encoded
        The token ids of the training examples.
    right
        The last checkpoint's share of right labels, on a sample of the training rows.
    frozen
        Whether the embeddings did not move.
    recorded
        What our callback saw of the training's rows, where it did.
    """
    notes = [*output.notes, *rates.notes]
    if (told := written_back(examples.source)) is not None:
        notes.append(told)
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
    if recorded is None:
        notes += _amount(output, len(examples), len(encoded.ids))
    elif recorded.packed is not None:
        notes.append(_packed(len(examples), recorded.packed))
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


def _least(output: TrainerOutput, examples: Examples) -> float:
    """Return the share of right labels below which something is wrong; 0 where none is told."""
    if configs.is_generator(output.config) or examples.kind == "number":
        return 0.0
    if examples.kind == "set":
        there = examples.labels.mean(0)
        return float(np.maximum(there, 1 - there).mean())
    share = float(np.bincount(examples.labels).max()) / len(examples)
    return max(share, 2 / len(examples.label_names))


def _amount(output: TrainerOutput, rows: int, tokens: int) -> list[str]:
    """Return a note where the Trainer saw another amount of data, or packed it."""
    last = output.saved[-1]
    seen = _tokens_seen(last)
    fits = _rows_seen(last)
    if seen is not None:
        if not 1 / _NEAR <= seen / max(tokens, 1) <= _NEAR:
            return [
                f"The Trainer's record speaks of about {seen:,.0f} tokens an epoch; the data has "
                f"{tokens:,}: is it the training data?"
            ]
        # The batches hold fewer rows than the data, which has as many tokens nevertheless.
        if fits is not None and rows > fits[1] and not _accumulated(rows, fits):
            return [_packed(rows, None)]
        return []
    if fits is None or fits[0] <= rows <= fits[1] or _accumulated(rows, fits):
        return []
    return [
        f"The Trainer's record speaks of {fits[0]:,} to {fits[1]:,} training rows (or a "
        "multiple of them, on several devices or with gradients accumulated); the data has "
        f"{rows:,}: is it the training data?"
    ]


def _packed(examples: int, rows: int | None) -> str:
    of = "" if rows is None else f" {rows:,}"
    return (
        f"The training packed the {examples:,} examples into{of} rows of several each: a batch "
        "held more examples than its size says."
    )


def _accumulated(rows: int, fits: tuple[int, int]) -> bool:
    """Whether so many rows fit the steps if each step took 2, 4, 8, … batches."""
    least, most = fits
    return any((least - 1) * times < rows <= most * times for times in _BATCHES)


def _tokens_seen(saved: Saved) -> float | None:
    """Return how many tokens an epoch had, where the Trainer counted them (TRL does)."""
    for entry in reversed(saved.state.get("log_history") or []):
        count, epoch = entry.get("num_tokens"), entry.get("epoch")
        if isinstance(count, int | float) and isinstance(epoch, int | float) and epoch > 0:
            return float(count) / float(epoch)
    return None


def _rows_seen(saved: Saved) -> tuple[int, int] | None:
    """Return the least and most rows that fit the steps of an epoch and the batch size."""
    batch = saved.state.get("train_batch_size")
    if not isinstance(batch, int) or batch < 1 or not saved.epoch:
        return None
    steps = round(saved.step / saved.epoch)
    return (steps - 1) * batch + 1, steps * batch
