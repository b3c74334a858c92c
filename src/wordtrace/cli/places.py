"""The arguments that name folders, and lists and numbers inside an option."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import typer

from wordtrace.errors import InputError

RunFolder = Annotated[Path, typer.Argument(help="A run's folder.")]
IndexPlace = Annotated[Path, typer.Argument(help="An index's folder.")]
MovedRun = Annotated[Path | None, typer.Option(help="The run's folder, if it has moved.")]
PatchPlace = Annotated[
    Path | None, typer.Option(help="Write the changes to review here, for wordtrace apply.")
]

Number = TypeVar("Number", int, float)


def check_patch(patch: Path | None) -> None:
    """Refuse a patch's place that can't be written, before the work starts (InputError)."""
    if patch is not None and not patch.parent.is_dir():
        raise InputError(f"--patch {patch}: the folder {patch.parent} does not exist.")


def names(text: str) -> list[str]:
    """Split an option's value at its commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


def numbers(text: str, option: str, kind: type[Number]) -> list[Number]:
    """Read an option's numbers (InputError)."""
    try:
        return [kind(one) for one in names(text)]
    except ValueError:
        raise InputError(f"{option} is {text!r}; give numbers with commas between.") from None
