"""The index that is served, and whether it still is the one on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wordtrace.act.review import Review
from wordtrace.api.index import Index
from wordtrace.disk import fingerprint
from wordtrace.errors import WordtraceError
from wordtrace.execute.once import once
from wordtrace.index import manifest as manifests
from wordtrace.run.run import Run


class ChangedError(WordtraceError):
    """The index on disk is no longer the one that was opened."""


@dataclass(frozen=True)
class Opened:
    """An index that is served to several readers at once.

    Attributes
    ----------
    index
        The index, opened once; several threads ask it.
    state
        The fingerprint of the manifest that was opened, hexadecimal: what is answered from another
        state of the index has another one.
    """

    index: Index
    state: str

    @classmethod
    def open(cls, path: str | Path, run: str | Path | None = None, device: str = "cpu") -> Opened:
        """Open an index and map all of its files, so that none is read later from another state."""
        before = _state(Path(path))
        index = Index.open(path, run, device)
        for checkpoint in range(len(index.folder.manifest.checkpoints)):
            for _ in index.folder.blocks(checkpoint):
                pass
        opened = cls(index, before)
        opened.check()
        return opened

    @property
    def run(self) -> Run:
        """The run from which the index was built."""
        return self.index.run

    @once
    def review(self) -> Review:
        """What is decided about the rows; every view shares it."""
        return self.index.review()

    def check(self) -> None:
        """Refuse to answer once the index on disk is another one.

        Raises
        ------
        ChangedError
            When it was built again, changed or removed.
        """
        path = self.index.folder.path
        if _state(path) != self.state:
            raise ChangedError(f"{path} was changed since it was opened; open it again.")


def _state(path: Path) -> str:
    file = path / manifests.FILE
    return fingerprint.of_file(file) if file.is_file() else ""
