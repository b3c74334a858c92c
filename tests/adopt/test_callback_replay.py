"""What the callback keeps for a replay, and that a recording never fails because of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import wordtrace as wt
from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, fine_tune
from tests.verification.recorded import recorded, tuned
from wordtrace.run.checkpoint import load_tensors
from wordtrace.run.manifest import identity
from wordtrace.run.replay_record import REPLAY, ROWS, START, STATES, ReplayRecord
from wordtrace.run.replay_rows import ReplayRows

transformers = pytest.importorskip("transformers")
BERT = ARCHITECTURES[0]


def test_the_start_is_what_was_in_memory_before_the_first_step(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    class Looking(transformers.TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
            seen["state"] = torch.get_rng_state()
            named = kept["model"].named_parameters()
            seen["weights"] = {name: one.detach().clone() for name, one in named}

    run, _ = recorded(
        tmp_path, rows=16, num_train_epochs=1, evaluates=True, others=[Looking()], warmup_steps=1
    )
    weights = load_tensors(run.path / START / "model.safetensors")
    assert set(seen["weights"]) <= set(weights)
    for name, one in seen["weights"].items():
        assert torch.equal(weights[name], one)
    states = load_tensors(run.path / START / STATES)
    assert torch.equal(states["cpu/0"], seen["state"])
    assert "cpu/2" in states  # an evaluation draws from the generator, too
    record = ReplayRecord.read(run.path / REPLAY)
    assert (record.seed, record.device, record.not_standard) == (7, "cpu", ())
    assert record.arguments["warmup_steps"] == 1
    assert [step for step, _ in record.logged] == [1, 2]
    assert record.whole is not None
    assert {f"{START}/{ROWS}", f"{START}/{STATES}", REPLAY} <= set(run.manifest.files)
    assert run.check() == []
    (run.path / START / ROWS).write_bytes(b"other")
    assert run.check() == [f"{run.path / START / ROWS} has changed since the run was made"]


def test_rows_are_joined_as_the_collator_joins_them(tmp_path: Path) -> None:
    run, trainer = recorded(tmp_path, rows=16, num_train_epochs=1)
    rows = ReplayRows.read(run.path / START / ROWS)
    data = trainer.train_dataset
    some = [11, 3, 5, 14]
    expected = trainer.data_collator([dict(data[row]) for row in some])
    found = rows.batch(some, {})
    assert set(found) == set(expected)
    for name, one in expected.items():
        assert found[name].dtype == one.dtype
        assert torch.equal(found[name], one)


def test_a_run_is_the_same_with_and_without_what_a_replay_needs(tmp_path: Path) -> None:
    with_it, _ = recorded(tmp_path / "one", rows=16, num_train_epochs=1)
    without, _ = recorded(tmp_path / "two", rows=16, num_train_epochs=1, callback={"replay": False})
    assert with_it.fingerprint == without.fingerprint
    assert REPLAY not in without.manifest.files
    assert not (without.path / START).exists()
    document = with_it.manifest.document()
    document["files"].pop(REPLAY)  # as a run of an earlier version
    assert identity(document) == with_it.fingerprint


def test_of_lora_the_adapter_alone_is_kept(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    run, _ = tuned(tmp_path, adapter=True, num_train_epochs=1)
    files = {path.name for path in (run.path / START).iterdir()}
    adapter = {"adapter_model.safetensors", "adapter_config.json"}
    assert files == adapter | {"config.json", ROWS, STATES}
    record = ReplayRecord.read(run.path / REPLAY)
    assert record.trainer == "SFTTrainer"
    assert record.model["adapter"]
    assert all("lora" in name for name in record.model["trainable"])
    assert record.loss.divides


def test_what_fails_is_a_warning_and_the_recording_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wordtrace.adopt import replay_start

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(replay_start.ReplayStart, "_write", full)
    with pytest.warns(UserWarning, match="this training is recorded, but it can't be replayed"):
        run, _ = recorded(tmp_path, rows=16, num_train_epochs=1)
    assert REPLAY not in run.manifest.files
    assert not (run.path / START).exists()
    assert wt.Replay().prepare(run) is not None


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "without the optimizer"])
def test_a_training_that_was_taken_up_again_is_replayed_or_refused(
    whole: bool, tmp_path: Path
) -> None:
    class Stop(transformers.TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
            if state.global_step == 5:
                raise KeyboardInterrupt

    saving = {"save_strategy": "steps", "save_steps": 4, "save_only_model": not whole}
    first = wt.TraceCallback(tmp_path / "run", force=True)
    with pytest.raises(KeyboardInterrupt):
        fine_tune(BERT, tmp_path / "out", make_examples(32), callbacks=[first, Stop()], **saving)
    second = wt.TraceCallback(tmp_path / "run", force=True)
    fine_tune(
        BERT,
        tmp_path / "out",
        make_examples(32),
        callbacks=[second],
        resume=str(tmp_path / "out" / "checkpoint-4"),
        **saving,
    )
    assert second.run is not None
    assert ReplayRecord.read(second.run.path / REPLAY).resumed == (4,)
    told = wt.Replay().prepare(second.run)
    if whole:
        assert told is None
    else:
        assert told is not None
        assert "does not repeat its training: at step 5 it logged" in told
        assert "it was interrupted and taken up again after step 4" in told
