"""Folders in which a file grows before it takes its place, and what kills leave of them.

A writer works in ``.NAME.PID.tmp`` beside its file: whatever else the library that writes puts
beside its own file, lies in there, too. The writer holds the folder's lock for as long as it works,
and the lock ends with the process, however that ends. So the next writer of the same file knows a
stray by its lock being free, which the number of a process does not tell where several machines
share a disk. A disk that knows no locks keeps its strays.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path


@contextmanager
def folder_for(path: Path) -> Iterator[Path]:
    """Give an empty folder beside `path` to write in; it is gone afterwards.

    What killed writers of the same file left is removed first.
    """
    clear(path)
    place, handle = _claimed(path)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        # Closing alone would leave the lock to a process that was forked meanwhile.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)
        _emptied(place)


def clear(path: Path) -> None:
    """Remove what killed writers of a file left beside it; a living writer's stays."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.\d+(-\d+)?\.tmp")
    with suppress(OSError):  # whoever may not look here is told by the writing itself
        with os.scandir(path.parent) as entries:
            found = [one.path for one in entries if ours.fullmatch(one.name)]
        for place in found:
            remove_unheld(place)


def _emptied(place: Path) -> None:
    """Remove a folder of files where as many files are open as may be, but for one."""
    with suppress(OSError):
        for name in os.listdir(place):
            os.unlink(place / name)
        place.rmdir()


def is_ours(name: str) -> bool:
    """Tell by the name of a file or folder whether a writer made it to write in."""
    return re.fullmatch(r"\..+\.\d+(-\d+)?\.tmp", name) is not None


def remove_unheld(place: str | Path) -> None:
    """Remove a writer's folder unless that writer lives."""
    with suppress(OSError):  # somebody else's, held, or gone meanwhile
        handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(place)
            fcntl.flock(handle, fcntl.LOCK_UN)
        finally:
            os.close(handle)


def _claimed(path: Path) -> tuple[Path, int]:
    """Make a folder and lock it; return it with its descriptor."""
    for number in count():
        # Another thread of this process may be writing the same file, or, on a shared disk, a
        # process of this number on another machine.
        again = f"-{number}" if number else ""
        place = path.with_name(f".{path.name}.{os.getpid()}{again}.tmp")
        with suppress(FileExistsError, FileNotFoundError):
            place.mkdir()
            handle = os.open(place, os.O_RDONLY)
            with suppress(OSError):  # this disk knows no locks
                fcntl.flock(handle, fcntl.LOCK_EX)
            # Before the lock was held, another writer may have taken the folder for a stray.
            with suppress(FileNotFoundError):
                if os.path.samestat(place.stat(), os.fstat(handle)):
                    return place, handle
            os.close(handle)
    raise AssertionError
