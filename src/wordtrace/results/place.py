"""Whether a file that a result was saved to is there."""

from __future__ import annotations

from pathlib import Path

from wordtrace.errors import InputError


def check_saved(file: Path) -> None:
    """Refuse a file that does not exist (InputError)."""
    if not file.is_file():
        raise InputError(f"{file} does not exist; give a file that a result was saved to as .json.")
