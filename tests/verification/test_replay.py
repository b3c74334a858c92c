"""A plain Trainer repeats a recorded training, and trains again with a change of its data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from tests.verification.recorded import TRAININGS, weights_of
from wordtrace.verification import replay_proof
from wordtrace.verification.replay_trainer import trained

transformers = pytest.importorskip("transformers")


@pytest.mark.parametrize("name", TRAININGS)
def test_a_replay_gives_the_recorded_losses_and_weights(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "adapter" in name or "language" in name:
        pytest.importorskip("trl")
    run, trainer = TRAININGS[name](tmp_path)
    models: list[Any] = []

    def keeping(*given: Any) -> Any:
        models.append(trained(*given))
        return models[-1]

    monkeypatch.setattr(replay_proof, "trained", keeping)
    replay = wt.Replay()
    assert replay.prepare(run) is None
    losses = replay.proof(run).losses
    assert len(losses) == len([one for one in trainer.state.log_history if "loss" in one]) + 1
    np.testing.assert_allclose([one[2] for one in losses], [one[1] for one in losses], rtol=1e-5)
    (model,) = models  # the proof is made once, and kept
    expected = weights_of(trainer.model)
    found = weights_of(model)
    assert list(found) == list(expected)
    for key, value in found.items():
        if key.endswith("key.bias"):
            continue  # a softmax takes no notice of it: its gradient is rounding, which Adam scales
        np.testing.assert_allclose(value, expected[key], rtol=1e-4, atol=1e-5, err_msg=key)
