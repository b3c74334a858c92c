"""What lies in an output folder: one training or two, whole weights or parts, a model alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import wordtrace as wt
from tests.command import wordtrace
from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, fine_tune
from tests.oracles.weights import since
from wordtrace.errors import InputError

pytest.importorskip("transformers")

BERT = ARCHITECTURES[0]


def record(output: Path, out: Path, **choices: Any) -> Any:
    return wt.record(output, make_examples(16), out, max_length=24, **choices)


def train(folder: Path, steps: int, **arguments: Any) -> Path:
    """Two steps an epoch, each second one saved."""
    fine_tune(BERT, folder, make_examples(16), **{"max_steps": steps, **arguments})
    return folder


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("longer") / "out", 8)


@pytest.fixture
def output(longer: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(longer, tmp_path / "out"))


@pytest.mark.parametrize("logs", [{}, {"logging_strategy": "no"}], ids=["logged", "no log"])
def test_a_training_written_over_another_is_refused(
    logs: dict[str, Any], longer: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    if logs:
        train(folder, 8, **logs)
    else:
        shutil.copytree(longer, folder)
    train(folder, 4, **logs)
    message = (
        r"checkpoint-6 and checkpoint-8 are of another training than checkpoint-2 and checkpoint-4;"
        " move the checkpoints of the training that you do not mean"
    )
    with pytest.raises(InputError, match=message):
        record(folder, tmp_path / "run")
    for step in (6, 8):
        shutil.rmtree(folder / f"checkpoint-{step}")
    run = record(folder, tmp_path / "run")
    assert [one.step for one in run.manifest.history] == [2, 4]


def test_another_batch_size_or_other_losses_are_another_training(
    output: Path, tmp_path: Path
) -> None:
    train(tmp_path / "other", 2, per_device_train_batch_size=4, logging_strategy="no")
    shutil.rmtree(output / "checkpoint-2")
    shutil.copytree(tmp_path / "other" / "checkpoint-2", output / "checkpoint-2")
    with pytest.raises(InputError, match=r"checkpoint-4, .* checkpoint-8 are of another training"):
        record(output, tmp_path / "run")
    # The same settings, but not the same rows: the losses differ.
    train(tmp_path / "shuffled", 8, seed=8)
    shutil.rmtree(output / "checkpoint-2")
    shutil.copytree(tmp_path / "shuffled" / "checkpoint-4", output / "checkpoint-2")
    state = output / "checkpoint-2" / "trainer_state.json"
    document = json.loads(state.read_text())
    document["log_history"] = [one for one in document["log_history"] if one["step"] < 3]
    state.write_text(json.dumps({**document, "global_step": 2}))
    with pytest.raises(InputError, match="are of another training than checkpoint-2;"):
        record(output, tmp_path / "run")


def test_a_training_that_goes_on_is_one(output: Path, tmp_path: Path) -> None:
    """Interrupted after 6 of 8 steps, then resumed, for more steps and with larger batches."""
    shutil.rmtree(output / "checkpoint-8")
    train(output, 12, resume=str(output / "checkpoint-6"), per_device_train_batch_size=16)
    run = record(output, tmp_path / "run")
    assert [one.step for one in run.manifest.history] == [2, 4, 6, 8, 10, 12]


def test_parts_of_fsdp_are_named_with_the_command_that_joins_them(
    output: Path, tmp_path: Path
) -> None:
    pytest.importorskip("accelerate")
    import torch.distributed.checkpoint as parts
    from accelerate.utils import merge_fsdp_weights

    expected = record(output, tmp_path / "run").predict(["the striker"])
    last = output / "checkpoint-8"
    weights = load_file(last / "model.safetensors")
    (last / "model.safetensors").unlink()
    parts.save({"model": weights}, checkpoint_id=str(last / "pytorch_model_fsdp_0"))
    command = f"accelerate merge-weights {last / 'pytorch_model_fsdp_0'} {last}."
    with pytest.raises(InputError, match="in FSDP's parts; make whole ones") as caught:
        record(output, tmp_path / "other")
    assert str(caught.value).endswith(command)
    # The command does what this function does.
    merge_fsdp_weights(str(last / "pytorch_model_fsdp_0"), str(last))
    np.testing.assert_array_equal(
        record(output, tmp_path / "other").predict(["the striker"]), expected
    )
    (last / "model.safetensors").unlink()
    (last / "config.json").unlink()
    with pytest.raises(InputError, match=r"and put the model's config.json and its tokenizer's"):
        record(output, tmp_path / "third")


def test_parts_of_deepspeed_are_named_with_the_command_that_joins_them(
    output: Path, tmp_path: Path
) -> None:
    last = output / "checkpoint-8"
    (last / "model.safetensors").unlink()
    (last / "global_step8").mkdir()
    (last / "latest").write_text("global_step8")
    (last / "zero_to_fp32.py").write_text("raise SystemExit('never run')")
    with pytest.raises(InputError, match="in DeepSpeed's parts") as caught:
        record(output, tmp_path / "run")
    script = last / "zero_to_fp32.py"
    assert str(caught.value).endswith(f"by: python {script} {last} {last} --safe_serialization.")


def test_weights_in_several_files_are_read(output: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    expected = record(output, tmp_path / "run").predict(["the striker"])
    for folder in output.glob("checkpoint-*"):
        model = AutoModelForSequenceClassification.from_pretrained(folder)
        (folder / "model.safetensors").unlink()
        model.save_pretrained(folder, max_shard_size="10KB")
        assert (folder / "model.safetensors.index.json").is_file()
    run = record(output, tmp_path / "again")
    np.testing.assert_array_equal(run.predict(["the striker"]), expected)


def test_a_saved_model_alone_is_traced_and_its_limits_are_said(
    output: Path, tmp_path: Path
) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    whole = record(output, tmp_path / "whole", checkpoints=(8,), learning_rate=0.5)
    alone = tmp_path / "alone"
    for kind in (AutoModelForSequenceClassification, AutoTokenizer):
        kind.from_pretrained(output / "checkpoint-8").save_pretrained(alone)
    run = record(alone, tmp_path / "run")
    notes = " ".join(run.manifest.notes)
    assert "There is one set of weights" in notes
    assert "one checkpoint can't tell" in notes
    assert "1 is taken, so scores are right up to one factor; give the rate" in notes
    assert [one.learning_rate for one in run.checkpoints] == [1.0]
    text = ["the striker of the market"]
    found = wt.influence(run, text, "tracin-we", label="sport")
    expected = wt.influence(whole, text, "tracin-we", label="sport")
    # Of how many steps it stands for a lone model says nothing.
    expected = expected / since(whole, whole.checkpoints[0])
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    rated = record(alone, tmp_path / "rated", learning_rate=0.5)
    of_rated = wt.influence(rated, text, "tracin-we", label="sport")
    np.testing.assert_allclose(of_rated, 0.5 * expected, rtol=1e-5)
    assert "1 is taken" not in " ".join(rated.manifest.notes)
    said = wordtrace("info", tmp_path / "run")
    assert "There is one set of weights" in said.stdout + said.stderr


def test_one_checkpoint_of_a_training_has_its_own_step_and_rate(
    output: Path, tmp_path: Path
) -> None:
    run = record(output / "checkpoint-4", tmp_path / "run")
    (point,) = run.checkpoints
    assert point.step == 4
    assert point.learning_rate == pytest.approx(3e-3 * (1 - 3 / 8))


def test_a_lone_adapter_is_traced(output: Path, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(1)
    base = output / "checkpoint-8"
    model = peft.get_peft_model(
        AutoModelForSequenceClassification.from_pretrained(base),
        peft.LoraConfig(task_type="SEQ_CLS", target_modules=["query"], init_lora_weights=False),
    )
    model.save_pretrained(tmp_path / "adapter")
    names = make_examples(16).label_names
    run = record(tmp_path / "adapter", tmp_path / "run", label_names=names)
    plain = record(output, tmp_path / "plain")
    assert np.abs(run.predict(["the striker"]) - plain.predict(["the striker"])).max() > 1e-4
    assert "There is one set of weights" in " ".join(run.manifest.notes)


def test_a_folder_with_neither_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match=r"no checkpoint-\* folders; .* folder of a saved model"):
        record(tmp_path / "out", tmp_path / "run")
