"""The command line as a user runs it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.patience import PATIENCE


def wordtrace(
    *arguments: object, status: int = 0, cwd: Path | None = None, **extra: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "wordtrace", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=PATIENCE,
        env={**os.environ, "OMP_NUM_THREADS": "1", **extra},
    )
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done
