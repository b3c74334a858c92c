"""A list of finished tasks in a SQLite file, so that a killed job resumes where it was."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from wordtrace.disk.refused import naming
from wordtrace.errors import CorruptError


class Ledger:
    """An append-only table from a task's key to its result, a JSON document.

    Each record is committed before :meth:`record` returns: after a kill the ledger holds exactly
    the tasks that were recorded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with naming(path):
                self._connection = sqlite3.connect(path, timeout=60.0)
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.execute(
                    "CREATE TABLE IF NOT EXISTS done (key TEXT PRIMARY KEY, result TEXT NOT NULL)"
                )
                self._connection.commit()
        except sqlite3.OperationalError as error:  # nothing can be written there, mostly
            raise OSError(None, str(error), str(path)) from None
        except sqlite3.DatabaseError as error:
            raise CorruptError(
                f"{path} can't be used as a ledger ({error}); delete it to start anew."
            ) from None

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the result recorded for `key`, or None."""
        row = self._connection.execute("SELECT result FROM done WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def starting(self, prefix: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the keys that start with `prefix`, in rising order, with their results."""
        rows = self._connection.execute(
            "SELECT key, result FROM done WHERE key >= ? AND key < ? ORDER BY key",
            (prefix, prefix + chr(0x10FFFF)),
        )
        return [(key, json.loads(result)) for key, result in rows]

    def record(self, key: str, result: Mapping[str, Any]) -> None:
        """Record a result; a key recorded before keeps its first result."""
        document = json.dumps(result, allow_nan=False)
        try:
            with naming(self.path), self._connection:
                self._connection.execute(
                    "INSERT OR IGNORE INTO done (key, result) VALUES (?, ?)", (key, document)
                )
        except sqlite3.OperationalError as error:
            raise OSError(None, str(error), str(self.path)) from None

    def __len__(self) -> int:
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
