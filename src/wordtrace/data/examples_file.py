"""Examples as a Parquet file of ours holds them: labels by name, their order in the metadata."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wordtrace.data.label_column import read_back, readable
from wordtrace.data.labelling import KINDS, Labelling, Labels
from wordtrace.disk.json_text import parse_json
from wordtrace.errors import CorruptError

#: Where the file keeps the order of the classes, as JSON.
NAMES_KEY = b"wordtrace.label_names"
# And the kind of its labels, where they are not classes.
_KIND_KEY = b"wordtrace.label_kind"


def write_examples(table: pa.Table, labels: Labels, labelling: Labelling, path: str | Path) -> None:
    """Write the table of :class:`.Examples`, with these labels."""
    # In one chunk: how the rows came together must not show in the bytes.
    table = table.combine_chunks()
    metadata = {NAMES_KEY: json.dumps(list(labelling.names)).encode()}
    if labelling.kind == "class":
        names = pa.array(labelling.names, pa.string())
        places = pc.if_else(pc.less(table["label"], 0), None, table["label"])
        column = names.take(places.combine_chunks())
    else:
        column = readable(labels, labelling)
        metadata[_KIND_KEY] = labelling.kind.encode()
    place = table.column_names.index("label")
    written = table.set_column(place, "label", column)
    pq.write_table(written.replace_schema_metadata(metadata), path, compression="zstd")


def read_written(path: str | Path) -> tuple[pa.Table, Labelling]:
    """Return the table that :func:`write_examples` wrote, and the kind of its labels.

    Raises
    ------
    CorruptError
        When the file is missing, not whole, or not one of ours: a column is missing or holds
        nulls, or a label is none of the names.
    """
    try:
        table = pq.read_table(path)
        table.validate(full=True)
        metadata = table.schema.metadata or {}
        names = tuple(parse_json(metadata[NAMES_KEY]))
        kind = metadata.get(_KIND_KEY, b"class").decode()
        if kind not in KINDS:
            raise ValueError(f"labels of the kind {kind!r}")
        labelling = Labelling(kind, names)
        labels = read_back(table["label"], labelling)
        for name in ("id", "text", *({"text2"} & set(table.column_names))):
            if table[name].null_count:
                raise ValueError(f"column {name!r} holds nulls")
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise CorruptError(f"{path} can't be read as examples ({error}).") from None
    place = table.column_names.index("label")
    table = table.set_column(place, "label", labels).replace_schema_metadata(None)
    return table, labelling
