"""The checksum of a sample of a file: what can be compared each time that the file is read.

A whole checksum costs as much as reading the whole file, which a memory-mapped file never is. A
sample tells another file of the same size, or one of which a large part was lost; a single changed
byte of a large file is found by the whole checksum alone (``wordtrace check``).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from wordtrace.errors import CorruptError

#: A file of up to so many bytes is its own sample.
WHOLE = 1 << 20
#: Of a larger one these many pages of this size are taken, evenly from its first to its last.
PAGES, PAGE = 16, 4096


def of_sample(path: Path) -> str:
    """Return the BLAKE2b-160 of a file's sample as 40 hex digits (OSError)."""
    digest = hashlib.blake2b(digest_size=20)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= WHOLE:
            digest.update(file.read(WHOLE))
        else:
            for page in range(PAGES):
                digest.update(os.pread(file.fileno(), PAGE, (size - PAGE) * page // (PAGES - 1)))
    return digest.hexdigest()


def check_sample(path: Path, recorded: str | None, remedy: str) -> Path:
    """Compare a file's sample with the one that was recorded, and return its path.

    Parameters
    ----------
    recorded
        None where an earlier wordtrace wrote the file and recorded none: then nothing is compared.
    remedy
        What to do about a file that has changed, as the end of a sentence.

    Raises
    ------
    CorruptError
        When it is another, or the file can't be read.
    """
    if recorded is None:
        return path
    try:
        found = of_sample(path)
    except OSError as error:
        raise CorruptError(f"{path} can't be read ({error.strerror}); {remedy}.") from None
    if found != recorded:
        raise CorruptError(f"{path} has changed since it was written; {remedy}.")
    return path
