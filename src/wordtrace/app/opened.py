"""The index that is served, and whether it still is the one on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from wordtrace.act.review import Review
from wordtrace.api.index import Index
from wordtrace.disk import fingerprint
from wordtrace.errors import ChangedError
from wordtrace.execute.once import once
from wordtrace.index import manifest as manifests
from wordtrace.run.place import MANIFEST
from wordtrace.run.run import Run


@dataclass(frozen=True)
class Opened:
    """An index that is served to several readers at once.

    What is computed from it and kept belongs to this object alone: once the index on disk is
    another one, :meth:`again` makes another object.

    Attributes
    ----------
    index
        The index, opened once; several threads ask it.
    state
        The fingerprint of what was opened, hexadecimal: what is answered from another state of the
        index has another one.
    moved
        The run's folder, where it is not the recorded one.
    lasting
        What outlives a reopening, by name, such as the proofs that are running.
    retrain
        The command that may train models again, as whoever started the server gave it; who asks
        the server can't.
    """

    index: Index
    state: str
    moved: Path | None = None
    lasting: dict[str, Any] = field(default_factory=dict)
    retrain: str | None = None

    @classmethod
    def open(
        cls,
        path: str | Path,
        run: str | Path | None = None,
        device: str = "cpu",
        retrain: str | None = None,
    ) -> Opened:
        """Open an index and map all of its files, so that none is read later from another state."""
        return cls._open(Path(path), None if run is None else Path(run), device, {}, retrain)

    @classmethod
    def _open(
        cls,
        path: Path,
        run: Path | None,
        device: str,
        lasting: dict[str, Any],
        retrain: str | None,
    ) -> Opened:
        before = _state(path)
        index = Index.open(path, run, device)
        for checkpoint in range(len(index.folder.manifest.checkpoints)):
            for _ in index.folder.blocks(checkpoint):
                pass
        state = _joined(before, _state_of(index.run))
        opened = cls(index, state, run, lasting, retrain)
        opened.check()
        return opened

    def warm(self) -> None:
        """Load what the first question would wait for: models, tokenizer, postings."""
        self.index.asker.load(postings=True)

    def again(self) -> Opened:
        """Open what is at the same place now."""
        folder = self.index.folder
        return self._open(folder.path, self.moved, self.run.device, self.lasting, self.retrain)

    @property
    def run(self) -> Run:
        """The run from which the index was built."""
        return self.index.run

    @once
    def review(self) -> Review:
        """What is decided about the rows; every view shares it."""
        return self.index.review()

    def check(self) -> None:
        """Refuse to answer once the index on disk, or its run, is another one.

        Raises
        ------
        ChangedError
            When it was built again, changed or removed.
        """
        path = self.index.folder.path
        found = _state(path)
        if _joined(found, _state_of(self.run)) == self.state:
            return
        if not found:
            raise ChangedError(f"{path} is no longer there; it was removed since it was opened.")
        if self.state.startswith(found):
            which = "one of its trainings" if self.run.others else self.run.path
            raise ChangedError(f"{which} was changed since {path} was opened.")
        raise ChangedError(f"{path} was changed since it was opened; open it again.")


def _joined(index: str, run: str) -> str:
    return f"{index}-{run}"


def _state_of(run: Run) -> str:
    """Return the fingerprint of a run's manifest, or of the manifests of its trainings."""
    each = [_state(one.path, MANIFEST) for one in (run, *run.others)]
    return each[0] if len(each) == 1 else fingerprint.of_document({"runs": each})


def _state(folder: Path, file: str = manifests.FILE) -> str:
    """Return the fingerprint of a folder's manifest, and "" where there is none."""
    try:
        found = (folder / file).stat()
        return _fingerprint(
            folder / file, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
        )
    except OSError:
        return ""


@lru_cache(64)
def _fingerprint(path: Path, *same: int) -> str:
    """Read a file only once, as long as the disk says that it is the same: each answer asks."""
    return fingerprint.of_file(path)
