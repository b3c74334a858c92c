"""Whether a file is still the one that was read."""

from __future__ import annotations

from pathlib import Path

#: A file's number on the disk, when it was written (ns), and its size (bytes).
State = tuple[int, int, int]


def state_of(path: Path) -> State | None:
    """Return what a file that is written anew does not keep; None where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
