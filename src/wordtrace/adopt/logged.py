"""What a Trainer logged of its loss: the evidence that a training was read right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordtrace.adopt.trainer_folder import STATE, Saved
from wordtrace.disk.json_text import parse_json


@dataclass(frozen=True)
class Window:
    """A mean training loss: of the steps after `after`, up to `to`."""

    after: int
    to: int
    loss: float

    @property
    def steps(self) -> int:
        """How many steps it is the mean of."""
        return self.to - self.after


@dataclass(frozen=True)
class Logged:
    """A Trainer's log.

    Attributes
    ----------
    windows
        The mean training losses, by rising step; they don't overlap.
    evaluated
        The loss on the evaluation data, by step.
    whole
        The mean training loss of all steps, where the training ended and it was written down.
    tokens
        By step, the epoch and how many tokens TRL's SFTTrainer had counted in all.
    epoch
        Steps of an epoch; None where it is not known.
    seconds
        How long the training took: as the Trainer says at its end, else by the times at which
        its first and its last checkpoint were written; None where neither tells.
    """

    windows: tuple[Window, ...]
    evaluated: Mapping[int, float]
    whole: Window | None
    tokens: Mapping[int, tuple[float, float]]
    epoch: float | None
    seconds: float | None = None


def logged_of(saved: Sequence[Saved], output: Path) -> Logged:
    """Read the log from the last checkpoint, and from the folder itself where it goes on there.

    What is no number, or not finite, is passed over.
    """
    last = saved[-1]
    log = _log_of(last.state)
    longer = _log_of(_read(output / STATE))
    if len(longer) > len(log) and longer[: len(log)] == log:
        log = longer
    windows: list[Window] = []
    evaluated, tokens, whole, seconds = {}, {}, None, None
    for entry in log:
        step = entry.get("step")
        if not isinstance(step, int) or step < 1:
            continue
        loss, measured, total = (
            _number(entry.get(name)) for name in ("loss", "eval_loss", "train_loss")
        )
        before = windows[-1].to if windows else 0
        if loss is not None and step > before:
            windows.append(Window(before, step, loss))
        if measured is not None:
            evaluated[step] = measured
        if total is not None:
            whole = Window(0, step, total)
        seconds = _number(entry.get("train_runtime")) or seconds
        epoch, seen = _number(entry.get("epoch")), _number(entry.get("num_tokens"))
        if loss is not None and epoch and seen is not None:
            tokens[step] = (epoch, seen)
    an_epoch = last.step / last.epoch if last.epoch > 0 else None
    seconds = seconds or _seconds_between(saved)
    return Logged(tuple(windows), evaluated, whole, tokens, an_epoch, seconds)


def _seconds_between(saved: Sequence[Saved]) -> float | None:
    """Return the seconds of a training by when its first and last checkpoint were written."""
    first, last = saved[0], saved[-1]
    try:
        between = (last.folder / STATE).stat().st_mtime - (first.folder / STATE).stat().st_mtime
    except OSError:  # a folder of weights alone
        return None
    steps = last.step - first.step
    return between * last.step / steps if steps > 0 and between > 0 else None


def _log_of(state: Any) -> list[dict[str, Any]]:
    found = state.get("log_history") if isinstance(state, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _read(path: Path) -> Any:
    try:
        return parse_json(path.read_bytes(), finite=False)
    except (OSError, ValueError):
        return None


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known and math.isfinite(value) else None
