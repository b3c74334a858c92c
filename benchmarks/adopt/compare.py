"""A run beside the truth of its training: the first things in which they differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

import wordtrace as wt
from benchmarks.adopt.truth import Row, Truth
from wordtrace.gradients.stream import gradient_stream
from wordtrace.models.protocol import to_batch

#: Relative to the largest number of a row's gradient.
TOLERANCE = 1e-3
#: The rows whose gradients are compared, by their place in the data.
ROWS = (0, 3, 40, -1)
#: How far a rate may lie from the one used, in parts of the highest: known, or by a note taken
#: between two; and by how much the sum of rates since the start may differ where little was logged.
EXACT, GUESSED, UNLOGGED = 1e-5, 0.05, 0.2


def differences(run: wt.Run, truth: Truth) -> list[str]:
    """Return in what a run differs from its training; nothing where it is right."""
    found = _matched(run, truth)
    if isinstance(found, str):
        return [found]
    return [*_labels(run, found), *_rates(run, truth), *_gradients(run, truth, found)]


def _matched(run: wt.Run, truth: Truth) -> list[Row] | str:
    """Return the truth of each of the run's rows, or why they are not the same."""
    encoded = run.encoded
    if len(encoded) != len(truth.rows):
        return f"{len(encoded)} rows, {len(truth.rows)} were trained on"
    counted = _counted(run)
    mine = [
        (tuple(encoded[row].tolist()), counted[row] if counted else None)
        for row in range(len(encoded))
    ]
    rows = truth.rows
    if truth.packed:  # packing changes the order
        by_key = {(one.ids, one.counted): one for one in rows}
        if missing := [row for row, key in enumerate(mine) if key not in by_key]:
            return f"{len(missing)} rows have no equal among those packed, first row {missing[0]}"
        return [by_key[key] for key in mine]
    for row, ((ids, asked), one) in enumerate(zip(mine, rows, strict=True)):
        if ids != one.ids:
            return f"row {row} has the tokens {_short(ids)}, trained on {_short(one.ids)}"
        if asked != one.counted:
            return f"row {row}: {_sum(asked)} tokens count, in the training {_sum(one.counted)}"
    return rows


def _counted(run: wt.Run) -> list[tuple[bool, ...]] | None:
    model, encoded = run.model(run.final), run.encoded
    if not run.generates:
        return None
    found = []
    for row in range(len(encoded)):
        batch = to_batch(encoded, np.zeros(len(encoded), np.int64), np.array([row]))
        found.append(tuple(model.counted(batch)[0].tolist()))  # type: ignore[attr-defined]
    return found


def _labels(run: wt.Run, rows: Sequence[Row]) -> list[str]:
    if run.generates:
        return []
    mine, theirs = np.asarray(run.train.labels), np.array([one.label for one in rows])
    mine = mine.reshape(len(mine), -1)
    theirs = theirs.reshape(len(theirs), -1)
    if mine.shape != theirs.shape:
        return [f"labels of shape {mine.shape}, trained on {theirs.shape}"]
    wrong = int((np.abs(mine - theirs) > 1e-6).any(1).sum())
    return [f"{wrong} labels differ"] if wrong else []


def _rates(run: wt.Run, truth: Truth) -> list[str]:
    notes = " ".join(run.manifest.notes or ())
    said = re.search(r"The rate at steps? ([0-9, ]+) was not logged: taken between", notes)
    guessed = {int(step) for step in said[1].split(",")} if said else set()
    for one in run.checkpoints:
        used = truth.rates[one.step]
        allowed = GUESSED if one.step in guessed else EXACT
        if abs(one.learning_rate - used) > allowed * max(truth.rates.values()):
            return [f"the rate of step {one.step} is {one.learning_rate:.6g}, used {used:.6g}"]
        total = sum(rate for step, rate in truth.rates.items() if step <= one.step)
        # Most steps lie between two that were logged; before the first one nothing is known.
        allowed = UNLOGGED if one.step in guessed else GUESSED
        if abs(one.learning_rate_sum - total) > allowed * total:
            return [
                f"rates up to step {one.step} sum to {one.learning_rate_sum:.6g}, used {total:.6g}"
            ]
    return []


def _gradients(run: wt.Run, truth: Truth, rows: Sequence[Row]) -> list[str]:
    points = {one.step: one for one in (run.checkpoints[0], run.checkpoints[-1])}
    for step, point in points.items():
        for row in sorted({place % len(rows) for place in ROWS}):
            theirs = truth.gradient(step, rows[row])
            mine = _gradient(run, point, row)
            scale = max((float(one.abs().max()) for one in theirs.values()), default=0.0)
            zero = torch.zeros(run.dim)
            apart = max(
                (
                    float((mine.get(token, zero) - theirs.get(token, zero)).abs().max())
                    for token in mine.keys() | theirs.keys()
                ),
                default=0.0,
            )
            if apart > TOLERANCE * scale + 1e-9:
                return [f"the gradient of row {row} at step {step} is {apart / scale:.2g} apart"]
    return []


def _gradient(run: wt.Run, point: Any, row: int) -> dict[int, torch.Tensor]:
    encoded, labels, ids = run.encoded, run.train.labels, run.train.ids
    (batch,) = gradient_stream(run, point, encoded, labels, ids, np.array([row]))
    tokens = batch.tokens(None)
    return {int(token): one for token, one in zip(tokens.token, tokens.gradient, strict=True)}


def _short(ids: Sequence[int]) -> str:
    return f"{list(ids[:6])}… ({len(ids)})" if len(ids) > 6 else f"{list(ids)}"


def _sum(asked: tuple[bool, ...] | None) -> str:
    return "none" if asked is None or not any(asked) else f"{sum(asked)} from {asked.index(True)}"
