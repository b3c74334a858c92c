"""The command line as a user runs it: in this process, made to look like a new one, or in its own.

A process that imports PyTorch takes seconds to start. Only what is about the process itself needs
one: signals, what is imported, an environment that a library reads while it is imported.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from typing import IO
from unittest import mock

import torch

from tests.patience import PATIENCE
from wordtrace.cli.main import main

Done = subprocess.CompletedProcess[str]

ENVIRONMENT = {"OMP_NUM_THREADS": "1"}


def wordtrace(*arguments: object, status: int = 0, cwd: Path | None = None, **extra: str) -> Done:
    """Run a command in this process, which is afterwards as it was before.

    Parameters
    ----------
    status
        The exit status that it must have.
    extra
        Variables of the environment.
    """
    given = ["wordtrace", *map(str, arguments)]
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")) for _ in "oe"]
        with (
            _as_new(given, cwd, {**ENVIRONMENT, **extra}),
            _into(1, "stdout", files[0]),
            _into(2, "stderr", files[1]),
        ):
            code = _exit_status()
        out, error = (_read(file) for file in files)
    return _checked(Done(given, code, out, error), status)


def wordtrace_process(
    *arguments: object, status: int = 0, cwd: Path | None = None, **extra: str
) -> Done:
    """Run a command in a process of its own."""
    return _checked(_python("-m", "wordtrace", *arguments, cwd=cwd, **extra), status)


def python_process(script: str, *arguments: object, cwd: Path | None = None) -> Done:
    """Run a script in a process of its own; it may end with any status."""
    return _python("-c", script, *arguments, cwd=cwd)


def _python(*words: object, cwd: Path | None, **extra: str) -> Done:
    return subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=PATIENCE,
        env={**os.environ, **ENVIRONMENT, **extra},
    )


def _checked(done: Done, status: int) -> Done:
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


def _exit_status() -> int:
    try:
        main()
    except SystemExit as ended:
        status = int(ended.code or 0)
        if status >= 128:
            # The command's guard would end this whole process.
            for thread in threading.enumerate():
                if isinstance(thread, threading.Timer):
                    thread.cancel()
        if status == 130:  # Ctrl-C is for the tests
            raise KeyboardInterrupt from None
        return status
    except Exception:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        return 1
    return 0


@contextmanager
def _as_new(given: list[str], cwd: Path | None, environment: dict[str, str]) -> Iterator[None]:
    """Make what a command finds in this process like what it finds in a new one, for a time."""
    _forget()
    threads = torch.get_num_threads()
    with (
        chdir(cwd or Path.cwd()),
        mock.patch.dict(os.environ, environment),
        mock.patch.object(sys, "argv", given),
        mock.patch.object(sys, "excepthook", sys.__excepthook__),
        # pytest's own handlers and its list of warnings keep from standard error what goes there.
        mock.patch.object(logging.root, "handlers", []),
        warnings.catch_warnings(),
        torch.random.fork_rng(devices=[]),
    ):
        warnings.resetwarnings()
        for kind in (ImportWarning, ResourceWarning, PendingDeprecationWarning, DeprecationWarning):
            warnings.simplefilter("ignore", kind)
        warnings.showwarning = _show_warning
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _forget() -> None:
    """Clear the package's caches, which outlive a command only where it shares its process."""
    for name, module in list(sys.modules.items()):
        if name.startswith("wordtrace."):
            for one in vars(module).values():
                if hasattr(one, "cache_clear"):
                    one.cache_clear()


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *rest: object
) -> None:
    sys.stderr.write(warnings.formatwarning(message, category, filename, lineno))


@contextmanager
def _into(descriptor: int, name: str, file: IO[str]) -> Iterator[None]:
    """Write to a file what Python, libraries in C and workers write to a standard stream."""
    before, kept = getattr(sys, name), os.dup(descriptor)
    before.flush()
    os.dup2(file.fileno(), descriptor)
    stream = open(descriptor, "w", closefd=False)  # noqa: SIM115
    setattr(sys, name, stream)
    _hand_over(before, stream)
    try:
        yield
    finally:
        # Whoever was first imported meanwhile may log to this stream.
        _hand_over(stream, before)
        setattr(sys, name, before)
        stream.close()
        os.dup2(kept, descriptor)
        os.close(kept)


def _hand_over(before: IO[str], after: IO[str]) -> None:
    for logger in logging.root.manager.loggerDict.values():
        for handler in getattr(logger, "handlers", []):
            # Only a handler that holds a stream: one of logging's own asks for it each time.
            if vars(handler).get("stream") is before:
                handler.setStream(after)


def _read(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
