"""The learning rate that a Trainer used at each step, from what it left on disk.

Nothing is unpickled: ``training_args.bin`` is never opened, ``scheduler.pt`` by
``torch.load(weights_only=True)`` alone.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.adopt.choices import Choices
from wordtrace.adopt.trainer_folder import Saved
from wordtrace.adopt.trainer_output import TrainerOutput
from wordtrace.disk.lines import read_lines
from wordtrace.errors import InputError, option

#: Written by wordtrace's TraceCallback: the rate used at each step, for the embedding's group.
RATES = "wordtrace_rates.jsonl"
# From this version on the logged rate is the one used; before, it is the next step's.
_USED_FROM = (4, 51)


@dataclass(frozen=True)
class Rates:
    """The learning rate used at each step.

    Attributes
    ----------
    used
        float64, shape (last step + 1,); element s is the rate of the step that made the weights
        "after s steps"; element 0 is 0.
    known
        The steps with a rate that was written down; between them it is a straight line.
    """

    used: npt.NDArray[np.float64]
    known: frozenset[int]


def rates_used(output: TrainerOutput, choices: Choices) -> Rates:
    """Return the rate of every step: given, or as the Trainer wrote it down (InputError)."""
    last = output.saved[-1].step
    if choices.learning_rate is not None:
        return Rates(
            np.concatenate([[0.0], np.full(last, choices.learning_rate)]),
            frozenset(range(1, last + 1)),
        )
    version = output.config.get("transformers_version")
    found = rates_of(output.saved, output.folder, version)
    if found is None:
        raise InputError(
            f"{output.folder}: no learning rate was logged and there is no scheduler.pt; give "
            f"{option('learning_rate')} for all checkpoints."
        )
    return found


def rates_of(saved: list[Saved], output: Path, version: str | None) -> Rates | None:
    """Return the rates used, from the Trainer's log, its schedulers, and our callback's file.

    None where nothing is known. Between known steps the rate is a straight line.

    Parameters
    ----------
    version
        The version of transformers that wrote the log: up to 4.50 an entry is the next step's rate.
    """
    last = saved[-1]
    points: dict[int, float] = {}
    for one in saved:
        following = _scheduled(one.folder / "scheduler.pt")
        if following is not None:
            points[one.step + 1] = following
    late = 0 if version is None or _numbers(version) >= _USED_FROM else 1
    for entry in last.state.get("log_history") or []:
        rate, step = entry.get("learning_rate"), entry.get("step")
        if isinstance(rate, int | float) and isinstance(step, int) and np.isfinite(rate):
            points[step + late] = float(rate)
    points |= _recorded(output / RATES, last.step)
    known = sorted(step for step in points if 1 <= step <= last.step + 1)
    if not known:
        return None
    steps = np.arange(1, last.step + 1)
    used = np.interp(steps, known, [points[step] for step in known])
    return Rates(np.concatenate([[0.0], used]), frozenset(known))


def _scheduled(path: Path) -> float | None:
    """Return a scheduler's rate for the step that follows, of the first group."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return float(state["_last_lr"][0])
    except Exception:  # any file may lie there; without it there is the log
        return None


def _recorded(path: Path, last: int) -> dict[int, float]:
    if not path.is_file():
        return {}
    found = {}
    for line in read_lines(path):
        try:
            entry = json.loads(line)
            found[int(entry["step"])] = float(entry["learning_rate"])
        except (ValueError, KeyError, TypeError):
            continue  # the last line of a killed training
    return {step: rate for step, rate in found.items() if step <= last}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
