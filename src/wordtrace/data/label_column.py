"""A column of labels, in memory and as a file holds it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wordtrace.data.labelling import Kind, Labelling, Labels


def label_column(labels: Labels, kind: Kind) -> pa.Array:
    """Return labels as a column in memory: int32, or lists of float32."""
    if kind == "class":
        return pa.array(labels.astype(np.int32), pa.int32())
    flat = pa.array(np.ascontiguousarray(labels, np.float32).ravel(), pa.float32())
    return pa.FixedSizeListArray.from_arrays(flat, labels.shape[1])


def readable(labels: Labels, labelling: Labelling) -> pa.Array:
    """Return sets as lists of names, numbers as they are; null for none."""
    given = labelling.given(labels)
    if labelling.kind == "number":
        return pa.array(labels[:, 0], pa.float32(), mask=~given)
    rows, places = np.nonzero(labels == 1)
    counts = np.bincount(rows, minlength=len(labels))
    names = pa.array(labelling.names, pa.string()).take(pa.array(places))
    offsets = pa.array(np.cumsum([0, *counts]), pa.int32())
    return pa.ListArray.from_arrays(offsets, names, mask=pa.array(~given))


def read_back(column: pa.ChunkedArray, labelling: Labelling) -> pa.Array | pa.ChunkedArray:
    """Return what :func:`readable` or a column of names holds, as in memory (ValueError)."""
    names = pa.array(labelling.names, pa.string())
    if labelling.kind == "number":
        numbers = pc.fill_null(column.cast(pa.float32()), np.nan).combine_chunks()
        return pa.FixedSizeListArray.from_arrays(numbers, 1)
    if labelling.kind == "class":
        places = pc.index_in(column, names)
        if places.null_count > column.null_count:
            raise ValueError(f"a label is none of {', '.join(labelling.names)}")
        return pc.fill_null(places, -1).cast(pa.int32())
    labels = labelling.none(len(column))
    labels[column.is_valid().to_numpy()] = 0
    members = pc.index_in(pc.list_flatten(column), names)
    if members.null_count:
        raise ValueError(f"a label is none of {', '.join(labelling.names)}")
    labels[pc.list_parent_indices(column).to_numpy(), members.to_numpy()] = 1
    return label_column(labels, "set")
