"""What was recorded is there after any kill, and nothing else."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path
from unittest import mock
from unittest.mock import Mock

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


def test_a_changed_result_is_named(tmp_path: Path) -> None:
    path = tmp_path / "done.sqlite"
    with Ledger(path) as ledger:
        ledger.record("a:1", {"value": 0.53125})
    data = path.read_bytes()
    assert data.count(b"0.53125") == 1
    path.write_bytes(data.replace(b"0.53125", b"0.13125"))
    with Ledger(path) as ledger:
        for read in (lambda: ledger.get("a:1"), lambda: ledger.starting("a:")):
            with pytest.raises(CorruptError, match=r"the result of 'a:1' is not as it was recorde"):
                read()


def test_a_damaged_page_is_named(tmp_path: Path) -> None:
    path = tmp_path / "done.sqlite"
    with Ledger(path) as ledger:
        for place in range(400):
            ledger.record(f"key {place:04}", {"value": place})
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with (
        Ledger(path) as ledger,
        pytest.raises(CorruptError, match=r"can't be used as a ledger \(.*\); delete it to start"),
    ):
        ledger.get("key 0007")


def test_a_ledger_without_checksums_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "done.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE done (key TEXT PRIMARY KEY, result TEXT NOT NULL)")
    connection.execute("INSERT INTO done VALUES ('a', '{\"value\": 1}')")
    connection.commit()
    connection.close()
    with Ledger(path) as ledger:
        ledger.record("b", {"value": 2})
        assert ledger.starting("") == [("a", {"value": 1}), ("b", {"value": 2})]


def test_the_log_that_two_leave_to_each_other_is_taken_in(tmp_path: Path) -> None:
    """Each of two that close at the same moment finds the other still there."""
    path, log = tmp_path / "done.sqlite", tmp_path / "done.sqlite-wal"
    with Ledger(path) as ledger:
        ledger.record("a", {"value": 1})
        kept = {one: one.read_bytes() for one in tmp_path.iterdir()}
        assert log in kept
        connection, ledger._connection = ledger._connection, Mock()

        def closed() -> None:
            connection.close()
            for one, data in kept.items():
                one.write_bytes(data)

        ledger._connection.close = closed
    assert os.listdir(tmp_path) == [path.name]
    with Ledger(path) as ledger:
        assert ledger.get("a") == {"value": 1}


def test_a_ledger_that_can_not_be_opened_is_let_go_of(tmp_path: Path) -> None:
    """It may hold a lock, which whoever mends the file would wait for."""
    path, closed = tmp_path / "done.sqlite", []

    class Connection(sqlite3.Connection):
        def close(self) -> None:
            closed.append(path)
            super().close()

    path.write_bytes(b"SQLite format 3\0" + bytes(4000))
    with (
        mock.patch.object(sqlite3, "connect", partial(sqlite3.connect, factory=Connection)),
        pytest.raises(CorruptError, match="can't be used as a ledger"),
    ):
        Ledger(path)
    assert closed == [path]
