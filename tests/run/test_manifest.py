"""run.json: read into named fields, written again as it was, and told what it lacks."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from torture.files_damage import places, put

from tests.changed_run import change_run
from tests.wrong_types import OTHERS
from wordtrace import api
from wordtrace.disk import atomic, fingerprint
from wordtrace.errors import CorruptError
from wordtrace.models.cnn import CNNConfig
from wordtrace.models.loss import TrainingLoss
from wordtrace.models.seq2seq_tokenizer import Decoding
from wordtrace.run.manifest import RunManifest, identity
from wordtrace.run.pretrained_model import PretrainedModel

FILE = Path("run/run.json")
CHECKPOINT = {
    "step": 3,
    "epoch": 0.42857142857142855,
    "learning_rate": 0.05,
    "learning_rate_sum": 0.15000000000000002,
    "loss": 0.6985996169455234,
    "held_out_loss": None,
}
FINAL = {**CHECKPOINT, "step": 14, "epoch": 2.0, "held_out_loss": 0.6419157909500391}
CNN = {
    "format": "wordtrace-run",
    "version": 1,
    "made_with": {"wordtrace": "0.1.0", "torch": "2.13.0+cpu"},
    "plan": {"epochs": 2, "model": "cnn", "train": "9bbae868", "held_out": "21756624"},
    "model": {
        "kind": "cnn",
        "vocabulary": 69,
        "classes": 2,
        "dim": 8,
        "filters": 2,
        "widths": [5, 5, 1],
    },
    "pretrained_embeddings": False,
    "max_length": 16,
    "label_names": ["neg", "pos"],
    "has_pairs": False,
    "source": "d.csv",
    "recipe": {
        "epochs": 2,
        "batch_size": 8,
        "optimizer": "sgd",
        "learning_rate": 0.05,
        "momentum": 0.9,
        "weight_decay": 0.0,
        "schedule": "constant",
        "freeze_embeddings": False,
        "seed": 0,
    },
    "steps": 14,
    "checkpoints": [CHECKPOINT],
    "final": FINAL,
    "history": [CHECKPOINT, FINAL],
    "train": {"rows": 54, "fingerprint": "9bbae868", "truncated": 1, "contradictions": 2},
    "held_out": {"rows": 6, "accuracy": 0.6666666666666666, "loss": 0.6419157909500391},
    "files": {"tokenizer.json": "e069b03a", "train.parquet": "913c3492"},
}
_SHARED = [key for key in CNN if key not in ("train", "held_out", "files")]
#: In the order in which `record` writes it: the notes stand before the data.
ADOPTED = {
    **{key: CNN[key] for key in _SHARED},
    "model": {
        "kind": "transformers",
        "architecture": "T5ForConditionalGeneration",
        "dim": 16,
        "token_types": True,
        "end": None,
        "decoding": {"start": 0, "max_length": 12, "target": False},
        "loss": {"label_smoothing": 0.1, "class_weights": [1.0, 2.5]},
        "task": "generation",
        "label_kind": "class",
        "tokens_a_row": None,
    },
    "pretrained_embeddings": True,
    "recipe": None,
    "notes": ["The rate at step 3 was not logged: taken between the logged ones."],
    "train": CNN["train"],
    "held_out": None,
    "files": CNN["files"],
}
TRAINED_PRETRAINED = {
    **CNN,
    "model": {
        "kind": "transformers",
        "architecture": "BertForSequenceClassification",
        "dim": 16,
        "token_types": False,
        "drawn": ["classifier.bias", "classifier.weight"],
    },
}


@pytest.mark.parametrize("document", [CNN, ADOPTED, TRAINED_PRETRAINED])
def test_what_is_read_is_written_again_entry_by_entry(document: dict[str, Any]) -> None:
    written = RunManifest.of(document, FILE).document()
    assert written.pop("checksum") == fingerprint.of_document(document)
    # As text: the order of the entries is part of the file.
    assert json.dumps(written) == json.dumps(document)


def test_a_changed_entry_is_found(run: api.Run) -> None:
    document = run.manifest.document()
    assert RunManifest.of(document, FILE) == run.manifest
    with pytest.raises(CorruptError, match=r"was changed after it was written: .* make the run"):
        RunManifest.of({**document, "steps": document["steps"] - 1}, FILE)
    # One that an earlier wordtrace wrote has no checksum.
    del document["checksum"]
    assert RunManifest.of(document, FILE) == run.manifest


def test_a_runs_file_is_what_its_manifest_writes(run: api.Run, tmp_path: Path) -> None:
    atomic.write_json(tmp_path / "again.json", run.manifest.document())
    assert (tmp_path / "again.json").read_bytes() == (run.path / "run.json").read_bytes()


def test_entries_have_names_and_types() -> None:
    trained, adopted = RunManifest.of(CNN, FILE), RunManifest.of(ADOPTED, FILE)
    assert trained.model == CNNConfig(69, 2, dim=8, filters=2, widths=(5, 5, 1))
    assert trained.recipe is not None
    assert trained.recipe.batch_size == 8
    assert trained.held_out is not None
    assert (trained.train.rows, trained.held_out.rows) == (54, 6)
    assert trained.final.folder == "checkpoints/step-000014"
    assert (trained.task, trained.label_kind, trained.notes) == ("classification", "class", None)
    assert isinstance(adopted.model, PretrainedModel)
    assert adopted.model.decoding == Decoding(0, 12)
    assert adopted.model.loss == TrainingLoss(0.1, (1.0, 2.5))
    assert (adopted.task, adopted.recipe, adopted.held_out) == ("generation", None, None)


def test_a_run_older_than_some_entries_opens_and_stays_the_same_run() -> None:
    younger = ("end", "decoding", "loss", "task", "label_kind", "token_types", "tokens_a_row")
    known = {key: one for key, one in ADOPTED["model"].items() if key not in younger}
    old = {**ADOPTED, "model": known}
    del old["notes"]
    model = RunManifest.of(old, FILE).model
    assert model == PretrainedModel("T5ForConditionalGeneration", 16)
    recipe = {key: one for key, one in CNN["recipe"].items() if key != "schedule"}
    read = RunManifest.of({**CNN, "recipe": recipe}, FILE).recipe
    assert read is not None
    assert read.schedule == "constant"
    # Its index was built from the run with the entries that it has.
    assert identity(old) != identity(ADOPTED)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": ...}, "run/run.json lacks 'steps'; make the run again."),
        ({"train": {"rows": 3}}, "lacks 'contradictions', 'fingerprint', 'truncated' in 'train'"),
        ({"train": 3}, "holds no object in 'train'"),
        ({"weather": "fine"}, "holds 'weather', which this wordtrace does not know; was it made"),
        ({"recipe": {"lr": 1}}, "holds 'lr' in 'recipe', which this wordtrace does not know"),
        ({"model": {**CNN["model"], "kind": "rnn"}}, "a model of the kind 'rnn'"),
        (
            {"model": {"kind": "cnn", "dim": 8}},
            "lacks 'classes', 'filters', 'vocabulary', 'widths'",
        ),
        ({"final": {"step": 1}}, "'loss' in 'final'"),
        ({"recipe": {"epochs": 0}}, "can't be read (epochs is 0"),
        ({"checkpoints": 3}, "holds no list in 'checkpoints'"),
        ({"version": 2}, "has format version 2"),
    ],
)
def test_what_is_wrong_is_named_in_one_sentence(change: dict[str, Any], said: str) -> None:
    document = {key: one for key, one in {**CNN, **change}.items() if one is not ...}
    with pytest.raises(CorruptError) as caught:
        RunManifest.of(document, FILE)
    assert said in str(caught.value)
    assert "run/run.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_value_of_another_type_is_named_with_its_place() -> None:
    for document in (CNN, ADOPTED):
        for place in places(document):
            for other in OTHERS:
                changed = put(document, place, other)
                with suppress(CorruptError):
                    identity(RunManifest.of(changed, FILE).document())
    for changed, said in (
        ({**CNN, "label_names": None}, r"run/run.json can't be read \(label_names is None\); make"),
        ({**CNN, "recipe": {**CNN["recipe"], "epochs": "2"}}, r"\(epochs is '2'\)"),
        ({**CNN, "files": {"train.parquet": None}}, r"\(files.train.parquet is None\)"),
    ):
        with pytest.raises(CorruptError, match=said):
            RunManifest.of(changed, FILE)


def test_a_file_of_another_size_or_a_missing_one_is_said_at_opening(
    examples: api.Examples, tmp_path: Path
) -> None:
    run = api.train(examples, tmp_path / "run", epochs=1, dim=4, vocabulary=60)
    path = run.path / run.checkpoints[0].folder / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    said = rf"{path.name} has {len(data) - 1:,} bytes, not {len(data):,}; put the old file back, or"
    with pytest.raises(CorruptError, match=said):
        api.Run.open(run.path)
    path.unlink()
    with pytest.raises(CorruptError, match=r"model.safetensors is missing; put the old file back"):
        api.Run.open(run.path)


@pytest.mark.parametrize("name", ["train.parquet", "held_out.parquet", "tokenizer.json", "model"])
def test_a_file_of_the_same_size_is_said_when_it_is_read(
    examples: api.Examples, tmp_path: Path, name: str
) -> None:
    run = api.train(examples, tmp_path / "run", eval_fraction=0.2, epochs=1, dim=4, vocabulary=60)
    inner = f"{run.checkpoints[0].folder}/model.safetensors" if name == "model" else name
    path = run.path / inner
    data = path.read_bytes()
    path.write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])
    opened = api.Run.open(run.path)
    read = {
        "train.parquet": lambda: opened.train,
        "held_out.parquet": lambda: opened.held_out,
        "tokenizer.json": lambda: opened.tokenizer,
        "model": lambda: opened.model(opened.checkpoints[0]),
    }
    with pytest.raises(CorruptError, match=rf"{inner} has changed since it was written; put the"):
        read[name]()


def test_a_tokenizer_of_more_tokens_than_the_model_knows_is_another_runs(
    examples: api.Examples, tmp_path: Path
) -> None:
    """Where no sample tells it, as an earlier wordtrace wrote none."""
    small, large = (
        api.train(examples, tmp_path / str(size), epochs=1, dim=4, vocabulary=size)
        for size in (60, 90)
    )
    change_run(small.path, lambda document: None)
    shutil.copy(large.path / "tokenizer.json", small.path / "tokenizer.json")
    with pytest.raises(
        CorruptError, match=r"tokenizer.json has \d+ tokens, and the model .* 60: it"
    ):
        api.Run.open(small.path).predict(["the goal"])
