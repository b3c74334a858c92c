"""How long a test waits for another process: the one limit, which no healthy machine reaches.

A test says what it waits for, never how fast that must come: a busy machine is slow, not wrong. The
limit is there only so that what hangs ends at some time; before that, pytest shows where it hangs
(`faulthandler_timeout` in pyproject.toml).
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.forked import Forked

Process = subprocess.Popen[Any] | Forked

PATIENCE = 3600.0
"""Seconds."""


def wait_until(reached: Callable[[], bool], process: Process | None = None) -> None:
    """Wait until `reached` is true; `process`, which is to bring it about, must not end before."""
    until = time.monotonic() + PATIENCE
    while not reached():
        assert process is None or process.poll() is None, "the process ended too early"
        assert time.monotonic() < until, f"not reached in {PATIENCE:,.0f} seconds"
        time.sleep(0.002)


def wait_for_files(folder: Path, pattern: str, count: int, process: Process) -> None:
    """Wait until `process` has written so many files."""
    wait_until(lambda: len(list(folder.glob(pattern))) >= count, process)
