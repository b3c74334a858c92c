"""wt.TraceCallback: one line in a training script records the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, fine_tune
from wordtrace.errors import InputError

pytest.importorskip("transformers")
BERT = ARCHITECTURES[0]


def trained(folder: Path, callback: Any, **arguments: Any) -> Any:
    choices = {"save_strategy": "no", "logging_strategy": "no", "num_train_epochs": 3}
    return fine_tune(
        BERT, folder, make_examples(64), callbacks=[callback], **{**choices, **arguments}
    )


def test_a_training_that_saves_and_logs_nothing_is_recorded(tmp_path: Path) -> None:
    callback = wt.TraceCallback(tmp_path / "run", make_examples(64), max_length=24)
    trainer = trained(tmp_path / "out", callback, warmup_steps=3)
    run = callback.run
    assert run is not None
    assert not callback.folder.exists()
    history = {one.step: one for one in run.manifest.history}
    assert list(history) == [1, 2, 4, 8, 16, 24]
    # Warm-up over 3 steps, then linear to 0 at 24: step s uses factor(s − 1).
    for step, one in history.items():
        factor = (step - 1) / 3 if step <= 3 else (24 - (step - 1)) / 21
        assert one.learning_rate == pytest.approx(3e-3 * factor)
    assert run.manifest.proof is not None
    assert run.manifest.proof.verdict == "unknown"
    expected = trainer.model.state_dict()
    for name, value in run.model(run.final).module.state_dict().items():
        torch.testing.assert_close(value, expected[name])
    assert wt.build_index(run, workers=1).trace("the striker").queries[0].proponents


def test_the_group_of_the_embedding_gives_the_rate(tmp_path: Path) -> None:
    from wordtrace.adopt.callback import _rate

    model = torch.nn.Module()
    model.table = torch.nn.Embedding(3, 2)
    model.get_input_embeddings = lambda: model.table
    other = torch.nn.Parameter(torch.zeros(2))
    groups = [{"params": [other], "lr": 0.5}, {"params": [model.table.weight], "lr": 0.25}]
    assert _rate(torch.optim.SGD(groups), model) == 0.25
    assert _rate(torch.optim.SGD(groups[:1]), model) == 0.5


def test_a_resumed_training_is_recorded_whole(tmp_path: Path) -> None:
    from transformers import TrainerCallback

    class Stop(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
            if state.global_step == 11:
                raise KeyboardInterrupt

    saving = {"save_strategy": "steps", "save_steps": 8}
    first = wt.TraceCallback(tmp_path / "run", make_examples(64), max_length=24)
    with pytest.raises(KeyboardInterrupt):
        fine_tune(
            BERT,
            tmp_path / "out",
            make_examples(64),
            callbacks=[first, Stop()],
            num_train_epochs=3,
            **saving,
        )
    assert first.run is None
    second = wt.TraceCallback(tmp_path / "run", make_examples(64), max_length=24)
    fine_tune(
        BERT,
        tmp_path / "out",
        make_examples(64),
        callbacks=[second],
        num_train_epochs=3,
        resume=str(tmp_path / "out" / "checkpoint-8"),
        **saving,
    )
    assert second.run is not None
    assert second.run.manifest.proof is not None
    assert second.run.manifest.proof.verdict == "fits"
    rates = {one.step: one.learning_rate for one in second.run.manifest.history}
    assert list(rates) == [1, 2, 4, 8, 16, 24]
    np.testing.assert_allclose(
        list(rates.values()), [3e-3 * (1 - (step - 1) / 24) for step in rates], rtol=1e-6
    )


def test_another_run_or_other_files_are_not_touched(tmp_path: Path) -> None:
    run = tmp_path / "run"
    callback = wt.TraceCallback(run, make_examples(64), max_length=24)
    callback.folder.mkdir()
    (callback.folder / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        trained(tmp_path / "out", callback)
    assert (callback.folder / "mine.txt").read_text() == "mine"
    (callback.folder / "mine.txt").unlink()
    run.mkdir()
    (run / "run.json").write_text(json.dumps({}))
    with pytest.raises(InputError, match="holds a run already"):
        trained(tmp_path / "out", callback)
