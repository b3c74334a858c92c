"""How much memory is free for more processes, and which errors say what a process lacked."""

from __future__ import annotations

import errno
import os
import re
from contextlib import suppress
from pathlib import Path

_SYSTEM = Path("/proc/meminfo")
# The limit of a container and what it holds already: as cgroups of version 2, then 1, tell them.
_GROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)


def free_memory() -> int:
    """Return the bytes that new processes may take without swapping, as far as the system tells."""
    found = [_available()]
    for limit, used in _GROUPS:
        with suppress(OSError, ValueError):  # no such group, or it has no limit
            found.append(int(limit.read_text()) - int(used.read_text()))
    return max(0, min(found))


def lacking(error: BaseException) -> str | None:
    """Return a sentence for an error that says that something was wanting; None for any other.

    Of memory NumPy raises MemoryError; PyTorch a RuntimeError on the CPU, and one of its own on a
    GPU. Threads and open files have limits, which each library says in its own error.
    """
    said, name = str(error), type(error).__name__
    if os.strerror(errno.EMFILE) in said:
        return (
            "too many files are open at once for the limit of this process: raise it (ulimit -n)."
        )
    if "start new thread" in said or "ThreadPoolBuildError" in said:
        return (
            "the system gives this process no more threads: raise the limit (ulimit -u), free some "
            "memory, or take fewer workers."
        )
    if name == "OutOfMemoryError":
        where = "the GPU"
    elif isinstance(error, MemoryError) or "can't allocate memory" in said:
        where = "this machine"
    else:
        return None
    asked = re.search(r"tried to allocate (\d+) bytes", said)
    size = f": {int(asked[1]) / 1e9:,.1f} GB were wanted at once" if asked else ""
    return (
        f"the memory of {where} is too small for this{size}. Take a smaller model, smaller batches "
        "or fewer workers, or a machine with more memory."
    )


def _available() -> int:
    with suppress(OSError, ValueError, StopIteration):
        lines = _SYSTEM.read_text().splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(line.split()[1]) << 10
    pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in os.sysconf_names else "SC_PHYS_PAGES"
    return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
