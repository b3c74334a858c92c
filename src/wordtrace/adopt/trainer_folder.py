"""The checkpoints in a transformers Trainer's output folder: which of them are whole."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordtrace.errors import InputError
from wordtrace.models.weight_files import CONTENTS, PICKLED, SAFE

STATE = "trainer_state.json"


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
