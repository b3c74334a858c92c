"""The list of measures, as callers reach it."""

from __future__ import annotations

import subprocess
import sys


def test_the_measures_can_be_listed_after_any_other_call() -> None:
    """Importing the package of that name must not hide the function."""
    program = "import wordtrace as wt; wt.Run; print(len(wt.measures()['measures']))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10
