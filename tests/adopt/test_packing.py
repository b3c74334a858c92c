"""Rows that were packed by cutting examples are told from whole ones by the tokens counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from tests.adopt.test_callback_sft import data, sft
from wordtrace.adopt.packing import rows_were_cut
from wordtrace.adopt.trainer_folder import Saved
from wordtrace.errors import InputError

LENGTHS = np.array([30, 45, 61, 72, 38, 55, 64, 41] * 5)


def cut(tokens: list[float], lengths: Any = LENGTHS) -> bool:
    """A training of one epoch of rows of 100 tokens, 8 a step, each logged."""
    log = [
        {"step": step, "epoch": step / len(tokens), "num_tokens": sum(tokens[:step])}
        for step in range(1, len(tokens) + 1)
    ]
    state: dict[str, Any] = {"train_batch_size": 8, "log_history": [*log, {"train_loss": 1.0}]}
    return rows_were_cut(Saved(Path("out"), len(tokens), {**state, "epoch": 1.0}), lengths, 100)


def test_rows_that_are_full_are_of_a_stream_that_was_cut() -> None:
    assert cut([800, 800, 800, 330])
    assert cut([800, 741, 800, 400])  # the one row that is shorter is anywhere
    assert cut([1600, 1541, 1600, 800])  # two batches a step
    assert not cut([790, 785, 791, 330])
    assert not cut([800, 785, 790, 330])
    assert not cut([3200])
    # Examples that fill rows by themselves, or two by two.
    assert not cut([800, 800, 800, 800], np.array([100] * 32))
    assert not cut([800, 800, 800, 800], np.array([40, 60] * 32))


def test_such_a_training_is_refused(tmp_path: Path) -> None:
    settings = {"packing": True, "packing_strategy": "wrapped", "num_train_epochs": 6}
    sft(tmp_path, None, per_device_train_batch_size=2, completion_only_loss=False, **settings)
    choices: dict[str, Any] = {"max_length": 48, "loss": "all"}
    with pytest.raises(InputError, match='"wrapped", which cuts them where a row is full'):
        wt.record(tmp_path / "out", data(tmp_path), tmp_path / "run", **choices)
