"""Whether a folder is an index: by names of files alone, so that a wrong place is told at once."""

from __future__ import annotations

from pathlib import Path

from wordtrace.disk import atomic
from wordtrace.errors import InputError
from wordtrace.index.manifest import FILE
from wordtrace.run.place import MANIFEST, check_run


def check_index(folder: Path) -> None:
    """Refuse a folder that holds no finished index (InputError)."""
    if atomic.holds(folder, FILE):
        return
    if atomic.part_of(folder).exists():
        raise InputError(
            f"{folder} is not finished: its build was interrupted; "
            "run `wordtrace index` again to go on."
        )
    if (folder / MANIFEST).is_file():
        raise InputError(f"{folder} is a run, not an index; give {folder / 'index'}.")
    what = f"holds no {FILE}" if folder.is_dir() else "does not exist"
    raise InputError(f"{folder} {what}; build an index with `wordtrace index RUN`.")


def check_either(folder: Path) -> None:
    """Refuse a folder that holds neither a finished index nor a finished run (InputError)."""
    if not is_index(folder):
        check_run(folder)


def is_index(folder: Path) -> bool:
    """Whether a folder holds a finished index; what is none is taken for a run."""
    return (folder / FILE).exists()
