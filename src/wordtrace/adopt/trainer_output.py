"""What a transformers Trainer left on disk: checkpoints, and the learning rates it used.

Nothing is unpickled: ``training_args.bin`` is never opened, ``scheduler.pt`` by
``torch.load(weights_only=True)`` alone.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.disk.lines import read_lines
from wordtrace.errors import InputError
from wordtrace.models.weight_files import CONTENTS, PICKLED, SAFE

STATE = "trainer_state.json"
#: Written by wordtrace's TraceCallback: the rate used at each step, for the embedding's group.
RATES = "wordtrace_rates.jsonl"
# From this version on the logged rate is the one used; before, it is the next step's.
_USED_FROM = (4, 51)


@dataclass(frozen=True)
class Saved:
    """A checkpoint folder that is whole.

    Attributes
    ----------
    state
        Its ``trainer_state.json``.
    """

    folder: Path
    step: int
    state: dict[str, Any]

    @property
    def epoch(self) -> float:
        """Passes over the data."""
        return float(self.state.get("epoch") or 0.0)


@dataclass(frozen=True)
class Rates:
    """The learning rate used at each step.

    Attributes
    ----------
    used
        float64, shape (last step + 1,); element s is the rate of the step that made the weights
        "after s steps"; element 0 is 0.
    known
        The steps whose rate is written somewhere; between them it is a straight line.
    """

    used: npt.NDArray[np.float64]
    known: frozenset[int]


def checkpoints_of(output: Path) -> tuple[list[Saved], list[str]]:
    """Return the whole checkpoints by rising step, and a note for each folder left out.

    A folder is whole when ``trainer_state.json``, which the Trainer writes last, can be read and
    names the folder's step.

    Raises
    ------
    InputError
        When there is none, or weights are pickled.
    """
    if not output.is_dir():
        raise InputError(f"{output} does not exist; give a Trainer's output folder.")
    folders = {
        int(found[1]): folder
        for folder in output.iterdir()
        if (found := re.fullmatch(r"checkpoint-(\d+)", folder.name)) and folder.is_dir()
    }
    whole, notes = [], []
    for step, folder in sorted(folders.items()):
        reason, state = _state_of(folder, step)
        if reason is None:
            reason = _lacking(folder)
        if reason is None and state is not None:
            whole.append(Saved(folder, step, state))
        else:
            notes.append(f"{folder.name} is left out: {reason}.")
    if whole:
        return whole, notes
    if notes:
        raise InputError(f"{output} holds no whole checkpoint: {' '.join(notes)}")
    raise InputError(
        f"{output} holds no checkpoint-* folders; give a Trainer's output_dir, trained with "
        'save_strategy="steps" or "epoch".'
    )


def rates_of(saved: list[Saved], output: Path, version: str | None) -> Rates | None:
    """Return the rates used, from the Trainer's log, its schedulers, and our callback's file.

    None where nothing is known. Between known steps the rate is a straight line.

    Parameters
    ----------
    version
        Of the transformers that wrote the log: up to 4.50 an entry is the next step's rate.
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


def _state_of(folder: Path, step: int) -> tuple[str | None, dict[str, Any] | None]:
    try:
        state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return f"it has no {STATE}, which is written last, so it is not whole", None
    except (OSError, ValueError):
        return f"its {STATE} can't be read, so it is not whole", None
    if not isinstance(state, dict) or state.get("global_step") != step:
        return f"its {STATE} speaks of another step", None
    return None, state


def _lacking(folder: Path) -> str | None:
    """Return what keeps a folder's weights from being read, or None."""
    if not any((folder / name).is_file() for name in SAFE):
        for name in PICKLED:
            if (folder / name).is_file():
                raise InputError(
                    f"{folder / name} is a pickle, which can run code when it is read and is "
                    "never loaded; load the model where you trust it and write it again by "
                    "model.save_pretrained(folder), which makes model.safetensors."
                )
        return "it holds no model.safetensors"
    table = folder / CONTENTS
    if table.is_file():
        try:
            names = set(json.loads(table.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError):
            return f"its {table.name} can't be read"
        for name in sorted(names):
            if Path(name).name != name or not (folder / name).is_file():
                return f"its part {name} is missing"
    return None


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
