"""``manifest.json``: what an index consists of, and which run it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from wordtrace.disk import fingerprint
from wordtrace.disk.sample import of_sample
from wordtrace.errors import CorruptError
from wordtrace.results.decode import decode

FILE = "manifest.json"
EXAMPLES = "examples.parquet"
TOKENS = "tokens.parquet"
TEXTS = "texts.safetensors"
FORMAT, VERSION = "wordtrace-index", 3


@dataclass(frozen=True)
class Shard:
    """One file of postings: those of `count` examples from row `first`, at one checkpoint."""

    file: str
    checkpoint: int
    first: int
    count: int
    postings: int
    bytes: int
    blake2b: str


@dataclass(frozen=True)
class WeighedCheckpoint:
    """A checkpoint whose gradients are in the index, with its weight η_c in the sum."""

    step: int
    eta: float


@dataclass(frozen=True)
class FurtherRun:
    """Another training of the same rows, whose checkpoints are in the index, too.

    Attributes
    ----------
    run
        Its folder, relative to that of the first run.
    fingerprint
        The fingerprint of the run.
    checkpoints
        How many checkpoints are its own; they follow those of the runs before it.
    """

    run: str
    fingerprint: str
    checkpoints: int


@dataclass(frozen=True)
class RowBlock:
    """Examples that came together: the run's training data, or what was added at one time.

    Attributes
    ----------
    first, count
        They are the index's rows from `first` to before `first + count`.
    source
        A description of where they come from.
    fingerprint
        The fingerprint of the data.
    examples, texts
        The names of their files; `texts` is None in indexes of version 1, which have no such file.
    """

    first: int
    count: int
    source: str
    fingerprint: str
    examples: str
    texts: str | None


@dataclass(frozen=True)
class Manifest:
    """The index's contents.

    Attributes
    ----------
    run
        The run's folder, relative to the index.
    run_fingerprint
        The fingerprint of the run it was built from.
    examples
        The number of rows, including those of removed examples.
    top_k
        Positions kept in a text; None for all.
    weighting
        "rate-sum": η_c is the sum of the learning rates since the checkpoint before. "rate": η_c is
        the rate at c. "adam": η_c is that of "rate-sum" (of "rate" in indexes of older versions),
        and gradients are multiplied by 1/√(√v̂ + ε).
    files
        The size and BLAKE2b checksum of the other files, by name.
    parts
        Where the rows come from, part by part.
    tokens
        The file of the tokens.
    removed
        The file that lists the removed rows; None where there are none.
    projection
        ``{"kind", "dim"}``: how the gradients were projected to fewer dimensions; None where they
        were not.
    fidelity
        How much of the ranking is kept in spite of projection, int8 or bfloat16, measured on a
        sample; see :class:`.index.fidelity.Fidelity`.
    precision
        The precision in which the gradients were computed.
    revision
        How many times the index was changed since it was built.
    samples
        The checksums of samples of the shards and the other files, by name (:mod:`.disk.sample`);
        what an earlier wordtrace wrote has none.
    with_runs
        The other trainings, where it is of several: then each η_c is divided by their number, so
        that a score is a mean over the trainings.
    """

    run: str
    run_fingerprint: str
    examples: int
    vocabulary: int
    dim: int
    top_k: int | None
    dtype: str
    weighting: str
    shard_size: int
    checkpoints: tuple[WeighedCheckpoint, ...]
    shards: tuple[Shard, ...]
    files: Mapping[str, Mapping[str, Any]]
    parts: tuple[RowBlock, ...]
    tokens: str = TOKENS
    removed: str | None = None
    revision: int = 0
    projection: Mapping[str, Any] | None = None
    fidelity: Mapping[str, Any] | None = None
    precision: str = "float32"
    with_runs: tuple[FurtherRun, ...] = ()
    samples: Mapping[str, str] = field(default_factory=dict)

    @property
    def stored_dim(self) -> int:
        """The number of dimensions of the stored directions."""
        return self.dim if self.projection is None else int(self.projection["dim"])

    def document(self) -> dict[str, Any]:
        """Return the manifest as JSON, including its own checksum."""
        found = {"format": FORMAT, "version": VERSION, **asdict(self)}
        if not self.with_runs:  # what an older wordtrace can read, it should
            del found["with_runs"]
            found["version"] = 2
        if not self.samples:
            del found["samples"]
        return {**found, "checksum": fingerprint.of_document(found)}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Manifest:
        """Read from JSON.

        Raises
        ------
        CorruptError
            When a field is missing or of another type, or the manifest was changed after it was
            written.
        """
        if document.get("version") != 1 or "checksum" in document:
            rest = {key: value for key, value in document.items() if key != "checksum"}
            if document.get("checksum") != fingerprint.of_document(rest):
                raise CorruptError(
                    "the index's manifest.json is not as it was written; build the index again."
                )
        try:
            known = dict(document)
            if known["version"] == 1:
                known |= dict.fromkeys(("removed", "projection", "fidelity"))
                known |= {"tokens": TOKENS, "revision": 0}
                known["parts"] = [_part_of_version_1(document)]
            return decode(cls, known)
        except (LookupError, ValueError) as error:
            raise CorruptError(
                f"the index's manifest.json can't be read ({error}); build the index again."
            ) from None


def _part_of_version_1(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "first": 0,
        "count": document["examples"],
        "source": "the run",
        "fingerprint": document["run_fingerprint"],
        "examples": EXAMPLES,
        "texts": None,
    }


def entry_of(folder: Path, name: str) -> dict[str, Any]:
    """Return the size and checksum of a file, in the form of `files`."""
    path = folder / name
    return {"bytes": path.stat().st_size, "blake2b": fingerprint.of_file(path)}


def samples_of(folder: Path, shards: Iterable[Shard], files: Iterable[str]) -> dict[str, str]:
    """Return the checksums of samples of some shards and files, in the form of `samples`."""
    return {name: of_sample(folder / name) for name in (*(one.file for one in shards), *files)}
