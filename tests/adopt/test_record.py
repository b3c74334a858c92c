"""wordtrace record: what a Trainer left, adopted; what can't be used, said in one sentence."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import wordtrace as wt
from tests.adopt.a_trainers_output import BERT
from tests.command import wordtrace
from tests.conftest import make_examples
from tests.huggingface.architectures import fine_tune, tokenizer
from wordtrace.adopt.choices import Choices
from wordtrace.adopt.learning_rates import rates_of
from wordtrace.adopt.logged import logged_of
from wordtrace.adopt.trainer_folder import checkpoints_of
from wordtrace.disk import atomic
from wordtrace.errors import CorruptError, InputError, MismatchError

pytest.importorskip("transformers")


def test_from_a_trainers_output_to_words_in_two_commands(
    output: Path, data: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    said = wordtrace("record", output, "--data", data, "--out", run, "--max-length", 24, "--json")
    document = json.loads(said.stdout)
    assert document["examples"] == 32
    assert [one["step"] for one in document["checkpoints"]] == [2, 4, 6]
    assert document["final"]["step"] == 8
    wordtrace("index", run, "--workers", 1)
    trace = json.loads(wordtrace("trace", run / "index", "the striker of the cup", "--json").stdout)
    assert trace["queries"][0]["proponents"][0]["words"]
    again = wordtrace("record", output, "--data", data, "--out", run, "--max-length", 24)
    assert "holds this very run already" in again.stderr
    assert wordtrace("check", run).returncode == 0


def test_the_runs_file_is_what_its_manifest_writes(output: Path, tmp_path: Path) -> None:
    run = wt.record(output, make_examples(32), tmp_path / "run", max_length=24)
    atomic.write_json(tmp_path / "again.json", run.manifest.document())
    assert (tmp_path / "again.json").read_bytes() == (run.path / "run.json").read_bytes()
    assert run.manifest.notes


def test_how_long_the_training_took_is_kept(output: Path, tmp_path: Path) -> None:
    """By the log that the Trainer ends with, else by when its checkpoints were written."""
    out = Path(shutil.copytree(output, tmp_path / "out"))
    saved, _ = checkpoints_of(out)
    for one in saved:
        os.utime(one.folder / "trainer_state.json", (1e9, 1e9 + 3 * one.step))
    assert logged_of(saved, out).seconds == pytest.approx(3 * saved[-1].step)
    state = json.loads((saved[-1].folder / "trainer_state.json").read_text())
    state["log_history"].append({"step": saved[-1].step, "train_runtime": 12.5})
    atomic.write_json(out / "trainer_state.json", state)
    assert logged_of(saved, out).seconds == 12.5
    run = wt.record(out, make_examples(32), tmp_path / "run", max_length=24)
    assert run.manifest.seconds == 12.5
    assert wt.Run.open(run.path).manifest == run.manifest
    for one in saved:
        os.utime(one.folder / "trainer_state.json", (1e9, 1e9))
    (out / "trainer_state.json").unlink()
    assert logged_of(saved, out).seconds is None


def test_a_wrong_keyword_is_said_by_the_name_of_the_function_that_was_called(
    output: Path, tmp_path: Path
) -> None:
    examples = make_examples(32)
    with pytest.raises(TypeError, match=r"^record\(\) got an unexpected keyword argument 'labl'"):
        wt.record(output, examples, tmp_path / "run", labl="x")  # type: ignore[call-arg]
    # A callback says so before the training, not after.
    with pytest.raises(TypeError, match=r"^TraceCallback\(\) has no 'labl'; .* label, id, split"):
        wt.TraceCallback(tmp_path / "run", examples, labl="x")


def test_every_choice_is_a_keyword() -> None:
    # The form of the data tells two of them; `loss` means another thing to a classifier.
    choices = {one.name for one in fields(Choices)} - {"preparation", "form", "counts"} | {"loss"}
    assert choices <= set(signature(wt.record).parameters)


def test_weights_are_linked_and_survive_the_trainers_own_clearing(
    copied: Path, tmp_path: Path
) -> None:
    run = wt.record(copied, make_examples(32), tmp_path / "run", max_length=24)
    step = run.checkpoints[0].step
    ours = run.path / f"checkpoints/step-{step:06d}/model.safetensors"
    assert ours.samefile(copied / f"checkpoint-{step}/model.safetensors")
    before = run.predict(["a goal"])
    shutil.rmtree(copied)
    np.testing.assert_array_equal(wt.Run.open(run.path).predict(["a goal"]), before)


def test_copies_are_copies(copied: Path, tmp_path: Path) -> None:
    run = wt.record(copied, make_examples(32), tmp_path / "run", max_length=24, copy=True)
    step = run.checkpoints[0].step
    ours = run.path / f"checkpoints/step-{step:06d}/model.safetensors"
    assert not ours.samefile(copied / f"checkpoint-{step}/model.safetensors")


def test_the_rate_is_the_one_used_whoever_wrote_it(copied: Path) -> None:
    """Linear from 3e-3 to 0 in 8 steps: step s uses 3e-3 · (1 − (s − 1)/8)."""
    saved, _ = checkpoints_of(copied)
    used = 3e-3 * (1 - np.arange(8) / 8)
    rates = rates_of(saved, copied, "5.23.0")
    assert rates is not None
    np.testing.assert_allclose(rates.used[1:], used, rtol=1e-6)
    assert set(range(1, 9)) <= rates.known
    # Up to 4.50 an entry at step s held the next step's rate.
    for one in saved:
        state = one.state
        for entry in state["log_history"]:
            if "learning_rate" in entry:
                entry["learning_rate"] = 3e-3 * (1 - entry["step"] / 8)
    old = rates_of(saved, copied, "4.50.3")
    assert old is not None
    np.testing.assert_allclose(old.used[2:], used[1:], rtol=1e-6)


def test_where_nothing_is_logged_the_schedulers_tell_the_rates_after_their_checkpoints(
    tmp_path: Path,
) -> None:
    """A checkpoint after s steps holds the rate of step s + 1; on a bent schedule no other fits."""
    folder = tmp_path / "out"
    fine_tune(BERT, folder, make_examples(32), logging_strategy="no", lr_scheduler_type="cosine")
    saved, _ = checkpoints_of(folder)
    assert [one.step for one in saved] == [2, 4, 6, 8]
    rates = rates_of(saved, folder, "5.23.0")
    assert rates is not None
    assert rates.known == {3, 5, 7, 9}
    used = 3e-3 * (1 + np.cos(np.pi * np.arange(8) / 8)) / 2
    np.testing.assert_allclose(rates.used[[3, 5, 7]], used[[2, 4, 6]], rtol=1e-6)
    run = wt.record(folder, make_examples(32), tmp_path / "run", max_length=24)
    assert run.checkpoints[1].step == 4
    assert run.checkpoints[1].learning_rate == pytest.approx((used[2] + used[4]) / 2)


def test_rates_between_logged_steps_lie_on_a_line(copied: Path) -> None:
    saved, _ = checkpoints_of(copied)
    for one in saved:
        one.state["log_history"] = [
            entry for entry in one.state["log_history"] if entry.get("step") in (1, 7)
        ]
        (one.folder / "scheduler.pt").unlink()
    rates = rates_of(saved, copied, "5.0")
    assert rates is not None
    np.testing.assert_allclose(rates.used[1:8], 3e-3 * (1 - np.arange(7) / 8), rtol=1e-6)
    assert rates.known == {1, 7}
    for one in saved:
        one.state["log_history"] = []
    assert rates_of(saved, copied, "5.0") is None


def test_without_a_logged_rate_one_must_be_given(copied: Path, tmp_path: Path) -> None:
    for folder in copied.glob("checkpoint-*"):
        (folder / "scheduler.pt").unlink()
        path = folder / "trainer_state.json"
        state = json.loads(path.read_text())
        path.write_text(json.dumps({**state, "log_history": []}))
    with pytest.raises(
        InputError, match=r"no learning rate was logged .* give learning_rate for all"
    ):
        wt.record(copied, make_examples(32), tmp_path / "run", max_length=24)
    run = wt.record(copied, make_examples(32), tmp_path / "run", max_length=24, learning_rate=0.002)
    assert {one.learning_rate for one in run.checkpoints} == {0.002}
    assert run.checkpoints[-1].learning_rate_sum == pytest.approx(0.002 * run.checkpoints[-1].step)


def test_a_half_written_folder_is_told_apart(copied: Path, tmp_path: Path) -> None:
    (copied / "checkpoint-4" / "trainer_state.json").unlink()
    (copied / "checkpoint-6" / "trainer_state.json").write_text('{"global_step": 6, "log_')
    run = wt.record(copied, make_examples(32), tmp_path / "run", max_length=24)
    assert [one.step for one in run.checkpoints] == [2, 8]
    notes = " ".join(run.manifest.notes)
    assert "checkpoint-4 is left out: it has no trainer_state.json" in notes
    assert "checkpoint-6 is left out: its trainer_state.json can't be read" in notes


def test_what_is_no_output_is_refused(copied: Path, tmp_path: Path) -> None:
    def refused(error: type[Exception], message: str, **choices: Any) -> None:
        with pytest.raises(error, match=message):
            wt.record(copied, make_examples(32), tmp_path / "run", **{"max_length": 24, **choices})
        assert not (tmp_path / "run").exists()

    refused(InputError, "max_length is 500; the model takes 38", max_length=500)
    refused(
        InputError, r"there is no checkpoint of step 3; there are 2, 4, 6, 8", checkpoints=(2, 3)
    )
    refused(InputError, "learning_rate is -1", learning_rate=-1)
    weights = copied / "checkpoint-8" / "model.safetensors"
    tensors = load_file(weights)
    name = "bert.encoder.layer.0.output.dense.weight"
    save_file({**tensors, name: tensors[name] * float("nan")}, weights)
    refused(CorruptError, rf"{name} holds NaN or infinity")
    save_file({key: value for key, value in tensors.items() if key != name}, weights)
    refused(CorruptError, rf"does not fit its config.json: it lacks {name} \(1 in all\)")
    weights.write_bytes(b"no weights")
    refused(CorruptError, "checkpoint-8 can't be read as a model")
    config = copied / "checkpoint-8" / "config.json"
    document = json.loads(config.read_text())
    save_file(tensors, weights)
    for change, message in (
        ({"auto_map": {"AutoModel": "x.Y"}}, "asks for Python code of its own"),
        ({"architectures": ["BertForMaskedLM"]}, "BertForMaskedLM, which is no sequence class"),
        ({"problem_type": "regression"}, "predicts 3 numbers a text; models of one number"),
        ({"problem_type": "multi_label_classification"}, "kind 'set', .* was read as 'class'"),
        ({"model_type": "nosuch"}, "does not know the model"),
    ):
        config.write_text(json.dumps({**document, **change}))
        refused(InputError, message)
    config.write_text("{")
    refused(CorruptError, "config.json can't be read")
    config.write_text(json.dumps(document))
    for file in copied.rglob("tokenizer*"):
        file.unlink()
    refused(InputError, r"holds no tokenizer .* give its folder by tokenizer")
    for folder in copied.glob("checkpoint-*"):
        torch.save({}, folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    refused(InputError, r"pytorch_model.bin is a pickle, which can run code .*save_pretrained")
    for folder in copied.glob("checkpoint-*"):
        shutil.rmtree(folder)
    refused(InputError, "holds no checkpoint-. folders")
    shutil.rmtree(copied)
    refused(InputError, "does not exist; give a Trainer's output folder")


def test_a_tokenizer_of_another_model_is_refused(output: Path, tmp_path: Path) -> None:
    tokenizer("bytes-template").save_pretrained(tmp_path / "other")
    with pytest.raises(InputError, match=r"the model embeds \d+; they do not belong together"):
        wt.record(
            output,
            make_examples(32),
            tmp_path / "run",
            max_length=24,
            tokenizer=tmp_path / "other",
        )


def test_another_run_in_the_folder_is_not_replaced(output: Path, tmp_path: Path) -> None:
    wt.record(output, make_examples(32), tmp_path / "run", max_length=24)
    with pytest.raises(MismatchError, match=r"max length = 24, now it is 20"):
        wt.record(output, make_examples(32), tmp_path / "run", max_length=20)
    run = wt.record(output, make_examples(32), tmp_path / "run", max_length=20, overwrite=True)
    assert run.manifest.max_length == 20


def test_data_that_are_not_the_trainings_are_noted(output: Path, tmp_path: Path) -> None:
    run = wt.record(output, make_examples(90), tmp_path / "run", max_length=24)
    notes = " ".join(run.manifest.notes)
    assert "speaks of 25 to 32 training rows" in notes
    assert "the data has 90" in notes


def test_without_what_trains_it_is_refused_in_one_sentence(output: Path, tmp_path: Path) -> None:
    run = wt.record(output, make_examples(32), tmp_path / "run", max_length=24)
    trace = wt.build_index(run, workers=1).trace("the striker", top=3)
    with pytest.raises(InputError, match=r"was trained elsewhere.* name what trains by"):
        wt.verify(trace, k=2, repeats=2)
