"""How TRL packed rows, told by the tokens that it counted: whole examples, or one stream cut."""

from __future__ import annotations

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
    batch = saved.state.get("train_batch_size")
    if not isinstance(batch, int) or batch < 1 or not len(lengths):
        return False
    windows = list(_windows(saved))
    full = [steps for steps, tokens in windows if tokens % (steps * batch * length) == 0]
    if len(windows) - len(full) > np.ceil(saved.epoch):
        return False
    share = max(float((lengths >= length).mean()), _full_by_bfd(lengths, length))
    return bool(share ** (batch * sum(full)) < _CHANCE) if full else False


def _full_by_bfd(lengths: npt.NDArray[np.int64], length: int) -> float:
    """Return the share of full rows if examples are packed by best fit, the longest first."""
    free: list[int] = []  # what rows have left, rising
    for one in np.sort(np.minimum(lengths, length))[::-1].tolist():
        place = bisect_left(free, one)
        left = free.pop(place) if place < len(free) else length
        insort(free, left - one)
    return free.count(0) / len(free)


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
