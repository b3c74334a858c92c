"""An index opened from its folder."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from wordtrace.disk import atomic, fingerprint
from wordtrace.errors import CorruptError, InputError, MismatchError
from wordtrace.index import manifest as manifests
from wordtrace.index.manifest import Manifest
from wordtrace.index.postings import Block
from wordtrace.index.shards import map_shard
from wordtrace.run.run import Run, check_format


class IndexFolder:
    """Memory-mapped postings; opening costs the manifest alone.

    Attributes
    ----------
    path
        The folder.
    manifest
        What is in it.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._blocks: dict[str, Block] = {}

    @classmethod
    def open(cls, path: str | Path) -> IndexFolder:
        """Open an index and check version and file sizes.

        Raises
        ------
        InputError
            When there is no finished index at `path`.
        CorruptError
            When a file is missing or of another size than recorded.
        """
        folder = Path(path)
        atomic.restore(folder)
        if not (folder / manifests.FILE).is_file():
            if atomic.part_of(folder).exists():
                raise InputError(
                    f"{folder} is not finished: its build was interrupted; "
                    "run `wordtrace index` again to go on."
                )
            if (folder / "run.json").is_file():
                raise InputError(f"{folder} is a run, not an index; give {folder / 'index'}.")
            what = "holds no manifest.json" if folder.is_dir() else "does not exist"
            raise InputError(f"{folder} {what}; build an index with `wordtrace index RUN`.")
        document = atomic.read_json(folder / manifests.FILE)
        check_format(document, manifests.FORMAT, manifests.VERSION, folder / manifests.FILE)
        index = cls(folder, Manifest.of(document))
        sizes = {shard.file: shard.bytes for shard in index.manifest.shards}
        sizes |= {name: entry["bytes"] for name, entry in index.manifest.files.items()}
        for name, size in sizes.items():
            found = (folder / name).stat().st_size if (folder / name).is_file() else None
            if found != size:
                what = "is missing" if found is None else f"has {found:,} bytes, not {size:,}"
                raise CorruptError(f"{folder / name} {what}; build the index again.")
        return index

    def open_run(self, path: str | Path | None = None, device: str = "cpu") -> Run:
        """Open the run it was built from; `path` overrides the recorded place.

        Raises
        ------
        MismatchError
            When the run is another one; names both fingerprints.
        """
        run = Run.open(path or (self.path.resolve() / self.manifest.run).resolve(), device)
        if run.fingerprint != self.manifest.run_fingerprint:
            raise MismatchError(
                f"{self.path} was built from the run {self.manifest.run_fingerprint[:12]}, but "
                f"{run.path} is {run.fingerprint[:12]}; build the index again, or give the right "
                "run with --run."
            )
        return run

    def blocks(self, checkpoint: int) -> Iterator[Block]:
        """Yield the postings at a checkpoint, shard by shard; mapped once, then kept."""
        for shard in self.manifest.shards:
            if shard.checkpoint == checkpoint:
                if shard.file not in self._blocks:
                    block = map_shard(self.path / shard.file, shard.first, shard.count)
                    if len(block.token_offsets) != self.manifest.vocabulary + 1:
                        raise CorruptError(f"{self.path / shard.file} is of another vocabulary.")
                    self._blocks[shard.file] = block
                yield self._blocks[shard.file]

    @cached_property
    def table(self) -> pa.Table:
        """examples.parquet: id, label, and losses, predictions and self-influence."""
        return self._read(manifests.EXAMPLES)

    @cached_property
    def document_frequency(self) -> npt.NDArray[np.int64]:
        """The share-to-be: in how many training texts each token stands, shape (vocabulary,)."""
        values: npt.NDArray[np.int64] = self._read(manifests.TOKENS)["documents"].to_numpy()
        return values

    def column(self, name: str) -> npt.NDArray[np.float64]:
        """Return a numeric column of :attr:`table`, shape (examples,)."""
        values: npt.NDArray[np.float64] = self.table[name].to_numpy()
        return values

    def check(self) -> list[str]:
        """Compare every file's checksum; return what is wrong, empty if nothing."""
        digests = {shard.file: shard.blake2b for shard in self.manifest.shards}
        digests |= {name: entry["blake2b"] for name, entry in self.manifest.files.items()}
        return [
            f"{self.path / name} has changed since the index was built"
            for name, digest in digests.items()
            if fingerprint.of_file(self.path / name) != digest
        ]

    def _read(self, name: str) -> pa.Table:
        try:
            table = pq.read_table(self.path / name)
            table.validate(full=True)
        except (OSError, pa.ArrowException) as error:
            raise CorruptError(
                f"{self.path / name} can't be read ({error}); build the index again."
            ) from None
        return table
