"""Change rows of Parquet files and folders saved by ``datasets``; the other columns stay."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wordtrace.data.rewrite_text import RowChange, columns_of
from wordtrace.data.tables import noted_names, open_saved
from wordtrace.errors import DataError


def rewrite_parquet(file: IO[bytes], out: IO[bytes], changes: Mapping[int, RowChange]) -> None:
    """Copy a Parquet file with some rows changed: same schema, metadata, compression."""
    opened = pq.ParquetFile(io.BytesIO(file.read()))
    table = opened.read()
    names = {
        name: noted_names(table.schema.metadata, name)
        for name in columns_of(changes.values())
        if pa.types.is_integer(table.schema.field(name).type)
    }
    table = _changed(table, _by_number(changes, names))
    first = opened.metadata.row_group(0) if opened.metadata.num_row_groups else None
    compression: Any = "snappy"
    if first is not None:
        compression = {
            first.column(place).path_in_schema: _compression(first.column(place).compression)
            for place in range(first.num_columns)
        }
    size = max(1, first.num_rows) if first is not None else None
    pq.write_table(table, out, compression=compression, row_group_size=size)


def _compression(name: str) -> str:
    return "none" if name == "UNCOMPRESSED" else name.lower()


def rewrite_saved(
    path: Path, out: Path, split: str | None, changes: Mapping[int, RowChange]
) -> None:
    """Copy a folder that ``datasets`` saved, with some rows of one split changed."""
    import datasets

    with quiet(datasets):
        _rewrite_saved(datasets, path, out, split, changes)


@contextmanager
def quiet(datasets: Any) -> Iterator[None]:
    """Keep the progress bars of ``datasets`` off standard error."""
    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


def _rewrite_saved(
    datasets: Any, path: Path, out: Path, split: str | None, changes: Mapping[int, RowChange]
) -> None:
    loaded = open_saved(datasets, path)
    one = loaded[split] if split is not None else loaded
    features = one.features
    by_name = {
        name: feature.names for name, feature in features.items() if hasattr(feature, "names")
    }
    table = one.with_format("arrow")[:] if len(one) else one.data.table
    changed = _changed(table, _by_number(changes, by_name))
    dataset = datasets.Dataset(changed).cast(features)
    if split is not None:
        dataset = datasets.DatasetDict({**loaded, split: dataset})
    dataset.save_to_disk(str(out))


def _by_number(
    changes: Mapping[int, RowChange], names: Mapping[str, list[str] | None]
) -> dict[int, RowChange]:
    """Return changes with a class by its number, where a column holds numbers of named classes."""
    return {
        row: change
        if change is None
        else {name: _place(names.get(name), value) for name, value in change.items()}
        for row, change in changes.items()
    }


def _place(names: list[str] | None, value: str) -> str:
    """Return a class's number as text, where the column holds numbers."""
    return value if names is None or value not in names else str(names.index(value))


def _changed(table: pa.Table, changes: Mapping[int, Mapping[str, str] | None]) -> pa.Table:
    for name in columns_of(changes.values()):
        place = table.column_names.index(name)
        column = table.column(place)
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        values = column.to_pylist()
        for row, change in changes.items():
            if change is not None and name in change:
                values[row] = _scalar(change[name], kind, name)
        made = pa.array(values, kind)
        if pa.types.is_dictionary(column.type):
            made = made.dictionary_encode().cast(column.type)
        table = table.set_column(place, table.schema.field(place), made)
    removed = [row for row, change in changes.items() if change is None]
    if removed:
        kept = np.ones(table.num_rows, dtype=bool)
        kept[removed] = False
        table = table.filter(pa.array(kept))
    return table


def _scalar(value: str, kind: pa.DataType, name: str) -> Any:
    try:
        return pa.scalar(value).cast(kind).as_py()
    except pa.ArrowException:
        raise DataError(
            f"the column {name!r} holds {kind}, and {value!r} is none; give a value of that kind."
        ) from None
