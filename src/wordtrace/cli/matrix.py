"""A matrix of scores as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wordtrace.errors import InputError


def check_matrix_file(out: Path) -> None:
    """Refuse an ending that is not known, before the work starts (InputError)."""
    if out.suffix not in (".parquet", ".npy"):
        raise InputError(f"--out {out} should end in .parquet or .npy.")
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: the folder {out.parent} does not exist.")


def write_matrix(out: Path, scores: Any, queries: list[str], examples: list[str]) -> None:
    """Write scores, float32 of shape (queries, examples).

    Parquet: one row an example (`id`) and one column a query, named by the query's id, so that the
    file joins on the training data. NumPy: the bare array.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from wordtrace.disk import atomic

    with atomic.replacing(out) as temporary:
        if out.suffix == ".npy":
            with open(temporary, "wb") as file:
                np.save(file, scores, allow_pickle=False)
            return
        columns = [pa.array(examples, pa.string()), *(pa.array(row) for row in scores)]
        names = ["id", *(f"query {query}" for query in queries)]
        pq.write_table(pa.table(columns, names=names), temporary, compression="zstd")
