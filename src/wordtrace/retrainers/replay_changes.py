"""What a change makes of the rows that a Trainer was given."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.data.labelling import Labels
from wordtrace.errors import InputError
from wordtrace.retrainers.material import blank_token
from wordtrace.retrainers.retrainer import Change
from wordtrace.run.replay_rows import ReplayRows
from wordtrace.run.run import Run

_IGNORED = -100
#: By column and row: what takes the place of the row's own.
Changed = dict[str, dict[int, npt.NDArray[Any]]]


def changed_rows(run: Run, rows: ReplayRows, change: Change) -> Changed:
    """Return the rows that a change relabels or blanks, as batches are to have them.

    A blanked token is replaced by padding, attention to it stays. A language model is not asked for
    it either: its label is -100.

    Raises
    ------
    InputError
        When the tokenizer has no token to blank with.
    """
    found: Changed = {"labels": _relabelled(rows, run.train.labels, change.labels)}
    if not change.blanked:
        return found
    blank = blank_token(run)
    if blank is None:
        raise InputError(f"the tokenizer of {run.path} has no padding or mask token to blank with.")
    places: dict[int, list[int]] = {}
    for row, position in change.blanked:
        places.setdefault(row, []).append(position)
    for row, positions in places.items():
        _blank(run, rows, found, row, np.array(positions), blank)
    return found


def _relabelled(rows: ReplayRows, before: Labels, after: Labels) -> dict[int, npt.NDArray[Any]]:
    column = rows.columns["labels"]
    same = before == after
    if before.dtype.kind == "f":
        same |= np.isnan(before) & np.isnan(after)
    differs = ~same.reshape(len(before), -1).all(1)
    return {
        int(row): np.atleast_1d(after[row]).astype(column.values.dtype)
        for row in np.flatnonzero(differs)
    }


def _blank(
    run: Run,
    rows: ReplayRows,
    found: Changed,
    row: int,
    positions: npt.NDArray[np.int64],
    blank: int,
) -> None:
    ids = rows.columns["input_ids"][row].copy()
    labels = rows.columns["labels"][row].copy()
    mask = rows.columns.get("attention_mask")
    kept = np.flatnonzero(mask[row]) if mask is not None else np.arange(len(ids))
    prompt = positions[positions < len(kept)]
    ids[kept[prompt]] = blank
    found.setdefault("input_ids", {})[row] = ids
    if not run.generates:
        return
    if run.manifest.model.decoding is None:  # type: ignore[union-attr]
        labels[kept[prompt]] = _IGNORED
    else:
        # A prompt's tokens are followed by the decoder's first one, and then by the answer's.
        answer = np.flatnonzero(labels != _IGNORED)
        labels[answer[positions[positions > len(kept)] - len(kept) - 1]] = _IGNORED
    found["labels"][row] = labels
