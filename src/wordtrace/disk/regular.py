"""Whether a file is there: a pipe is waited for without end, and a device is read without end."""

from __future__ import annotations

import stat
from pathlib import Path

from wordtrace.errors import CorruptError


def is_there(path: Path) -> bool:
    """Return whether a file is at a path, or a link to one; False where there is nothing.

    Raises
    ------
    CorruptError
        For anything that is not a file, and for a link that leads nowhere.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            raise CorruptError(f"{path} is a link that leads nowhere; take it away.") from None
        return False
    except OSError as error:
        raise CorruptError(f"{path} can't be read ({error.strerror}).") from None
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise CorruptError(f"{path} is {what}, where a file should be; take it away.")
    return True
