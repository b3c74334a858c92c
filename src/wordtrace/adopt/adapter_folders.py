"""Where in a checkpoint the trained weights lie: peft puts a named adapter into a sub-folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wordtrace.disk import fingerprint
from wordtrace.errors import InputError
from wordtrace.models.adapters import CONFIG
from wordtrace.models.weight_files import ADAPTER


def trained_in(checkpoints: Sequence[Path]) -> tuple[str, str | None]:
    """Return the sub-folder in which the checkpoints of one output hold what was trained.

    Returns
    -------
    the sub-folder's name, "" for the checkpoint itself; and a note where there was a choice. Of
    several adapters it is the one that changed from the first checkpoint to the last.

    Raises
    ------
    InputError
        When there are several adapters, and not just one of them changed.
    """
    held = [_held(folder) for folder in checkpoints]
    names = sorted(set().union(*held)) if held else []
    if len(names) < 2:
        return (names[0] if names else ""), None
    changed = [name for name in names if _changes(name, checkpoints)]
    listed = ", ".join(name or "default" for name in names)
    if len(changed) != 1:
        raise InputError(
            f"{checkpoints[-1]} holds several adapters ({listed}), and the checkpoints do not tell "
            "which one was trained; give a copy of the output folder that holds this one alone."
        )
    return changed[0], (
        f"Of the adapters in the checkpoints ({listed}) {changed[0] or 'default'} alone changed: "
        "it is the one that is traced."
    )


def _held(checkpoint: Path) -> set[str]:
    if not (checkpoint / ADAPTER).is_file() and any(checkpoint.glob("*.safetensors*")):
        return set()  # a whole model: what lies beside it was not trained alone
    found = {folder.name for folder in checkpoint.iterdir() if (folder / CONFIG).is_file()}
    return found | ({""} if (checkpoint / CONFIG).is_file() else set())


def _changes(name: str, checkpoints: Sequence[Path]) -> bool:
    files = [path for one in checkpoints if (path := one / name / ADAPTER).is_file()]
    return len({fingerprint.of_file(path) for path in (files[:1] + files[-1:])}) > 1
