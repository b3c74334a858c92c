"""Weights of trainings on several devices, in parts that only their own library can join.

FSDP and DeepSpeed save what each device held, mostly as pickles; both bring a command that makes
one file of the parts.
"""

from __future__ import annotations

from pathlib import Path

from wordtrace.errors import InputError
from wordtrace.models.configs import CONFIG

_SCRIPT = "zero_to_fp32.py"


def refuse_parts(folder: Path) -> None:
    """Refuse a checkpoint without whole weights that holds parts of FSDP or DeepSpeed (InputError).

    The message names the command that makes whole weights of them.
    """
    if (folder / _SCRIPT).is_file() or any(folder.glob("global_step*")):
        raise InputError(
            f"{folder} holds its weights in DeepSpeed's parts; make whole ones of them by: "
            f"python {folder / _SCRIPT} {folder} {folder} --safe_serialization{_also(folder)}"
        )
    parts = _fsdp(folder)
    if parts is not None:
        raise InputError(
            f"{folder} holds its weights in FSDP's parts; make whole ones of them by: "
            f"accelerate merge-weights {parts} {folder}{_also(folder)}"
        )


def _fsdp(folder: Path) -> Path | None:
    """Return the folder of a model's parts."""
    held = sorted({path.parent for path in folder.glob("pytorch_model_fsdp*/*.distcp")})
    if held:
        return held[0]
    return folder if any(folder.glob("*.distcp")) else None


def _also(folder: Path) -> str:
    """Return what else is needed: such a checkpoint often holds the weights alone."""
    if (folder / CONFIG).is_file():
        return "."
    return f", and put the model's {CONFIG} and its tokenizer's files beside them."
