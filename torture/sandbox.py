"""A command in a process of its own: what it said, how it ended, and what it left behind.

A process that imports PyTorch takes seconds to start, so most are forked from one that has loaded
the library (``forkserver``); with `fresh` it starts as a user's does.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path
from threading import Lock
from typing import Any

from torture import child

#: No attempt takes this long on a healthy machine, however busy: what does, hangs. In seconds.
PATIENCE = 600.0

_FORKING = get_context("forkserver")
# To start a process is to look which others have ended: two threads that read the same end would
# have one of them find nothing, and call the process lost (exit status 255).
_ONE_READS = Lock()
_LOADED = ["torture.preloaded", "torture.child"]
_FORKING.set_forkserver_preload(_LOADED)


def load_first(module: str) -> None:
    """Load a module, too, before the first command is forked; afterwards it is too late."""
    _FORKING.set_forkserver_preload([*_LOADED, module])


@dataclass(frozen=True)
class Stop:
    """What happens to the process while it runs.

    Attributes
    ----------
    signal
        The signal that it gets.
    operation
        Before which of its operations on files that is: 1 is its first. An operation creates,
        opens for writing, renames or removes a file or folder below the working folder or `root`.
    after
        After how many seconds that is, in place of an operation.
    root
        A folder whose operations count, too.
    """

    signal: int = signal.SIGKILL
    operation: int | None = None
    after: float | None = None
    root: Path | None = None


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes
    ----------
    status
        Its exit status; the negative number of the signal that ended it; None where it hung.
    out, error
        What it wrote to standard output and standard error.
    operations
        How many operations on files it made (see :class:`Stop`), where these were counted.
    left
        What it left behind: processes of its session, files in its folder for temporary files, and
        named semaphores and shared memory.
    """

    status: int | None
    out: str
    error: str
    operations: int = 0
    left: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def sentence(self) -> str | None:
        """The one sentence in which a command refused, or None if it did not refuse in one."""
        lines = [line for line in self.error.splitlines() if line.startswith("wordtrace: ")]
        bug = "This is a bug" in self.error or "Traceback (most recent" in self.error
        return lines[-1] if self.status in (1, 2, 130) and lines and not bug else None

    def json(self) -> Any:
        """Parse standard output."""
        return json.loads(self.out)

    def said(self, length: int = 300) -> str:
        """Return the end of what it said, for an attempt's detail."""
        return f"exit {self.status}: {self.error.strip()[-length:]}"


@dataclass(frozen=True)
class Command:
    """A command, or another function, to be run in a process of its own.

    Attributes
    ----------
    arguments
        Of the command line, without ``wordtrace``; or of `target`.
    cwd
        Its working folder.
    target
        ``module:function`` in place of the command line; it is called with the arguments.
    environment
        Variables to set; None as a value takes one away.
    limits
        Limits of the process by their names in :mod:`resource`: ``{"RLIMIT_NOFILE": 20}``.
    fresh
        Whether the process starts anew and not by forking; then its workers do, too.
    """

    arguments: Sequence[object]
    cwd: Path
    target: str = "wordtrace.cli.main:main"
    environment: Mapping[str, str | None] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    stop: Stop | None = None
    counted: bool = False
    fresh: bool = False
    patience: float = PATIENCE

    def run(self) -> Ended:
        """Run it to its end, or until it counts as hanging; nothing of it runs on afterwards."""
        with tempfile.TemporaryDirectory(prefix="torture-") as place:
            told = Path(place)
            (told / "tmp").mkdir()
            start = time.perf_counter()
            status = self._spawned(told) if self.fresh else self._forked(told)
            seconds = time.perf_counter() - start
            return Ended(
                status,
                _read(told / "stdout"),
                _read(told / "stderr"),
                int(_read(told / "operations") or 0),
                tuple(_left(told)),
                seconds,
            )

    def _order(self, told: Path) -> child.Order:
        stop = self.stop or Stop()
        return child.Order(
            target=self.target,
            arguments=tuple(map(str, self.arguments)),
            cwd=str(self.cwd),
            told=str(told),
            environment={"OMP_NUM_THREADS": "1", "TMPDIR": str(told / "tmp"), **self.environment},
            limits=dict(self.limits),
            roots=tuple(str(one) for one in (self.cwd, stop.root) if one),
            counted=self.counted or stop.operation is not None,
            operation=stop.operation,
            signal=int(stop.signal),
        )

    def _forked(self, told: Path) -> int | None:
        process = _FORKING.Process(target=child.obey, args=(self._order(told),))
        with _ONE_READS:
            process.start()
        assert process.pid
        while not (told / "session").exists() and not wait([process.sentinel], 0.001):
            pass
        stop = self.stop or Stop()
        if stop.after is not None and not wait([process.sentinel], stop.after):
            with suppress(ProcessLookupError):
                os.kill(process.pid, stop.signal)
        hung = not wait([process.sentinel], self.patience)
        _end_session(told, kill=hung)
        wait([process.sentinel])
        with _ONE_READS:
            process.join()
        return None if hung else process.exitcode

    def _spawned(self, told: Path) -> int | None:
        code = "import sys; from torture import child; child.obey(child.Order.read(sys.argv[1]))"
        process = subprocess.Popen(
            [sys.executable, "-c", code, self._order(told).written()],
            stdin=subprocess.DEVNULL,
            cwd=Path(__file__).parent.parent,
        )
        try:
            if self.stop and self.stop.after is not None:
                while not (told / "session").exists() and process.poll() is None:
                    time.sleep(0.001)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(self.stop.after)
                if process.poll() is None:
                    os.kill(process.pid, self.stop.signal)
            process.wait(self.patience)
            hung = False
        except subprocess.TimeoutExpired:
            hung = True
        _end_session(told, kill=hung)
        process.wait()
        return None if hung else process.returncode


def processes_of(session: int) -> list[int]:
    """Return the processes of a session that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, _, of = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(of) == session and state not in "ZX":
                found.append(int(entry.name))
    return found


#: How long what a process started may take to end after it, in seconds.
_GRACE = 20.0


def _end_session(told: Path, *, kill: bool) -> None:
    """Wait until the session of a process is empty; end what remains, and note it as left over."""
    written = _read(told / "session")
    if not written:
        return
    session, until = int(written), time.monotonic() + _GRACE
    while not kill and processes_of(session) and time.monotonic() < until:
        time.sleep(0.01)
    remaining = processes_of(session)
    if remaining and not kill:
        (told / "remained").write_text("\n".join(map(_named, remaining)))
    for pid in remaining:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _named(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:200]
    return str(pid)


#: Names in shared memory that some process has left.
_TOLD: set[str] = set()


def _left(told: Path) -> list[str]:
    files = [f"temporary file {one.name}" for one in sorted((told / "tmp").iterdir())]
    # A named semaphore and shared memory have in their names who made them.
    ours = re.compile(rf"(?<!\d){_read(told / 'session') or 'nobody'}(?!\d)")
    shared = Path("/dev/shm")
    names = sorted(one.name for one in shared.iterdir()) if shared.is_dir() else []
    remained = [f"process {one}" for one in _read(told / "remained").splitlines()]
    # A later process of the same number did not leave it.
    held = [one for one in names if ours.search(one) and one not in _TOLD]
    _TOLD.update(held)
    return remained + files + [f"shared memory {one}" for one in held]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
