"""What was recorded is there after any kill, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from wordtrace.errors import CorruptError
from wordtrace.execute.ledger import Ledger


def test_the_first_result_of_a_key_stays(tmp_path: Path) -> None:
    with Ledger(tmp_path / "done.sqlite") as ledger:
        ledger.record("a", {"value": 0.1})
        ledger.record("a", {"value": 0.2})
        assert ledger.get("a") == {"value": 0.1}
        assert ledger.get("b") is None
        assert len(ledger) == 1


def test_a_result_with_nan_is_not_recorded(tmp_path: Path) -> None:
    with Ledger(tmp_path / "done.sqlite") as ledger:
        with pytest.raises(ValueError, match="JSON compliant"):
            ledger.record("a", {"value": float("nan")})
        assert ledger.get("a") is None


def test_records_survive_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "done.sqlite"
    program = f"""
import os, signal
from pathlib import Path
from wordtrace.execute.ledger import Ledger
ledger = Ledger(Path({str(path)!r}))
for place in range(7):
    ledger.record(str(place), {{"value": place}})
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], env=os.environ, timeout=PATIENCE)
    assert done.returncode == -signal.SIGKILL
    with Ledger(path) as ledger:
        assert [ledger.get(str(place)) for place in range(7)] == [{"value": n} for n in range(7)]


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "done.sqlite").write_text("not a database " * 100)
    with pytest.raises(CorruptError, match=r"done\.sqlite can't be used as a ledger"):
        Ledger(tmp_path / "done.sqlite")
