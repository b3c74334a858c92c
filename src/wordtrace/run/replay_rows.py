"""The rows of a training as its collator made each of them, and how it joins them to a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.errors import CorruptError
from wordtrace.run.checkpoint import load_tensors, save_tensors

_DTYPES = {"int64": np.int64, "float32": np.float32, "bool": np.bool_, "int32": np.int32}


@dataclass(frozen=True)
class Column:
    """One of the things a model is given of each row.

    Attributes
    ----------
    values, offsets
        Row i has ``values[offsets[i]:offsets[i + 1]]``.
    dtype
        What the model is given: "int64", "int32", "float32" or "bool".
    pad
        What stands beyond a row's end in a batch with a longer one; None: all rows have one shape.
    left
        Whether it stands before the row's beginning.
    flat
        Whether a row has one value, so that a batch is one vector.
    """

    values: npt.NDArray[Any]
    offsets: npt.NDArray[np.int64]
    dtype: str
    pad: float | None = None
    left: bool = False
    flat: bool = False

    def __getitem__(self, row: int) -> npt.NDArray[Any]:
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    def joined(self, parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """Return rows joined as the collator does: shape (rows,) or (rows, longest)."""
        kind = _DTYPES[self.dtype]
        if self.flat:
            return np.concatenate(parts).astype(kind)
        longest = max(len(one) for one in parts)
        found: npt.NDArray[Any]
        found = np.full((len(parts), longest), 0 if self.pad is None else self.pad, kind)
        for place, one in enumerate(parts):
            start = longest - len(one) if self.left else 0
            found[place, start : start + len(one)] = one
        return found


@dataclass(frozen=True)
class ReplayRows:
    """All rows of a training, in the order of its data.

    Attributes
    ----------
    columns
        By the name of the model's parameter: "input_ids", "attention_mask", "labels", ….
    lengths
        int64, shape (rows,): the lengths by which a Trainer that groups by length sorts; else None.
    """

    columns: Mapping[str, Column]
    lengths: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.columns["input_ids"].offsets) - 1

    def batch(
        self,
        rows: Sequence[int],
        changed: Mapping[str, Mapping[int, npt.NDArray[Any]]],
        names: Sequence[str] | None = None,
    ) -> dict[str, torch.Tensor]:
        """Return some rows as the Trainer's collator joins them.

        Parameters
        ----------
        changed
            By column and row: what takes the place of the row's own.
        names
            The columns; all by default.
        """
        found: dict[str, torch.Tensor] = {}
        for name in self.columns if names is None else names:
            column = self.columns[name]
            other = changed.get(name, {})
            parts = [other[row] if row in other else column[row] for row in rows]
            found[name] = torch.from_numpy(column.joined(parts))
        return found

    def write(self, path: Path) -> None:
        """Write them as safetensors; what a column is like stands in the tensors' names."""
        tensors = {}
        for name, one in self.columns.items():
            pad = "-" if one.pad is None else repr(float(one.pad))
            like = f"{one.dtype}/{pad}/{'left' if one.left else 'right'}/{int(one.flat)}"
            tensors[f"values/{name}/{like}"] = torch.from_numpy(_small(one.values))
            tensors[f"offsets/{name}"] = torch.from_numpy(one.offsets)
        if self.lengths is not None:
            tensors["lengths"] = torch.from_numpy(self.lengths)
        save_tensors(path, tensors)

    @classmethod
    def read(cls, path: Path) -> ReplayRows:
        """Read what :meth:`write` wrote (CorruptError)."""
        tensors = {name: one.numpy() for name, one in load_tensors(path).items()}
        columns = {}
        try:
            for key, values in tensors.items():
                if not key.startswith("values/"):
                    continue
                _, name, dtype, pad, side, flat = key.split("/")
                offsets = tensors[f"offsets/{name}"]
                if dtype not in _DTYPES or int(offsets[-1]) != len(values):
                    raise ValueError(name)
                padding = None if pad == "-" else float(pad)
                columns[name] = Column(values, offsets, dtype, padding, side == "left", flat == "1")
            if len({len(one.offsets) for one in columns.values()}) != 1:
                raise ValueError("rows")
            _ = columns["input_ids"]
        except (KeyError, ValueError, IndexError) as error:
            raise CorruptError(f"{path} can't be read ({error}); record it again.") from None
        return cls(columns, tensors.get("lengths"))


def _small(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return whole numbers in the fewest bytes that hold them."""
    if values.dtype.kind != "i" or not len(values):
        return values
    for kind in (np.int8, np.int32):
        limits = np.iinfo(kind)
        if limits.min <= values.min() and values.max() <= limits.max:
            return values.astype(kind)
    return values
