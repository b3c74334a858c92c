"""What an index is made of and whether it fits its run: ``manifest.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from wordtrace.errors import CorruptError

FILE = "manifest.json"
EXAMPLES = "examples.parquet"
TOKENS = "tokens.parquet"
FORMAT, VERSION = "wordtrace-index", 1


@dataclass(frozen=True)
class Shard:
    """One file of postings: `count` examples from row `first` on, at one checkpoint."""

    file: str
    checkpoint: int
    first: int
    count: int
    postings: int
    bytes: int
    blake2b: str


@dataclass(frozen=True)
class Source:
    """A checkpoint whose gradients are in the index, with its weight η_c in the sum."""

    step: int
    eta: float


@dataclass(frozen=True)
class Manifest:
    """The index's contents.

    Attributes
    ----------
    run
        The run's folder, relative to the index.
    run_fingerprint
        Of the run it was built from.
    top_k
        Positions kept in a text; None for all.
    weighting
        "rate": η_c is the rate at c. "rate-sum": the sum of the rates since the checkpoint before.
    files
        Size and BLAKE2b of the other files, by name.
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
    checkpoints: tuple[Source, ...]
    shards: tuple[Shard, ...]
    files: Mapping[str, Mapping[str, Any]]

    def document(self) -> dict[str, Any]:
        """Return the manifest as JSON."""
        return {"format": FORMAT, "version": VERSION, **asdict(self)}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Manifest:
        """Read from JSON.

        Raises
        ------
        CorruptError
            When a field is missing.
        """
        try:
            values = {field.name: document[field.name] for field in fields(cls)}
            values["checkpoints"] = tuple(Source(**entry) for entry in values["checkpoints"])
            values["shards"] = tuple(Shard(**entry) for entry in values["shards"])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise CorruptError(
                f"the index's manifest.json is not complete ({error}); build the index again."
            ) from None
