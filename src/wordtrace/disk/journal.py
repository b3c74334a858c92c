"""An append-only file of JSON lines that several processes write and nobody can half-write."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wordtrace.disk.atomic import flush_folder, locked
from wordtrace.disk.fingerprint import of_document
from wordtrace.disk.format import check_format
from wordtrace.disk.json_text import parse_json
from wordtrace.disk.refused import naming
from wordtrace.disk.regular import is_there
from wordtrace.errors import CorruptError


class Journal:
    """What happened, one JSON object a line, in the order in which it happened.

    Each line is on the disk before :meth:`append` returns. A line that has no end was torn by a
    kill or a full disk: it is ignored, and the next writer takes it away. The first line says
    format and version. Each line holds its own checksum; those of an earlier wordtrace have none.

    Attributes
    ----------
    torn
        How many bytes of a torn line were found; 0 mostly.
    """

    def __init__(self, path: Path, format: str, version: int) -> None:
        self.path, self.format, self.version = path, format, version
        self.torn = 0
        self._file: tuple[int, int] | None = None  # device and inode: which file was read
        self._read = 0  # its bytes up to the end of the last whole line
        self._lines = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the journal against other writers, and make its folder where there is none."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.path.parent):
            yield

    def news(self) -> tuple[bool, list[dict[str, Any]]]:
        """Read the lines that were appended since the last call.

        Returns
        -------
        anew
            Whether the file was replaced or taken away since: the lines are all there are.
        lines
            The documents, without the first one.

        Raises
        ------
        CorruptError
            For a line that is no JSON object or was changed, or a file of another format.
        """
        try:
            is_there(self.path)
            with open(self.path, "rb") as file:
                found = os.fstat(file.fileno())
                there = (found.st_dev, found.st_ino)
                anew = self._file is not None and (
                    self._file != there or found.st_size < self._read
                )
                if anew:
                    self._read = self._lines = 0
                self._file = there
                if found.st_size == self._read:
                    return anew, []
                file.seek(self._read)
                data = file.read()
        except FileNotFoundError:
            anew, self._file, self._read, self._lines = self._file is not None, None, 0, 0
            return anew, []
        whole = data.rfind(b"\n") + 1
        self.torn = len(data) - whole
        lines = [self._parsed(line) for line in data[:whole].split(b"\n")[:-1]]
        self._read += whole
        return anew, [line for line in lines if line is not None]

    def append(self, document: Mapping[str, Any]) -> None:
        """Write a line; call it while the journal is :meth:`held`, after :meth:`news`.

        The line counts as read: :meth:`news` does not give it to this object.

        Raises
        ------
        OSError
            When the disk refuses (full, read-only), with the file's name; then the line is not
            there.
        """
        documents: list[Mapping[str, Any]] = [document]
        if not self._read:
            documents.insert(0, {"format": self.format, "version": self.version})
        data = "".join(
            json.dumps(
                {**one, "checksum": of_document(one)},
                ensure_ascii=False,
                allow_nan=False,
                separators=(",", ":"),
            )
            + "\n"
            for one in documents
        ).encode("utf-8")
        fresh = not self.path.exists()
        with naming(self.path), open(self.path, "ab") as file:
            file.truncate(self._read)  # a torn line
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                file.truncate(self._read)
                raise
            found = os.fstat(file.fileno())
        if fresh:
            flush_folder(self.path.parent)
        self._file = (found.st_dev, found.st_ino)
        self._read += len(data)
        self._lines += len(documents)
        self.torn = 0

    def _parsed(self, line: bytes) -> dict[str, Any] | None:
        self._lines += 1
        try:
            document = parse_json(line)
        except ValueError as error:
            raise CorruptError(
                f"{self.path}, line {self._lines}: broken JSON ({error}); take the line out."
            ) from None
        if not isinstance(document, dict):
            raise CorruptError(f"{self.path}, line {self._lines}: no JSON object; take it out.")
        if self._lines == 1:
            check_format(document, self.format, self.version, self.path)
        recorded = document.pop("checksum", None)
        if recorded is not None and recorded != of_document(document):
            raise CorruptError(
                f"{self.path}, line {self._lines}: it was changed after it was written; put the "
                "old line back, or take it out."
            )
        return document if self._lines > 1 else None
