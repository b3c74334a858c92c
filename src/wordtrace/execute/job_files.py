"""The files through which jobs of a cluster answer: JSON, in folders that are private to the user.

Nothing is unpickled here: a run's folder may come from somebody else.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from wordtrace import errors
from wordtrace.disk import atomic, fingerprint
from wordtrace.errors import InputError, Option, WordtraceError, option
from wordtrace.execute.threads import holding


class JobFiles:
    """A folder for the jobs of one study, made anew, beside those that killed studies left.

    Used as a context: it is removed in the end, unless a job was lost, whose log is of use then.

    Parameters
    ----------
    folder
        Where such folders lie; it is made if it is not there.

    Attributes
    ----------
    own
        The new folder: nothing that anybody else wrote is in it.
    keep
        Whether it stays.
    """

    def __init__(self, folder: Path) -> None:
        folder = folder.absolute()
        self._folder, self.keep = folder, False
        if folder.is_symlink():
            raise InputError(f"{folder} is a link, but jobs' files must be private; remove it.")
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise InputError(f"{folder} belongs to another user; remove it, or copy the run.")
        folder.chmod(0o700)
        self._earlier = sorted(one for one in folder.iterdir() if one.is_dir())
        # mkdtemp makes a folder that nobody else may enter.
        self.own = Path(tempfile.mkdtemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), dir=folder))

    def left(self, name: str) -> dict[str, Any] | None:
        """Return the answer, a result, that a job of a killed study left under a name, or None."""
        for room in self._earlier:
            for path in room.glob(f"{name}.*.json"):
                with suppress(WordtraceError):
                    if "result" in (found := atomic.read_json(path)):
                        return found
        return None

    def answer(self, name: str, attempt: int) -> Path:
        """Return the place of an answer."""
        return self.own / f"{name}.{attempt}.json"

    def __enter__(self) -> JobFiles:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.keep:
            shutil.rmtree(self.own, ignore_errors=True)
            with suppress(OSError):  # others are there
                self._folder.rmdir()


def name_of(item: object) -> str:
    """Return a name for a task's answers; it is found again if it is made of the task's `key`."""
    key = getattr(item, "key", None)
    return secrets.token_hex(16) if key is None else fingerprint.of_document({"key": str(key)})


def do(task: Callable[[Any], Any], item: Any, path: Path, threads: int) -> None:
    """Do a task, in a job, and write its answer.

    Any error but a :class:`WordtraceError` ends the job without an answer; its log then tells it.
    """
    count = str(threads)
    os.environ.update(OMP_NUM_THREADS=count, MKL_NUM_THREADS=count, OPENBLAS_NUM_THREADS=count)
    try:
        # A PyTorch that the task itself imports goes by the environment.
        with holding(threads) if "torch" in sys.modules else nullcontext():
            found: dict[str, Any] = {"result": task(item)}
    except WordtraceError as error:
        found = {"error": type(error).__name__, "parts": [_as_json(part) for part in error.parts]}
    atomic.write_json(path, found)


def read(path: Path) -> Any:
    """Return a result, or the error (not raised) with which a task ended.

    Raises
    ------
    CorruptError
        When the file is not there or is no answer.
    """
    found = atomic.read_json(path)
    return found["result"] if "result" in found else _error(found)


def _as_json(part: str | Option) -> Any:
    return part if isinstance(part, str) else [part.name, part.value]


def _error(found: dict[str, Any]) -> WordtraceError:
    kind = getattr(errors, str(found["error"]), WordtraceError)
    if not (isinstance(kind, type) and issubclass(kind, WordtraceError)):
        kind = WordtraceError
    return kind("".join(one if isinstance(one, str) else option(*one) for one in found["parts"]))
