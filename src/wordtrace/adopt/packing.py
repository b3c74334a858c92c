"""How TRL packed rows, told by the tokens that it counted: whole examples, or one stream cut."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.adopt.trainer_folder import Saved
from wordtrace.adopt.trainer_output import TrainerOutput
from wordtrace.data.batches import Encoded
from wordtrace.errors import InputError, option

#: How likely full rows are at most, if they were whole examples, where they are called cut.
_CHANCE = 1e-6


def check_packing(output: TrainerOutput, encoded: Encoded, force: bool) -> None:
    """Refuse a training whose rows were one stream of examples, cut where a row was full.

    Parameters
    ----------
    encoded
        The examples.
    force
        Take it nevertheless.

    Raises
    ------
    InputError
        For TRL's ``packing_strategy="wrapped"``.
    """
    last = output.saved[-1]
    if not force and rows_were_cut(last, encoded.lengths, output.tokenizer.max_length):
        raise InputError(
            f"{last.folder} is of a training that packed its examples by "
            'packing_strategy="wrapped", which cuts them where a row is full, so that the '
            'training\'s rows are not the examples of the data; train with "bfd". '
            f"{option('force', True)} adopts it as it is."
        )


def rows_were_cut(saved: Saved, lengths: npt.NDArray[np.int64], length: int) -> bool:
    """Tell whether more rows of a training were full than whole examples can fill.

    Of one stream that is cut, all rows are full but the last one, which each epoch has once.

    Parameters
    ----------
    lengths
        Of the examples, shape (examples,).
    length
        The most tokens of a row.
    """
    batch, windows = saved.state.get("train_batch_size"), list(_windows(saved))
    if not isinstance(batch, int) or batch < 1 or not windows or not len(lengths):
        return False
    # Of several devices, or of accumulated gradients, a step has several batches.
    batch *= math.ceil(max(tokens / (steps * batch * length) for steps, tokens in windows))
    lacking = [steps * batch * length - tokens for steps, tokens in windows]
    short = [one for one in lacking if one]
    if len(set(short)) > 1 or len(short) > math.ceil(saved.epoch) or max(lacking) >= length:
        return False
    # The first that lacks something may have rows of any length; the others lack just as much.
    rows = [steps * batch for (steps, _), one in zip(windows, lacking, strict=True) if not one]
    again = [steps for (steps, _), one in zip(windows, lacking, strict=True) if one][1:]
    rows += [steps * batch - 1 for steps in again]
    alone = len(lengths), int((lengths >= length).sum())
    return all(
        math.prod(_chance(one, *full) for one in rows) < _CHANCE
        for full in (alone, _rows_by_bfd(lengths, length))
    )


def _chance(drawn: int, rows: int, full: int) -> float:
    """Return how likely so many rows are all full, drawn from those of an epoch."""
    drawn = min(drawn, rows)
    if drawn > full:
        return 0.0
    return math.exp(_log_factorials(full, rows - drawn) - _log_factorials(rows, full - drawn))


def _log_factorials(*numbers: int) -> float:
    return sum(math.lgamma(one + 1) for one in numbers)


def _rows_by_bfd(lengths: npt.NDArray[np.int64], length: int) -> tuple[int, int]:
    """Return how many rows there are, and are full, if the best fit is sought, longest first."""
    free: list[int] = []  # what rows have left, rising
    for one in np.sort(np.minimum(lengths, length))[::-1].tolist():
        place = bisect_left(free, one)
        left = free.pop(place) if place < len(free) else length
        insort(free, left - one)
    return len(free), free.count(0)


def _windows(saved: Saved) -> Iterator[tuple[int, int]]:
    """Yield the steps and the tokens of each part of the log in which no epoch ends.

    The step that ends an epoch may have fewer rows than the others.
    """
    before = (0, 0.0, 0)
    for entry in saved.state.get("log_history") or []:
        now = _counted(entry)
        if now is None:
            continue
        # Epochs are rounded in a log.
        if now[0] > before[0] and int(now[1] + 1e-3) == int(before[1] + 1e-3):
            yield now[0] - before[0], now[2] - before[2]
        before = now


def _counted(entry: Any) -> tuple[int, float, int] | None:
    """Return step, epoch and the tokens counted until then."""
    if not isinstance(entry, dict):
        return None
    step, epoch, tokens = (entry.get(name) for name in ("step", "epoch", "num_tokens"))
    if not (isinstance(step, int) and isinstance(epoch, int | float)):
        return None
    return (step, float(epoch), int(tokens)) if isinstance(tokens, int | float) else None
