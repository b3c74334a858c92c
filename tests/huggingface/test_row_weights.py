"""A row weighs in a language model's loss by its tokens: shown by the Trainer's own steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import wordtrace as wt
from tests.huggingface.test_completions import LENGTH, data, fine_tune
from wordtrace.gradients.stream import gradient_stream

pytest.importorskip("transformers")

#: One step is one accumulated batch of all 24 rows, by plain gradient descent.
STEPS: dict[str, Any] = {
    "per_device_train_batch_size": 6,
    "gradient_accumulation_steps": 4,
    "num_train_epochs": 3,
    "save_steps": 1,
    "optim": "sgd",
    "lr_scheduler_type": "constant",
    "learning_rate": 0.05,
    "max_grad_norm": 0.0,
}


def test_an_accumulated_step_is_the_sum_of_the_rows_parts(tmp_path: Path) -> None:
    """Θ after − Θ before = −η Σ_x ∂ℓ̃(x)/∂Θ / rows, with ℓ̃(x) = n/n̄ · the mean loss of x."""
    fine_tune("Llama", tmp_path, **STEPS)
    run = wt.record(
        *(tmp_path / "out", data(), tmp_path / "run"),
        text="prompt",
        text2="answer",
        max_length=LENGTH,
        checkpoints=(1, 2),
    )
    tables = [
        load_file(tmp_path / f"out/checkpoint-{step}/model.safetensors")[
            "model.embed_tokens.weight"
        ]
        for step in (1, 2)
    ]
    moved = (tables[0] - tables[1]).double() / run.checkpoints[1].learning_rate
    labels, names = run.train.labels, run.train.ids
    counts = {len(run.encoded[row]) - int(run.encoded.second[row]) for row in range(24)}
    assert len(counts) > 3, "rows of equal length would weigh the same anyway"

    def summed(run: wt.Run) -> torch.Tensor:
        found = torch.zeros_like(moved)
        for part in gradient_stream(run, run.checkpoints[0], run.encoded, labels, names):
            kept = part.tokens(None)
            found.index_add_(0, kept.token, kept.gradient.double())
        return found / len(run.train)

    np.testing.assert_allclose(summed(run), moved, atol=2e-5 * float(moved.abs().max()) + 1e-6)
