"""A matrix of scores as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wordtrace.errors import InputError


def read_matrix(file: Path, queries: list[str], examples: list[str]) -> Any:
    """Read scores, float32, shape (queries, examples), written here or by another tool.

    Raises
    ------
    InputError
        When the file can't be read, or lacks a query or an example.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not file.is_file():
        raise InputError(f"{file} does not exist.")
    if file.suffix == ".npy":
        try:
            return np.asarray(np.load(file, allow_pickle=False), np.float32)
        except Exception as error:  # its header is read as Python, which raises many kinds
            raise InputError(f"{file} is not an array of numbers ({error}).") from None
    try:
        table = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{file} should be .npy or Parquet ({str(error)[:80]}).") from None
    wanted = ["id", *(f"query {query}" for query in queries)]
    if missing := [name for name in wanted if name not in table.column_names]:
        raise InputError(f"{file} has no column {missing[0]!r}; 'wordtrace scores' writes it so.")
    place = {id: row for row, id in enumerate(table["id"].cast(pa.string()).to_pylist())}
    if lost := [id for id in examples if id not in place]:
        raise InputError(f"{file} has no row of the training example {lost[0]!r}.")
    order = [place[id] for id in examples]
    return np.stack([table[name].to_numpy().astype(np.float32)[order] for name in wanted[1:]])
