"""What a disk says that takes no more, in one form, whoever writes: an OSError with the file."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: What a disk refuses a write with, and nothing else; the advice that the command line adds.
ADVICE = {
    errno.ENOSPC: "Free some space, and run the same command again.",
    errno.EDQUOT: "Free some space, and run the same command again.",
    errno.EFBIG: "Files may not grow so large here: raise the limit (ulimit -f).",
    errno.EROFS: "Choose another place, or make this one writable.",
}
# NumPy says only how much it could not write.
_CUT_SHORT = re.compile(r"\d+ requested and \d+ written")
#: With fewer bytes than this a disk is full: SQLite takes so many at once for a log of writes.
_LEAST = 1 << 16
# SQLite has words of its own; some of them for several reasons.
_SQLITE = {"disk is full": errno.ENOSPC, "readonly database": errno.EROFS}


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Raise what writers say of a disk that refuses as an OSError that names `path`.

    Writers in other languages raise errors of their own, and a write into an opened file knows no
    name. Of the temporary folder beside `path` (:mod:`.temporary`) nobody needs to know.
    """
    try:
        yield
    except Exception as error:
        named = getattr(error, "filename", None)
        if isinstance(error, OSError) and named is not None and not _temporary(named, path):
            raise
        number = _number(error)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


def _temporary(named: object, path: Path) -> bool:
    return any(part.startswith(f".{path.name}.") for part in Path(str(named)).parts)


def _number(error: Exception) -> int | None:
    """Return the number of what the system said, if it was the system."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    said = str(error)
    if isinstance(error, OSError) and _CUT_SHORT.search(said):
        return errno.ENOSPC
    known = {**_SQLITE, **{os.strerror(number): number for number in ADVICE}}
    return next((number for words, number in known.items() if words in said), None)


def why_not(path: Path) -> int | None:
    """Return the number of what keeps a file from being written; None where nothing is seen.

    For libraries that say of a full disk, or a read-only one, only that it did not work.
    """
    with suppress(OSError):
        disk = os.statvfs(path.parent)
        if disk.f_flag & os.ST_RDONLY:
            return errno.EROFS
        if disk.f_bavail * disk.f_frsize < _LEAST:
            return errno.ENOSPC
    return None
