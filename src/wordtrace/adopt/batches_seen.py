"""What a Trainer's collator makes of each row, and the rule by which it joins rows to a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.adopt.random_state import nothing_drawn
from wordtrace.run.replay_rows import Column, ReplayRows

_CHUNK = 4096
_TRIED = 6
#: What some collators make of the labels, by the model.
_MADE = "decoder_input_ids"


class BatchesSeen:
    """Rows as they come in, each as the collator made a batch of it alone."""

    def __init__(self) -> None:
        self._parts: dict[str, list[npt.NDArray[Any]]] = {}
        self._joined: dict[str, list[npt.NDArray[Any]]] = {}
        self._lengths: dict[str, list[int]] = {}
        self._flat: dict[str, bool] = {}
        self._dtypes: dict[str, str] = {}
        self._rows = 0
        self.why: str | None = None

    def add(self, given: Any, batch: Mapping[str, Any]) -> None:
        """Add a row; what can't be kept is said in `why`, and nothing is raised."""
        del given
        if self.why is not None:
            return
        if "labels" in batch:  # from which the model makes them again
            batch = {name: one for name, one in batch.items() if name != _MADE}
        if self._rows and set(batch) != set(self._parts):
            self.why = "a collator whose batches hold now these names, now those"
            return
        for name, value in batch.items():
            if not isinstance(value, torch.Tensor) or value.dim() > 2 or len(value) != 1:
                self.why = f"a collator that adds {name!r} to a batch, which is no row of numbers"
                return
            array = value.detach().cpu()
            dtype = str(array.dtype).removeprefix("torch.")
            if self._dtypes.setdefault(name, dtype) != dtype:
                self.why = f"a collator that gives {name!r} now as {dtype}, now otherwise"
                return
            if dtype not in ("int64", "int32", "float32", "bool"):
                self.why = f"a collator that gives {name!r} as {dtype}"
                return
            self._flat[name] = array.dim() == 1
            row = array.reshape(-1).numpy()
            if dtype == "int64" and np.abs(row).max(initial=0) < 2**31:
                row = row.astype(np.int32)
            self._parts.setdefault(name, []).append(row.copy())
            self._lengths.setdefault(name, []).append(len(row))
            if len(self._parts[name]) >= _CHUNK:
                self._joined.setdefault(name, []).append(np.concatenate(self._parts[name]))
                self._parts[name].clear()
        self._rows += 1

    def rows(self, loader: Any, sorted_by: Sequence[int] | None) -> ReplayRows | None:
        """Return all rows, with the rule that joins them; None where there is none: see `why`.

        Parameters
        ----------
        loader
            The loader of the training batches. Its collator is given a few rows at once, to learn
            the rule and to see that it holds.
        sorted_by
            The lengths by which the Trainer groups rows.
        """
        if self.why is not None:
            return None
        columns = {name: self._column(name) for name in self._parts}
        if "input_ids" not in columns or "labels" not in columns:
            self.why = "a collator whose batches have no input_ids or no labels"
            return None
        tried = self._telling(columns)
        with nothing_drawn():
            data = [loader.dataset[row] for row in tried]
            batch = loader.collate_fn(
                [dict(one) if isinstance(one, Mapping) else one for one in data]
            )
        found = {}
        for name, column in columns.items():
            fits = _joined_as(column, tried, batch.get(name))
            if fits is None or set(batch) - {_MADE} != set(columns):
                self.why = (
                    "a collator that makes another batch of several rows than each of them, "
                    f"padded ({named(loader.collate_fn)})"
                )
                return None
            found[name] = fits
        by = None if sorted_by is None else np.asarray(sorted_by, np.int64)
        return ReplayRows(found, by)

    def _telling(self, columns: Mapping[str, Column]) -> list[int]:
        """Return a few rows, the shortest and the longest by each column among them."""
        found = set(range(min(_TRIED, self._rows)))
        for column in columns.values():
            lengths = np.diff(column.offsets)
            found |= {int(lengths.argmin()), int(lengths.argmax())}
        return sorted(found)

    def _column(self, name: str) -> Column:
        values = np.concatenate([*self._joined.get(name, []), *self._parts[name]])
        offsets = np.zeros(len(self._lengths[name]) + 1, np.int64)
        np.cumsum(self._lengths[name], out=offsets[1:])
        return Column(values, offsets, self._dtypes[name], flat=self._flat[name])


def _joined_as(column: Column, rows: Sequence[int], batch: Any) -> Column | None:
    """Return a column with the padding that a batch of some rows shows; None where none fits."""
    if not isinstance(batch, torch.Tensor):
        return None
    wanted, parts = batch.detach().cpu().numpy(), [column[row] for row in rows]
    if str(batch.dtype).removeprefix("torch.") != column.dtype:
        return None
    longest = max(len(one) for one in parts)
    shortest = min(range(len(parts)), key=lambda place: len(parts[place]))
    pads: list[float | None] = [None]
    if len(parts[shortest]) < longest and wanted.ndim == 2 and not column.flat:
        pads = [float(wanted[shortest, -1]), float(wanted[shortest, 0])]
    for pad, left in zip(pads, (False, True), strict=False):
        tried = Column(column.values, column.offsets, column.dtype, pad, left, column.flat)
        if np.array_equal(tried.joined(parts), wanted):
            return tried
    return None


def named(collator: Any) -> str:
    """Return the class of a collator, looked for within what the Trainer wraps it in."""
    inner = getattr(collator, "data_collator", collator)
    return str(getattr(inner, "__qualname__", type(inner).__qualname__))
