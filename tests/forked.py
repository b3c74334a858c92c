"""Processes forked from one that has loaded the library, so that each starts at once.

They are for tests that kill a process, and for the workers of :class:`.Processes` in all tests but
those of their start itself.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

from loky.process_executor import ProcessPoolExecutor

from wordtrace.api import _MODULES
from wordtrace.execute.processes import _start_worker

FORKING = get_context("forkserver")
FORKING.set_forkserver_preload([*sorted(set(_MODULES.values())), "pytest", "tests.forked"])


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


def forked_pool(
    max_workers: int, env: Mapping[str, str], initializer: object, initargs: tuple[int, int]
) -> ProcessPoolExecutor:
    """Return a pool as loky makes it for :class:`.Processes`, of processes that are forked.

    A new process would import PyTorch, and transformers where a model is theirs, for seconds.
    """
    assert initializer is _start_worker
    _, threads = initargs
    return ProcessPoolExecutor(
        max_workers, context=FORKING, initializer=_start_forked, initargs=(dict(env), threads)
    )


#: While it is started, the workers of :class:`.Processes` are forked.
forked_workers = mock.patch("loky.process_executor.ProcessPoolExecutor", forked_pool)


@contextmanager
def new_workers() -> Iterator[None]:
    """Start them as a user's program does."""
    with mock.patch("loky.process_executor.ProcessPoolExecutor", ProcessPoolExecutor):
        yield


def _start_forked(environment: Mapping[str, str], threads: int) -> None:
    os.environ.update(environment)
    # Its parent is the process that forks; that ends with the tests.
    _start_worker(os.getppid(), threads)


def _run(program: str, arguments: list[str], group: bool, told: Path | None) -> None:
    # A process in the background of a shell ignores it, and hands that on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if group:
        os.setsid()
    if told is not None:
        for descriptor, name in enumerate(("stdout", "stderr"), 1):
            os.dup2(os.open(told / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    sys.argv = ["-c", *arguments]
    exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})
