"""An index opened from its folder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from torch import Tensor

from wordtrace.data.examples import Examples
from wordtrace.disk import atomic, fingerprint
from wordtrace.disk.format import check_format
from wordtrace.disk.sample import check_sample
from wordtrace.disk.state import State, state_of
from wordtrace.errors import ChangedError, CorruptError, InputError, MismatchError, option
from wordtrace.execute.once import once
from wordtrace.index import manifest as manifests
from wordtrace.index import projection
from wordtrace.index.manifest import FurtherRun, Manifest, Shard
from wordtrace.index.place import check_index
from wordtrace.index.postings import Block
from wordtrace.index.shards import map_shard
from wordtrace.index.texts import StoredTexts
from wordtrace.run.place import is_run
from wordtrace.run.run import Run


class IndexFolder:
    """An index with memory-mapped postings; opening it reads only the manifest.

    Attributes
    ----------
    path
        Its folder.
    manifest
        What is in it.
    state
        The state of its manifest's file when it was opened; None where nobody looked.
    """

    def __init__(self, path: Path, manifest: Manifest, state: State | None = None) -> None:
        self.path = path
        self.manifest = manifest
        self.state = state
        self._blocks: dict[str, Block] = {}
        self._mapping = Lock()

    @classmethod
    def open(cls, path: str | Path) -> IndexFolder:
        """Open an index, and check its version and the sizes of its files.

        Raises
        ------
        InputError
            When there is no finished index at `path`.
        CorruptError
            When a file is missing or of another size than recorded.
        """
        folder = Path(path)
        while True:
            check_index(folder)
            state = state_of(folder / manifests.FILE)
            try:
                return cls._whole(folder, state)
            except (CorruptError, OSError):
                # Another process has put a new index here meanwhile: that one is whole.
                if state_of(folder / manifests.FILE) == state:
                    raise

    @classmethod
    def _whole(cls, folder: Path, state: State | None) -> IndexFolder:
        document = atomic.read_json(folder / manifests.FILE)
        check_format(document, manifests.FORMAT, manifests.VERSION, folder / manifests.FILE)
        index = cls(folder, Manifest.of(document), state)
        sizes = {shard.file: shard.bytes for shard in index.manifest.shards}
        sizes |= {name: entry["bytes"] for name, entry in index.manifest.files.items()}
        for name, size in sizes.items():
            found = (folder / name).stat().st_size if (folder / name).is_file() else None
            if found != size:
                what = "is missing" if found is None else f"has {found:,} bytes, not {size:,}"
                raise CorruptError(f"{folder / name} {what}; build the index again.")
        return index

    def check_unchanged(self) -> None:
        """Raise :class:`.ChangedError` once the index on disk is another one than was opened."""
        found = state_of(self.path / manifests.FILE)
        if self.state is None or found == self.state:
            return
        if found is None:
            raise ChangedError(f"{self.path} is gone; it was removed since it was opened.")
        raise ChangedError(f"{self.path} was changed since it was opened; open it again.")

    def open_run(self, path: str | Path | None = None, device: str = "cpu") -> Run:
        """Open the run it was built from; `path` overrides the recorded place.

        Further runs are looked for beside it, where they lay when the index was built.

        Raises
        ------
        InputError
            When a run is not there.
        MismatchError
            When a run is another one; the message names both fingerprints.
        """
        run = Run.open(path or (self.path.resolve() / self.manifest.run).resolve(), device)
        if run.fingerprint != self.manifest.run_fingerprint:
            raise MismatchError(
                f"{self.path} was built from the run {self.manifest.run_fingerprint[:12]}, but "
                f"{run.path} is {run.fingerprint[:12]}; build the index again, or give the right "
                f"run with {option('run')}."
            )
        if self.manifest.with_runs:
            run = run.with_runs([self._further(run, one) for one in self.manifest.with_runs])
        return run.weighted(self.manifest.weighting)

    def _further(self, first: Run, recorded: FurtherRun) -> Run:
        """Open another training that is in the index."""
        place = Path(os.path.normpath(first.path.resolve() / recorded.run))
        if not is_run(place):
            raise InputError(
                f"{self.path} is of {len(self.manifest.with_runs) + 1} trainings, and that of "
                f"{place} is not there; put it back, or build the index again without it."
            )
        found = Run.open(place, first.device)
        if found.fingerprint != recorded.fingerprint:
            raise MismatchError(
                f"{self.path} was built from {place} when that was the run "
                f"{recorded.fingerprint[:12]}, but now it is {found.fingerprint[:12]}; build the "
                "index again."
            )
        return found

    def blocks(self, checkpoint: int, first: int = 0, end: int | None = None) -> Iterator[Block]:
        """Yield the postings at a checkpoint, shard by shard; shards are mapped once, then kept.

        Only those shards are given that start at a row from `first` to before `end`.
        """
        last = self.manifest.examples if end is None else end
        for shard in self.manifest.shards:
            if shard.checkpoint == checkpoint and first <= shard.first < last:
                yield self._block(shard)

    def _block(self, shard: Shard) -> Block:
        with self._mapping:
            if shard.file not in self._blocks:
                block = map_shard(self._unchanged(shard.file), shard.first, shard.count)
                if len(block.token_offsets) != self.manifest.vocabulary + 1:
                    raise CorruptError(f"{self.path / shard.file} is of another vocabulary.")
                self._blocks[shard.file] = block
            return self._blocks[shard.file]

    @once
    def table(self) -> pa.Table:
        """One row for each example: its id, label, losses, predictions and self-influence."""
        tables = [
            self._read(part.examples, self._columns(), part.count) for part in self.manifest.parts
        ]
        try:
            return pa.concat_tables(tables)
        except pa.ArrowException:
            raise CorruptError(
                f"the columns of {self.path}'s tables differ; build the index again."
            ) from None

    def _columns(self) -> list[str]:
        names = ["loss", "predicted", "self_influence", "self_influence_topk"]
        places = range(len(self.manifest.checkpoints))
        each = [f"{name}_{place}" for place in places for name in names]
        return ["id", "label", *each, *names[2:], "loss_final", "predicted_final"]

    @once
    def removed(self) -> npt.NDArray[np.int64]:
        """int64: the removed rows, in rising order. Their postings stay until a merge."""
        if self.manifest.removed is None:
            return np.empty(0, np.int64)
        rows: npt.NDArray[np.int64] = self._read(self.manifest.removed, ["row"])["row"].to_numpy()
        if len(rows) and not 0 <= rows.min() <= rows.max() < self.manifest.examples:
            raise CorruptError(
                f"{self.path / self.manifest.removed} names rows that are not there; "
                "build the index again."
            )
        return rows

    @property
    def count(self) -> int:
        """The number of examples, without removed ones."""
        return self.manifest.examples - len(self.removed)

    @once
    def rows(self) -> dict[str, int]:
        """The row of each id, without removed examples."""
        rows = {id: row for row, id in enumerate(self.table["id"].to_pylist())}
        gone = set(self.removed.tolist())
        return {id: row for id, row in rows.items() if row not in gone} if gone else rows

    def rows_of(self, ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the rows of some ids, int64.

        Raises
        ------
        InputError
            When no example has one of the ids, or it was removed.
        """
        for id in ids:
            if id not in self.rows:
                raise InputError(f"{self.path} has no example with the id {id!r}.")
        return np.array([self.rows[id] for id in ids], np.int64)

    def take(self, rows: npt.NDArray[np.int64], run: Run) -> Examples:
        """Return the examples at some rows, in that order; no other text is read."""
        if any(part.texts is None for part in self.manifest.parts):
            return run.train.take(rows)
        taken = [
            self.texts[place].take(rows[inside] - part.first, run.labelling)
            for place, part in enumerate(self.manifest.parts)
            if (inside := (rows >= part.first) & (rows < part.first + part.count)).any()
        ]
        if not taken:
            return run.train.take(rows)
        if len(taken) == 1:
            return taken[0]
        places = np.searchsorted([part.first for part in self.manifest.parts], rows, "right")
        order = np.argsort(places, kind="stable")
        tables = pa.concat_tables([one.table for one in taken])
        joined = Examples(tables, run.label_names, kind=run.labelling.kind)
        return joined.take(np.argsort(order, kind="stable"))

    def strings(self, run: Run) -> list[pa.ChunkedArray]:
        """Return the texts of all rows, of removed ones, too; two columns for pairs."""
        if any(part.texts is None for part in self.manifest.parts):
            table = run.train.table
            names = [name for name in ("text", "text2") if name in table.column_names]
            return [table[name] for name in names]
        pairs = any(part.has_pairs for part in self.texts)
        return [
            pa.chunked_array([part.strings(name) for part in self.texts], pa.large_string())
            for name in (("text", "text2") if pairs else ("text",))
        ]

    @once
    def texts(self) -> list[StoredTexts]:
        """The stored texts, one for each part of the rows; memory-mapped."""
        return [
            StoredTexts(self._unchanged(part.texts), part.count)
            for part in self.manifest.parts
            if part.texts is not None
        ]

    @once
    def document_frequency(self) -> npt.NDArray[np.int64]:
        """The number of training texts that hold each token, int64, shape (vocabulary,)."""
        values: npt.NDArray[np.int64] = self._read(
            self.manifest.tokens, ["token", "documents"], self.manifest.vocabulary
        )["documents"].to_numpy()
        return values

    @once
    def bases(self) -> list[Tensor] | None:
        """The bases of the projection, one for each checkpoint; None without a projection."""
        if self.manifest.projection is None:
            return None
        self._unchanged(projection.FILE)
        return projection.load(self.path, len(self.manifest.checkpoints))

    @once
    def sizes(self) -> list[npt.NDArray[np.float32]]:
        """For each checkpoint √(Σ_w ‖g_w‖²) of each example's stored gradients, or a bit more.

        The tables hold it of the gradients themselves, and what is stored of them is rounded: the
        root is enlarged by the most that this can add.
        """
        manifest = self.manifest
        factor = 1.001
        if manifest.dtype == "int8":  # each component is off by half of the largest's 127th part
            factor += manifest.stored_dim**0.5 / 254
        if manifest.projection is not None and manifest.projection["kind"] == "random":
            factor *= (manifest.dim / manifest.stored_dim) ** 0.5
        names = [f"self_influence_topk_{place}" for place in range(len(manifest.checkpoints))]
        try:
            tables = [
                pq.read_table(self._unchanged(part.examples), columns=names)
                for part in manifest.parts
            ]
        except (OSError, pa.ArrowException) as error:
            raise CorruptError(
                f"the tables of {self.path} can't be read ({error}); build the index again."
            ) from None
        table = pa.concat_tables(tables)
        return [(np.sqrt(table[name].to_numpy()) * factor).astype(np.float32) for name in names]

    def column(self, name: str) -> npt.NDArray[np.float64]:
        """Return a numeric column of :attr:`table`, shape (examples,)."""
        values: npt.NDArray[np.float64] = self.table[name].to_numpy()
        return values

    def require_unchanged(self, files: Collection[str] | None = None) -> None:
        """Refuse an index of which a file's whole checksum is another (CorruptError).

        What is written anew from its files gets a checksum that would hide the damage.

        Parameters
        ----------
        files
            The files that count; all by default.
        """
        if problems := self.check(files):
            raise CorruptError(f"{'; '.join(problems)}; build the index again.")

    def check(self, files: Collection[str] | None = None) -> list[str]:
        """Check files' checksums, of all by default; return what is wrong, empty if nothing is."""
        digests = {shard.file: shard.blake2b for shard in self.manifest.shards}
        digests |= {name: entry["blake2b"] for name, entry in self.manifest.files.items()}
        return [
            f"{self.path / name} has changed since the index was built"
            for name, digest in digests.items()
            if files is None or name in files
            if fingerprint.of_file(self.path / name) != digest
        ]

    def _unchanged(self, name: str) -> Path:
        """Return the place of one of its files, after a glance at it (CorruptError)."""
        return check_sample(
            self.path / name, self.manifest.samples.get(name), "build the index again"
        )

    def _read(self, name: str, columns: list[str], count: int | None = None) -> pa.Table:
        try:
            table = pq.read_table(self._unchanged(name))
            table.validate(full=True)
        except (OSError, pa.ArrowException) as error:
            raise CorruptError(
                f"{self.path / name} can't be read ({error}); build the index again."
            ) from None
        if table.column_names != columns or count not in (None, table.num_rows):
            raise CorruptError(f"{self.path / name} is not what the format says; build it again.")
        return table
