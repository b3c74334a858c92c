"""Whether a folder is a run's: by its files' names alone, so that a wrong place is told at once."""

from __future__ import annotations

from pathlib import Path

from wordtrace.disk import atomic
from wordtrace.errors import InputError

MANIFEST = "run.json"


def is_run(folder: Path) -> bool:
    """Whether a folder holds a finished run."""
    return atomic.holds(folder, MANIFEST)


def check_run(folder: Path) -> None:
    """Refuse a folder that holds no finished run (InputError)."""
    if is_run(folder):
        return
    if atomic.part_of(folder).exists():
        raise InputError(
            f"{folder} is not finished: its training, or its recording, was interrupted; "
            "run the same `wordtrace train` or `record` again."
        )
    what = f"holds no {MANIFEST}" if folder.is_dir() else "does not exist"
    raise InputError(f"{folder} {what}; make a run with `wordtrace train` or `record`.")
