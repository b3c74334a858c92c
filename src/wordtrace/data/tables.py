"""Tables in memory, Parquet and folders saved by ``datasets`` → columns."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from wordtrace.data.columns import CHUNK, Columns, Wanted, chunks_of
from wordtrace.data.examples_file import NAMES_KEY
from wordtrace.disk.json_text import parse_json
from wordtrace.errors import DataError, option


def read_parquet(
    file: IO[bytes], source: str, wanted: Wanted, limit: int | None, *, zipped: bool
) -> Columns:
    """Read a Parquet file, only the columns asked for.

    Raises
    ------
    DataError
        For a file that is no Parquet or is broken, or a missing column.
    """
    try:
        opened = pq.ParquetFile(io.BytesIO(file.read()) if zipped else file)
        chosen = wanted.choose(opened.schema_arrow.names, source)
        table = opened.read(columns=chosen)
    except gzip.BadGzipFile:
        raise  # the caller says it
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{source} is not a readable Parquet file ({error}).") from None
    return read_arrow(table, source, wanted, limit)


def read_arrow(table: pa.Table, source: str, wanted: Wanted, limit: int | None) -> Columns:
    """Read an Arrow table; its classes are those that wordtrace or ``datasets`` noted in it.

    Raises
    ------
    DataError
        For values that are not valid (text that is not UTF-8, say), or a missing column.
    """
    chosen = wanted.choose(table.column_names, source)
    cut = table.select(chosen).slice(0, limit)
    try:
        cut.validate(full=True)
    except pa.ArrowException as error:
        raise DataError(f"{source} holds values that are not valid ({error}).") from None
    columns = Columns(wanted, source, label_names=noted_names(table.schema.metadata, wanted.label))
    for batch in cut.to_batches(max_chunksize=CHUNK):
        columns.add({name: batch[name].to_pylist() for name in chosen})
    return columns


def noted_names(metadata: Mapping[bytes, bytes] | None, label: Any) -> list[str] | None:
    """Return the classes of the label column that the table's maker wrote beside it."""
    try:
        if metadata and NAMES_KEY in metadata and label == "label":
            names = parse_json(metadata[NAMES_KEY])
        else:
            noted = parse_json((metadata or {})[b"huggingface"], finite=False)
            features = noted["info"]["features"]
            names = features[label].get("feature", features[label])["names"]
    except (AttributeError, KeyError, TypeError, ValueError):
        return None  # another's metadata: nothing is promised about its form
    return names if isinstance(names, list) and all(isinstance(n, str) for n in names) else None


def read_saved(path: Path, wanted: Wanted, split: str | None, limit: int | None) -> Columns:
    """Read a folder that ``datasets`` wrote by ``save_to_disk``.

    Raises
    ------
    DataError
        When it is another kind of folder, or the package is missing, or a split must be named.
    """
    if not any((path / name).exists() for name in ("dataset_info.json", "dataset_dict.json")):
        raise DataError(
            f"{path} is a folder, but not one saved by `datasets` (save_to_disk); give a file, "
            "or such a folder."
        )
    try:
        import datasets
    except ImportError:
        raise DataError(
            f"{path} needs the package `datasets`: pip install 'wordtrace[hf]'."
        ) from None
    return read_table(open_saved(datasets, path), wanted, split, limit, path.name)


def open_saved(datasets: Any, path: Path) -> Any:
    """Open a folder that `datasets` saved, a Dataset or a DatasetDict (DataError).

    Its files are mapped into memory: what does not hold together there, such as a text that begins
    beyond the end, would end the process when it is read.
    """
    try:
        loaded = datasets.load_from_disk(str(path))
        for one in loaded.values() if isinstance(loaded, Mapping) else [loaded]:
            one.data.table.validate(full=True)
    except Exception as error:  # the library raises many kinds
        raise DataError(f"{path} can't be read by `datasets` ({error}).") from None
    return loaded


def read_table(
    data: Any, wanted: Wanted, split: str | None, limit: int | None, source: str | None = None
) -> Columns:
    """Read a ``datasets.Dataset``, a pandas DataFrame or an Arrow table, told by what it can do.

    Raises
    ------
    DataError
        For anything else, a missing column, or a split that is not there or not named.
    """
    name = source or f"the {type(data).__name__}"
    if isinstance(data, Mapping) and hasattr(data, "column_names"):  # a DatasetDict
        if split not in data:
            said = f"name one by {option('split')}" if split is None else f"there is no {split!r}"
            raise DataError(f"{name} holds the splits {', '.join(data)}; {said}.")
        data, split = data[split], None
    refuse_split(split, name)
    if isinstance(data, pa.Table):
        return read_arrow(data, name, wanted, limit)
    if hasattr(data, "select_columns") and getattr(data, "column_names", None):
        return _read_dataset(data, name, wanted, limit)
    available = list(getattr(data, "columns", ()))
    if not available:
        raise DataError(
            f"{type(data).__name__} can't be read as examples; give a path, a datasets.Dataset, "
            "a pandas DataFrame, a PyArrow table or a list of dicts."
        )
    columns = Columns(wanted, name)
    cut = data if limit is None else data[:limit]
    columns.add({column: _cells(cut[column]) for column in wanted.choose(available, name)})
    return columns


def refuse_split(split: str | None, name: str) -> None:
    """Refuse a named split of something that has none."""
    if split is not None:
        raise DataError(f"{name} has no splits; leave {option('split', split)} out.")


def _read_dataset(data: Any, name: str, wanted: Wanted, limit: int | None) -> Columns:
    chosen = wanted.choose(data.column_names, name)
    feature = (data.features or {}).get(wanted.label)
    own = getattr(getattr(feature, "feature", feature), "names", None)  # of a list, its members'
    columns = Columns(wanted, name, label_names=own)
    left = limit
    # Without its format: one set for training would give tensors.
    for batch in data.select_columns(chosen).with_format(None).iter(batch_size=CHUNK):
        columns.add({column: values[:left] for column, values in batch.items()})
        if left is not None and (left := left - len(batch[chosen[0]])) <= 0:
            break
    return columns


def _cells(column: Any) -> list[Any]:
    """Return a data frame's column as Python values; what is missing there (NaN, NA) as None."""
    if hasattr(column, "notna"):
        column = column.astype(object).where(column.notna(), None)
    return list(column)


def read_dicts(data: Sequence[Any], wanted: Wanted, limit: int | None) -> Columns:
    """Read a list of dicts, one an example.

    Raises
    ------
    DataError
        For an empty list, an element that is no dict, or a missing column.
    """
    name = "the list"
    rows = data[:limit] if limit is not None else data
    for place, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise DataError(
                f"{name}, row {place}: {type(row).__name__} is not a dict; "
                "give dicts such as {'text': …, 'label': …}."
            )
    if not rows:
        raise DataError(f"{name} has no rows; give at least one example.")
    chosen = wanted.choose(list(dict.fromkeys(key for row in rows for key in row)), name)
    columns = Columns(wanted, name)
    for part in chunks_of(rows, None):
        columns.add({column: [row.get(column) for row in part] for column in chosen})
    return columns
