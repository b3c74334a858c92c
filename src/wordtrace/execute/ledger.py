"""A list of finished tasks in a SQLite file, so that a killed job resumes where it was."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any

from wordtrace.disk.json_text import parse_json
from wordtrace.disk.refused import naming, why_not
from wordtrace.disk.regular import is_there
from wordtrace.errors import CorruptError

#: What SQLite says where the file may be whole: the disk is full, read-only, or locked by another.
_REFUSALS = (
    *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM),
    *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN),
)


class Ledger:
    """An append-only table from a task's key to its result, a JSON document.

    Each record is committed before :meth:`record` returns: after a kill the ledger holds exactly
    the tasks that were recorded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        is_there(path)
        with self._told():
            self._connection = sqlite3.connect(path, timeout=60.0)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()  # it may hold a lock
                raise

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS done (key TEXT PRIMARY KEY, result TEXT NOT NULL,"
            " checksum TEXT)"
        )
        names = [row[1] for row in self._connection.execute("PRAGMA table_info(done)")]
        if "checksum" not in names:  # an earlier wordtrace made it
            self._connection.execute("ALTER TABLE done ADD COLUMN checksum TEXT")
        self._connection.commit()

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the result recorded for `key`, or None (CorruptError)."""
        rows = self._rows("WHERE key = ?", (key,))
        return rows[0][1] if rows else None

    def starting(self, prefix: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the keys that start with `prefix`, in rising order, with their results.

        Raises
        ------
        CorruptError
            When one is not as it was recorded.
        """
        return self._rows(
            "WHERE key >= ? AND key < ? ORDER BY key", (prefix, prefix + chr(0x10FFFF))
        )

    def _rows(self, which: str, given: tuple[str, ...]) -> list[tuple[str, dict[str, Any]]]:
        with self._told():
            return [
                (key, self._whole(key, result, checksum))
                for key, result, checksum in self._connection.execute(
                    f"SELECT key, result, checksum FROM done {which}", given
                )
            ]

    def _whole(self, key: Any, result: Any, checksum: Any) -> dict[str, Any]:
        """Parse a result that is as it was recorded (ValueError)."""
        if not isinstance(key, str) or not isinstance(result, str):
            raise ValueError("a row is not as it was recorded")
        # An earlier wordtrace recorded no checksums.
        if checksum is not None and checksum != _checksum(key, result):
            raise ValueError(f"the result of {key[:60]!r} is not as it was recorded")
        found = parse_json(result)
        if not isinstance(found, dict):
            raise ValueError(f"the result of {key[:60]!r} is no JSON object")
        return found

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say what is wrong with the file: OSError where the disk refuses, else CorruptError."""
        try:
            with naming(self.path):
                yield
        except (sqlite3.Error, ValueError, OverflowError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _REFUSALS:
                number = why_not(self.path)
                said = str(error) if number is None else os.strerror(number)
                raise OSError(number, said, str(self.path)) from None
            raise CorruptError(
                f"{self.path} can't be used as a ledger ({error}); delete it to start anew."
            ) from None

    def record(self, key: str, result: Mapping[str, Any]) -> None:
        """Record a result; a key recorded before keeps its first result."""
        document = json.dumps(result, allow_nan=False)
        with self._told(), self._connection:
            self._connection.execute(
                "INSERT OR IGNORE INTO done (key, result, checksum) VALUES (?, ?, ?)",
                (key, document, _checksum(key, document)),
            )

    def __len__(self) -> int:
        with self._told():
            return int(self._connection.execute("SELECT COUNT(*) FROM done").fetchone()[0])

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        # Where two processes end at the same moment, each leaves the log of writes to the other.
        if self.path.with_name(f"{self.path.name}-wal").exists():
            with suppress(sqlite3.Error), closing(sqlite3.connect(self.path)) as again:
                again.execute("SELECT COUNT(*) FROM done")


def _checksum(key: str, result: str) -> str:
    return blake2b(f"{key}\n{result}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
