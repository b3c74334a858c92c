"""The checkpoints in a transformers Trainer's output folder: which of them are whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordtrace.adopt.adapter_folders import trained_in
from wordtrace.adopt.sharded import refuse_parts
from wordtrace.disk.json_text import parse_json
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
    part
        The sub-folder that holds the weights, "" for none: peft makes one for a named adapter.
    """

    folder: Path
    step: int
    state: dict[str, Any]
    part: str = ""

    @property
    def weights(self) -> Path:
        """The folder that holds the weights."""
        return self.folder / self.part

    @property
    def epoch(self) -> float:
        """Passes over the data."""
        return float(self.state.get("epoch") or 0.0)


def checkpoints_of(output: Path) -> tuple[list[Saved], list[str]]:
    """Return the whole checkpoints by rising step, and a note for each folder left out.

    A folder is whole when ``trainer_state.json``, which the Trainer writes last, can be read and
    names the folder's step. A folder without checkpoints that holds a model itself, as
    ``save_pretrained`` writes it, is one checkpoint.

    Raises
    ------
    InputError
        When there is none, or weights are pickled or in parts.
    """
    if not output.is_dir():
        raise InputError(f"{output} does not exist; give a Trainer's output folder.")
    folders = {
        int(found[1]): folder
        for folder in output.iterdir()
        if (found := re.fullmatch(r"checkpoint-(\d+)", folder.name)) and folder.is_dir()
    }
    if not folders:
        return _alone(output)
    part, note = trained_in([folder for _, folder in sorted(folders.items())])
    whole, notes = [], [] if note is None else [note]
    for step, folder in sorted(folders.items()):
        reason, state = _state_of(folder, step)
        if reason is None:
            reason = lacking(folder / part)
        if reason is None and state is not None:
            whole.append(Saved(folder, step, state, part))
        else:
            notes.append(f"{folder.name} is left out: {reason}.")
    if whole:
        return whole, notes
    raise InputError(f"{output} holds no whole checkpoint: {' '.join(notes)}")


def _alone(output: Path) -> tuple[list[Saved], list[str]]:
    """Return a saved model as the one checkpoint of its training (InputError)."""
    part, note = trained_in([output])
    reason = lacking(output / part)
    if reason is not None:
        raise InputError(
            f"{output} holds no checkpoint-* folders; give a Trainer's output_dir, trained with "
            'save_strategy="steps" or "epoch", or the folder of a saved model.'
        )
    state = _read(output) or {}
    step = state.get("global_step")
    if not isinstance(step, int) or step < 1:
        step, state = 1, {}
    return [Saved(output, step, state, part)], [
        *([] if note is None else [note]),
        "There is one set of weights: scores are those of the trained model alone. What was "
        "learned early, how the loss fell and whether the word embeddings moved, one checkpoint "
        "can't tell; save several in the training, or use wt.TraceCallback.",
    ]


def _state_of(folder: Path, step: int) -> tuple[str | None, dict[str, Any] | None]:
    if not (folder / STATE).is_file():
        return f"it has no {STATE}, which is written last, so it is not whole", None
    state = _read(folder)
    if state is None:
        return f"its {STATE} can't be read, so it is not whole", None
    if state.get("global_step") != step:
        return f"its {STATE} speaks of another step", None
    return None, state


def _read(folder: Path) -> dict[str, Any] | None:
    """Return a checkpoint's state; None where there is none that can be read."""
    try:
        state = parse_json((folder / STATE).read_bytes(), finite=False)
    except (OSError, ValueError):
        return None
    return state if isinstance(state, dict) else None


def lacking(folder: Path) -> str | None:
    """Return what keeps a folder's weights from being read, or None.

    Raises
    ------
    InputError
        Where they are pickled, or in parts.
    """
    if not any((folder / name).is_file() for name in SAFE):
        for name in PICKLED:
            if (folder / name).is_file():
                raise InputError(
                    f"{folder / name} is a pickle, which can run code when it is read and is "
                    "never loaded; load the model where you trust it and write it again by "
                    "model.save_pretrained(folder), which makes model.safetensors."
                )
        refuse_parts(folder)
        return "it holds no model.safetensors"
    table = folder / CONTENTS
    if table.is_file():
        try:
            names = set(parse_json(table.read_bytes())["weight_map"].values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return f"its {table.name} can't be read"
        for name in sorted(names):
            if Path(name).name != name or not (folder / name).is_file():
                return f"its part {name} is missing"
    return None
