"""Change rows of a data file of any kind, in its own format, touching nothing else."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from wordtrace.data.json_files import is_json_array
from wordtrace.data.rewrite_tables import rewrite_parquet, rewrite_saved
from wordtrace.data.rewrite_text import (
    RowChange,
    rewrite_delimited,
    rewrite_json_array,
    rewrite_json_lines,
)
from wordtrace.data.tsv_quotes import reads_otherwise
from wordtrace.disk import atomic
from wordtrace.errors import DataError


def file_kind(path: Path) -> list[str]:
    """Return the endings that tell a file's kind: one, or two where it is gzipped."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return suffixes[-2:] if suffixes[-1:] == [".gz"] else suffixes[-1:]


def rewrite(
    source: Path,
    target: Path,
    changes: Mapping[int, RowChange],
    *,
    split: str | None = None,
    label: str | None = None,
) -> None:
    """Write a data file with some rows changed to `target`, all at once.

    CSV, TSV and JSON keep every other byte (of a gzipped file, of its content); Parquet files and
    folders of ``datasets`` keep schema, metadata and the other columns.

    Parameters
    ----------
    source, target
        Files of one kind, or folders.
    changes
        By row number, as :func:`.read_examples` counts rows.
    split
        Of a folder with several: the one whose rows change.
    label
        The column of labels: a new one is spelled as the one that it replaces.

    Raises
    ------
    DataError
        For a value that this kind of file can't hold at its place.
    """
    if source.is_dir():
        with atomic.exclusive(target) as part:
            atomic.empty(part)
            with atomic.worth_keeping(part, again=lambda: False):
                rewrite_saved(source, part, split, changes)
            atomic.commit_folder(target)
        return
    kind = file_kind(source)
    with atomic.replacing(target) as temporary:
        with _streams(source, temporary, kind) as (file, out):
            if kind[0] in (".csv", ".tsv"):
                rewrite_delimited(file, out, "," if kind[0] == ".csv" else "\t", changes, label)
            elif kind[0] == ".json" and is_json_array(file):
                rewrite_json_array(file, out, changes, label)
            elif kind[0] in (".jsonl", ".ndjson", ".json"):
                rewrite_json_lines(file, out, changes, label)
            else:
                rewrite_parquet(file, out, changes)
        if kind[0] == ".tsv":
            _check_quotes(source, temporary, zipped=kind[-1] == ".gz")


def _check_quotes(source: Path, target: Path, *, zipped: bool) -> None:
    """Refuse a result whose quotes would be taken in another way than those of the data."""
    opened: Any = gzip.open if zipped else open
    with opened(source, "rb") as before, opened(target, "rb") as after:
        if reads_otherwise(before, after):
            raise DataError(
                f"with these changes the quotes of {source.name} would be read in another way: "
                "they take out, or bring in, what tells whether they enclose fields; write the "
                "data as .jsonl first."
            )


@contextmanager
def _streams(source: Path, target: Path, kind: list[str]) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    with ExitStack() as stack:
        if kind[-1] == ".gz":
            file: Any = stack.enter_context(gzip.open(source))
            raw = stack.enter_context(open(target, "wb"))
            # Without a name and a time inside, the same patch gives the same bytes.
            out: Any = stack.enter_context(gzip.GzipFile("", "wb", fileobj=raw, mtime=0))
        else:
            file = stack.enter_context(open(source, "rb"))
            out = stack.enter_context(open(target, "wb"))
        yield file, out
