"""A command in a process of its own, which never outlives this one."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from wordtrace.execute import supervisor
from wordtrace.execute.processes import WORKERS, cores

#: The variables by which libraries are told how many threads to use.
THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
_GRACE = 5.0
#: Seconds between two glances at whether it is to be stopped.
_GLANCE = 0.1
_READ = 1 << 16


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes
    ----------
    status
        Its exit status; negative: the signal that ended it. None where it was ended from here,
        because its time was over, or where it could not be started.
    reason
        Why it could not be started.
    """

    status: int | None
    reason: str = ""

    @property
    def words(self) -> str:
        """How it ended, as a part of a sentence."""
        if self.reason:
            return f"could not be started ({self.reason})"
        if self.status is None:
            return "took longer than its time limit and was ended"
        if self.status < 0:
            with suppress(ValueError):
                return f"was ended by the signal {signal.Signals(-self.status).name}"
        return f"ended with exit status {self.status}"


def run(
    words: Sequence[str],
    log: Path,
    *,
    folder: Path,
    environment: Mapping[str, str],
    limit: float | None = None,
    grace: float = _GRACE,
    stop: Event | None = None,
) -> Ended:
    """Run a command to its end; standard output and standard error go to the file `log`.

    Its process group is ended with this process, however that ends, and by an exception here, such
    as Ctrl-C.

    Parameters
    ----------
    words
        The program and its arguments.
    folder
        The folder that it runs in.
    environment
        All of its variables.
    limit
        After so many seconds it is ended.
    grace
        How many seconds it has to end by itself when it is told to.
    stop
        When it is set, by another thread, the command is ended.
    """
    lifeline, held = os.pipe()
    read, status = os.pipe()
    try:
        with open(log, "ab") as file:
            started = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", supervisor.__file__),
                    *(str(os.getpid()), str(lifeline), str(status), str(grace)),
                    *words,
                ],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                cwd=folder,
                env=dict(environment),
                pass_fds=(lifeline, status),
                start_new_session=True,
            )
    except BaseException:
        for descriptor in (lifeline, held, read, status):
            os.close(descriptor)
        raise
    os.close(lifeline)
    os.close(status)
    said: bytes | None = None
    try:
        said = _read(read, limit, stop)
    finally:
        # Whatever is still there ends now: at the time limit, and at an interruption.
        os.close(held)
        os.close(read)
        _wait(started, grace)
    if said is None:
        return Ended(None)
    text = said.decode(errors="replace")
    if not text:  # the supervisor was killed before it could tell
        return Ended(-int(signal.SIGKILL))
    return Ended(int(text)) if text.lstrip("-").isdigit() else Ended(None, text)


def environment_of(own: Mapping[str, str], **more: str) -> dict[str, str]:
    """Return the variables of a command: this process's, with its share of the cores in threads.

    Parameters
    ----------
    own
        Those of :data:`THREADS` that the user set, which stay.
    """
    threads = {name: own.get(name, str(share_of_cores())) for name in THREADS}
    # What is printed is in the log when the command is killed.
    return {"PYTHONUNBUFFERED": "1", **os.environ, **threads, **more}


def share_of_cores() -> int:
    """Return how many threads there are for a training, beside those of the other workers.

    Where there are no other workers, as many as the user said by ``OMP_NUM_THREADS``.
    """
    workers = os.environ.get(WORKERS)
    if workers is not None:  # what the executor set in its worker is not the user's
        return max(1, cores() // int(workers))
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdecimal() and int(said) else cores()


def last_lines(log: Path, count: int = 8) -> list[str]:
    """Return the last lines of a log that say something, the longest of them cut."""
    try:
        with open(log, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _READ))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    # Of a line that a progress bar wrote over and over, what was seen last.
    lines = [one.rstrip("\r").rpartition("\r")[2].strip() for one in text.split("\n")]
    said = [one for one in lines if one]
    return [one if len(one) <= 300 else f"{one[:300]}…" for one in said[-count:]]


def _read(descriptor: int, limit: float | None, stop: Event | None) -> bytes | None:
    """Return what is written to a pipe until its end; None after `limit`, or when it is stopped."""
    end = None if limit is None else time.monotonic() + limit
    found = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            left = None if end is None else end - time.monotonic()
            if (left is not None and left <= 0) or (stop is not None and stop.is_set()):
                return None
            if stop is not None:
                left = _GLANCE if left is None else min(left, _GLANCE)
            if selector.select(left):
                part = os.read(descriptor, 1024)
                if not part:
                    return found
                found += part


def _wait(started: subprocess.Popen[bytes], grace: float) -> None:
    """Wait for a supervisor that is to end; kill its group where it does not."""
    try:
        started.wait(grace + 5)
    except BaseException as error:  # it hangs, or Ctrl-C came a second time
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
