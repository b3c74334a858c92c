"""Results as tables of pandas and ``datasets``, which are imported when needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from wordtrace.errors import InputError

#: How the words of a hit stand in a table.
WORDS = pa.list_(pa.struct({"token": pa.string(), "contribution": pa.float64()}))


def table_of(
    rows: Sequence[Mapping[str, Any]], schema: pa.Schema, optional: Sequence[str] = ("text2",)
) -> pa.Table:
    """Return rows as a table, without those optional columns in which nothing stands."""
    table = pa.Table.from_pylist(rows, schema=schema)
    return table.drop_columns([one for one in optional if table[one].null_count == len(table)])


def to_frame(table: pa.Table) -> Any:
    """Return a pandas DataFrame; ids are strings, words lists of tuples.

    Raises
    ------
    InputError
        When pandas is not installed.
    """
    try:
        import pandas  # noqa: F401 (pyarrow wants it)
    except ImportError:
        raise InputError("to_frame needs the package pandas: pip install pandas.") from None
    frame = table.to_pandas()
    for field in table.schema:
        if pa.types.is_list(field.type):
            frame[field.name] = [_plain(value) for value in table[field.name].to_pylist()]
    return frame


def to_dataset(table: pa.Table) -> Any:
    """Return a ``datasets.Dataset``; ids are strings, words lists of dicts.

    Raises
    ------
    InputError
        When the package is not installed.
    """
    try:
        import datasets
    except ImportError:
        raise InputError(
            "to_dataset needs the package datasets: pip install 'wordtrace[hf]'."
        ) from None
    return datasets.Dataset(table)


def words_of(words: Any) -> list[dict[str, Any]] | None:
    """Return (token, contribution) pairs as :data:`WORDS` has them."""
    if words is None:
        return None
    return [{"token": token, "contribution": value} for token, value in words]


def _plain(value: list[Any] | None) -> list[Any] | None:
    if value is None:
        return None
    return [tuple(one.values()) if isinstance(one, dict) else one for one in value]
