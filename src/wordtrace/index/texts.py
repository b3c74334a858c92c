"""The indexed examples' ids, texts and labels, memory-mapped: a trace reads only what it lists."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from safetensors import SafetensorError, safe_open

from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labelling, Labels
from wordtrace.errors import CorruptError
from wordtrace.run.checkpoint import save_tensors

_COLUMNS = ("id", "text", "text2")


def write_texts(path: Path, examples: Examples) -> None:
    """Write examples so that any one of them can be read alone.

    A column of text is stored as all its UTF-8 bytes in a row (uint8) and the offset at which each
    value starts (int64, one offset more than there are examples).
    """
    labels = examples.labels
    stored = labels.astype(np.int32 if examples.kind == "class" else np.float32)
    arrays = {"label": torch.from_numpy(stored)}
    for name in _COLUMNS:
        if name in examples.table.column_names:
            offsets, data = _flat(examples.table[name])
            arrays[f"{name}_offsets"] = torch.from_numpy(offsets)
            arrays[f"{name}_bytes"] = torch.from_numpy(data)
    save_tensors(path, arrays)


class StoredTexts:
    """The file that :func:`write_texts` wrote; opening it reads no text.

    Raises
    ------
    CorruptError
        When the file is missing, not whole, or does not hold `count` examples.
    """

    def __init__(self, path: Path, count: int) -> None:
        self.path = path
        try:
            with safe_open(path, "pt") as file:
                self._arrays = {name: file.get_tensor(name).numpy() for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise CorruptError(f"{path} can't be read ({error}); build the index again.") from None
        # Classes are stored as numbers, other kinds of labels as a row of float32 for each example.
        whole = self._arrays.get("label", np.empty(0, np.int32)).ndim == 1
        kinds = {"label": ("i" if whole else "f", count)}
        for name in _COLUMNS:
            if name != "text2" or "text2_offsets" in self._arrays:
                kinds |= {f"{name}_offsets": ("i", count + 1), f"{name}_bytes": ("u", -1)}
        for name, (kind, length) in kinds.items():
            array = self._arrays.get(name)
            if array is None or array.dtype.kind != kind or length not in (-1, len(array)):
                raise CorruptError(f"{path}: {name} is not what the format says; build it again.")

    @property
    def has_pairs(self) -> bool:
        """Whether each example is a pair of texts."""
        return "text2_offsets" in self._arrays

    @property
    def labels(self) -> Labels:
        """int64, shape (examples,), or float32, shape (examples, outputs)."""
        found: Labels = self._arrays["label"]
        return found.astype(np.int64) if found.ndim == 1 else found

    def column(self, name: str, rows: npt.NDArray[np.int64]) -> list[str]:
        """Return the ids or texts at some rows."""
        offsets, data = self._arrays[f"{name}_offsets"], self._arrays[f"{name}_bytes"]
        bounds = zip(offsets[rows].tolist(), offsets[rows + 1].tolist(), strict=True)
        try:
            return [self._text(data, *pair) for pair in bounds]
        except ValueError:
            raise CorruptError(f"{self.path} is damaged; build the index again.") from None

    def strings(self, name: str) -> pa.Array:
        """Return all ids or texts as pyarrow strings, without copying them.

        Raises
        ------
        CorruptError
            When the file is damaged.
        """
        offsets, data = self._arrays[f"{name}_offsets"], self._arrays[f"{name}_bytes"]
        if offsets[0] != 0 or offsets[-1] != len(data) or (np.diff(offsets) < 0).any():
            raise CorruptError(f"{self.path} is damaged; build the index again.")
        found = pa.LargeStringArray.from_buffers(
            len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data)
        )
        try:
            found.validate(full=True)
        except pa.ArrowException:
            raise CorruptError(f"{self.path} is damaged; build the index again.") from None
        return found

    def take(self, rows: npt.NDArray[np.int64], labelling: Labelling) -> Examples:
        """Return the examples at some rows, in that order."""
        return Examples.of(
            self.column("text", rows),
            self._arrays["label"][rows],
            labelling.names,
            ids=self.column("id", rows),
            texts2=self.column("text2", rows) if self.has_pairs else None,
            source=self.path.name,
            kind=labelling.kind,
        )

    @staticmethod
    def _text(data: npt.NDArray[np.uint8], start: int, end: int) -> str:
        if not 0 <= start <= end <= len(data):
            raise ValueError
        return data[start:end].tobytes().decode("utf-8")


def _flat(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Return the (offsets, bytes) of a column of text."""
    parts, lengths = [], [np.zeros(1, np.int64)]
    for chunk in column.cast(pa.large_string()).chunks:
        _, bounds, data = chunk.buffers()
        offsets = np.frombuffer(bounds, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
        lengths.append(np.diff(offsets))
        if len(chunk) and data is not None:
            parts.append(np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]])
    flat = np.concatenate(parts) if parts else np.empty(0, np.uint8)
    return np.cumsum(np.concatenate(lengths)), flat
