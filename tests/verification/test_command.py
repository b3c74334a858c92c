"""Training by the user's own command: its data, its model, and all that may go wrong."""

from __future__ import annotations

import numpy as np

import wordtrace as wt
from tests.verification.conftest import Elsewhere
from wordtrace.verification.choice import retrainer_for
from wordtrace.verification.retrainer import Change, Said


def change_of(run: wt.Run, seed: int = 1, removed: tuple[int, ...] = (), key: str = "") -> Change:
    weights = np.ones(len(run.train), np.float32)
    weights[list(removed)] = 0
    name = key or f"seed-{seed}-without-{len(removed)}"
    return Change(name, seed, weights, run.train.labels, (), (("a goal", None), ("the bank", None)))


def trained(
    elsewhere: Elsewhere, *more: str, removed: tuple[int, ...] = (), **given: object
) -> Said:
    run = wt.Run.open(elsewhere.run)
    command = wt.Command(elsewhere.command(*more), **given)  # type: ignore[arg-type]
    return retrainer_for(run, command, "verify").train(run, change_of(run, removed=removed))


def test_the_model_is_trained_on_the_rows_that_are_left(elsewhere: Elsewhere) -> None:
    run = wt.Run.open(elsewhere.run)
    removed = tuple(np.flatnonzero(run.train.labels == 1)[:10].tolist())
    before, after = trained(elsewhere), trained(elsewhere, removed=removed)
    counts = np.bincount(np.delete(run.train.labels, removed))
    assert np.allclose(after.probes, counts / counts.sum(), atol=0.02)
    assert before.probes[0, 1] - after.probes[0, 1] > 0.08
