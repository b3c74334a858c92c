"""A command in a process that lacks something: memory, files, a clock, a home, a stream."""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from wordtrace.cli.main import main

#: The exit status of an attempt that this machine does not permit.
NOT_PERMITTED = 77

_NEW_MOUNTS, _NEW_NETWORK = 0x20000, 0x40000000


def run(lacks: str, *words: str) -> None:
    """Take something away, and run a command line.

    Parameters
    ----------
    lacks
        A JSON object with one or several of: ``memory`` (bytes beside what the process has
        already), ``jump`` (seconds by which every other look at the clock differs), ``close``
        (numbers of streams), ``full`` (whether standard output is), ``shm`` (options of a mount in
        the place of shared memory), ``network`` (false), ``gone`` (a folder to stand in that is
        then removed), ``umask``, ``start`` (variables with which Python is started anew; null takes
        one away).
    """
    wanted = json.loads(lacks)
    tempfile.tempdir = None
    if "umask" in wanted:
        os.umask(wanted["umask"])
    if "shm" in wanted:
        _own(_NEW_MOUNTS)
        _mount("--make-rprivate", "/")
        _mount("-t", "tmpfs", "-o", wanted["shm"], "tmpfs", "/dev/shm")
    if "network" in wanted:
        _own(_NEW_NETWORK)
    if "gone" in wanted:
        Path(wanted["gone"]).mkdir()
        os.chdir(wanted["gone"])
        os.rmdir(os.getcwd())
    if "full" in wanted:
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    for number in wanted.get("close", ()):
        os.close(number)
    if "start" in wanted:
        kept = {**os.environ, **wanted["start"]}
        environment = {name: value for name, value in kept.items() if value is not None}
        command = [sys.executable, "-m", "wordtrace", *words]
        os.execve(sys.executable, command, environment)
    if "jump" in wanted:
        _jumping(wanted["jump"])
    if "memory" in wanted:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGESIZE") + wanted["memory"]
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    sys.argv = ["wordtrace", *words]
    main()


def _own(kind: int) -> None:
    """Give this process mounts or a network of its own."""
    if ctypes.CDLL(None, use_errno=True).unshare(kind):
        _give_up(os.strerror(ctypes.get_errno()))


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True)
    if done.returncode:
        _give_up(done.stderr)


def _give_up(why: str) -> None:
    sys.stderr.write(why)
    sys.exit(NOT_PERMITTED)


def _jumping(seconds: float) -> None:
    real, turn = time.time, itertools.cycle((0.0, seconds))
    time.time = lambda: real() + next(turn)
