"""Files, folders and tables → Examples."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from wordtrace.data.columns import Columns, Wanted, make_examples
from wordtrace.data.examples import Examples
from wordtrace.data.text_files import read_delimited, read_json_lines, read_plain
from wordtrace.errors import DataError

_KNOWN = ".csv, .tsv, .jsonl, .parquet (each also .gz), or a folder saved by `datasets`"


def read_examples(
    data: Any,
    *,
    text: str = "text",
    text2: str | None = None,
    label: str | None = "label",
    id: str | None = None,
    split: str | None = None,
    label_names: Sequence[str] | None = None,
    require_labels: bool = True,
    limit: int | None = None,
) -> Examples:
    """Read labelled texts and check them.

    Parameters
    ----------
    data
        A path of CSV, TSV, JSON lines or Parquet (each also gzipped), or of a folder saved by
        Hugging Face ``datasets``; or a ``datasets.Dataset``, a pandas DataFrame, a PyArrow table,
        or a list of dicts. A ``.txt`` file is one unlabelled text a line.
    text, text2, label, id
        Column names. Without `id`, the column "id" where there is one, else the row's number.
    split
        Of a saved ``DatasetDict``.
    label_names
        The classes there are (those of a run); by default the data set's own, else sorted.
    require_labels
        False for queries: the label column may be missing, and so may labels.
    limit
        Only the first rows.

    Raises
    ------
    DataError
        One sentence: what is wrong, where (file, line, column, id), what to do.
    """
    names = None if label_names is None else tuple(label_names)
    wanted = Wanted(text, text2, label, id, names, require_labels)
    if limit is not None and limit < 1:
        raise DataError(f"the limit is {limit}; give 1 or more rows.")
    if isinstance(data, str | Path):
        columns = _read_path(Path(data), wanted, split, limit)
    elif isinstance(data, Sequence):
        columns = _read_dicts(data, wanted, limit)
    else:
        columns = _read_table(data, wanted, limit)
    return make_examples(columns, wanted)


def _read_path(path: Path, wanted: Wanted, split: str | None, limit: int | None) -> Columns:
    if not path.exists():
        raise DataError(f"{path} does not exist; give {_KNOWN}.")
    if path.is_dir():
        return _read_saved(path, wanted, split, limit)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    zipped = bool(suffixes) and suffixes[-1] == ".gz"
    kind = (suffixes[:-1] if zipped else suffixes)[-1:] or [""]
    with _opened(path, zipped) as file:
        match kind[0]:
            case ".csv" | ".tsv":
                delimiter = "," if kind[0] == ".csv" else "\t"
                return read_delimited(file, path.name, wanted, delimiter, limit)
            case ".jsonl" | ".ndjson":
                return read_json_lines(file, path.name, wanted, limit)
            case ".parquet":
                return _read_parquet(file, path.name, wanted, limit, zipped=zipped)
            case ".txt" if not wanted.require_labels:
                return read_plain(file, path.name, wanted, limit)
    raise DataError(f"{path.name}: this kind of file can't be read; give {_KNOWN}.")


@contextmanager
def _opened(path: Path, zipped: bool) -> Iterator[IO[bytes]]:
    """Open a file, unzipping where it is zipped."""
    try:
        with gzip.open(path) if zipped else open(path, "rb") as file:
            yield file  # type: ignore[misc]
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path.name} is not a whole gzip file ({error}); write it again."
        ) from None
    except EOFError:
        raise DataError(f"{path.name} ends early: the gzip file was cut; copy it again.") from None


def _read_parquet(
    file: IO[bytes], source: str, wanted: Wanted, limit: int | None, *, zipped: bool
) -> Columns:
    try:
        opened = pq.ParquetFile(io.BytesIO(file.read()) if zipped else file)
        chosen = wanted.choose(opened.schema_arrow.names, source)
        table = opened.read(columns=chosen)
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, gzip.BadGzipFile):
            raise
        raise DataError(f"{source} is not a readable Parquet file ({error}).") from None
    return _of_arrow(table, source, wanted, limit)


def _of_arrow(table: pa.Table, source: str, wanted: Wanted, limit: int | None) -> Columns:
    available = table.column_names
    chosen = wanted.choose(available, source)
    cut = table if limit is None else table.slice(0, limit)
    values = {name: cut[name].to_pylist() for name in chosen}
    return Columns(values, source, lambda row: f"row {row}", available=available)


def _read_saved(path: Path, wanted: Wanted, split: str | None, limit: int | None) -> Columns:
    if not any((path / name).exists() for name in ("dataset_info.json", "dataset_dict.json")):
        raise DataError(
            f"{path} is a folder, but not one saved by `datasets` (save_to_disk); give {_KNOWN}."
        )
    try:
        import datasets
    except ImportError:
        raise DataError(
            f"{path} needs the package `datasets`: pip install 'wordtrace[hf]'."
        ) from None
    try:
        loaded = datasets.load_from_disk(str(path))
    except Exception as error:  # the library raises many kinds
        raise DataError(f"{path} can't be read by `datasets` ({error}).") from None
    if isinstance(loaded, Mapping):
        if split not in loaded:
            said = "name one by --split" if split is None else f"there is no {split!r}"
            raise DataError(f"{path} holds the splits {', '.join(loaded)}; {said}.")
        loaded = loaded[split]
    return _read_table(loaded, wanted, limit, path.name)


def _read_table(data: Any, wanted: Wanted, limit: int | None, source: str | None = None) -> Columns:
    """Read a ``datasets.Dataset``, a pandas DataFrame or an Arrow table, told by what it can do."""
    name = source or f"the {type(data).__name__}"
    if isinstance(data, pa.Table):
        return _of_arrow(data, name, wanted, limit)
    features = getattr(data, "features", None)
    available = list(getattr(data, "column_names", getattr(data, "columns", [])))
    if not available:
        raise DataError(
            f"{type(data).__name__} can't be read as examples; give a path, a datasets.Dataset, "
            "a pandas DataFrame, a PyArrow table or a list of dicts."
        )
    chosen = wanted.choose(available, name)
    values = {}
    for column in chosen:
        found = data[column]
        cut = found[:limit] if limit is not None else found
        values[column] = cut.tolist() if hasattr(cut, "tolist") else list(cut)
    own = getattr((features or {}).get(wanted.label), "names", None)
    return Columns(values, name, lambda row: f"row {row}", tuple(own) if own else None, available)


def _read_dicts(data: Sequence[Any], wanted: Wanted, limit: int | None) -> Columns:
    name = "the list"
    rows = data[:limit] if limit is not None else data
    for place, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise DataError(
                f"{name}, row {place}: {type(row).__name__} is not a dict; "
                "give dicts such as {'text': …, 'label': …}."
            )
    available = list(dict.fromkeys(key for row in rows for key in row))
    if not rows:
        raise DataError(f"{name} has no rows; give at least one example.")
    chosen = wanted.choose(available, name)
    values = {column: [row.get(column) for row in rows] for column in chosen}
    return Columns(values, name, lambda row: f"row {row}", available=available)
