"""Processes that tests kill, forked from one that has loaded the library: each starts at once."""

from __future__ import annotations

import os
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from loky.process_executor import ProcessPoolExecutor

FORKING = get_context("forkserver")
FORKING.set_forkserver_preload(["wordtrace.api"])


def forked_pool(max_workers: int, **_: Any) -> Any:
    """Return a pool of loky whose workers start at once, and end with the pool alone.

    It takes the place of ``loky.process_executor.ProcessPoolExecutor``.
    """
    # Without the initializer: it ends a worker that is not the child of this process.
    return ProcessPoolExecutor(max_workers, context=FORKING)


class Forked:
    """A process that runs a program, as ``python -c PROGRAM ARGUMENTS`` does.

    Parameters
    ----------
    group
        Whether it leads a process group of its own, and its workers with it.
    told
        A folder to which its standard output and standard error go, as files of these names.
    """

    def __init__(
        self, program: str, *arguments: object, group: bool = False, told: Path | None = None
    ) -> None:
        given = (program, [str(one) for one in arguments], group, told)
        self._process = FORKING.Process(target=_run, args=given)
        self._process.start()
        assert self._process.pid
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, the negative number of the signal, or None while it runs."""
        return self._process.exitcode

    def wait(self) -> int:
        """Wait for its end and return its exit status."""
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode

    def kill(self) -> None:
        """End it as a machine does that is out of memory, and wait until it is gone."""
        self._process.kill()
        self._process.join()


def _run(program: str, arguments: list[str], group: bool, told: Path | None) -> None:
    if group:
        os.setsid()
    if told is not None:
        for descriptor, name in enumerate(("stdout", "stderr"), 1):
            os.dup2(os.open(told / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    sys.argv = ["-c", *arguments]
    exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})
