"""wordtrace record: how the labels of a file are matched to those of the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import wordtrace as wt
from tests.adopt.a_trainers_output import BERT
from tests.conftest import make_examples
from tests.huggingface.architectures import fine_tune
from wordtrace import api
from wordtrace.errors import InputError, MismatchError

pytest.importorskip("transformers")


def test_labels_are_matched_by_name_by_number_or_named(
    output: Path, copied: Path, tmp_path: Path
) -> None:
    examples = make_examples(32)
    numbers = api.Examples.of(
        examples.texts, examples.labels, ("0", "1", "2"), source="numbers.csv"
    )
    run = wt.record(output, numbers, tmp_path / "numbers", max_length=24)
    assert run.label_names == examples.label_names
    assert run.train.labels.tolist() == examples.labels.tolist()
    upper = replace(examples, label_names=("FILM", "MONEY", "SPORT"), source="upper.csv")
    with pytest.raises(InputError, match=r"name them in the model's order by label_names"):
        wt.record(output, upper, tmp_path / "upper", max_length=24)
    order = ("FILM", "MONEY", "SPORT")
    run = wt.record(output, upper, tmp_path / "upper", max_length=24, label_names=order)
    assert run.label_names == order
    with pytest.raises(InputError, match=r"label_names gives 2 names .* has 3 classes"):
        wt.record(output, upper, tmp_path / "x", max_length=24, label_names=("FILM", "MONEY"))
    more = api.Examples.of(["a", "b", "c", "d"], [0, 1, 2, 3], tuple("abcd"), source="more.csv")
    with pytest.raises(InputError, match=r"more.csv has 4 labels .* it was trained on other data"):
        wt.record(output, more, tmp_path / "x", max_length=24)


def test_the_order_of_a_class_label_is_the_models(output: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    examples = make_examples(32)
    names = ["MONEY", "FILM", "SPORT"]  # in no order of the alphabet, and not the model's names
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=names)}
    )
    rows = {"text": examples.texts, "label": examples.labels.tolist()}
    data = datasets.Dataset.from_dict(rows, features)
    data.to_parquet(tmp_path / "data.parquet")
    for source in (data, tmp_path / "data.parquet", wt.read_examples(data)):
        run = wt.record(output, source, tmp_path / "run", max_length=24, overwrite=True)
        assert run.label_names == tuple(names)
        assert run.train.labels.tolist() == examples.labels.tolist()
    plain = data.cast_column("label", datasets.Value("int64"))
    written = [{**row, "label": names[row["label"]]} for row in plain]
    with pytest.raises(InputError, match=r"name them in the model's order by label_names"):
        wt.record(output, written, tmp_path / "other", max_length=24)


def test_another_label_column_is_named_and_not_its_hash(output: Path, tmp_path: Path) -> None:
    one = make_examples(32)
    names = [one.label_names[label] for label in one.labels]
    rows = [
        {"text": text, "label": name, "checked": name if place else one.label_names[1]}
        for place, (text, name) in enumerate(zip(one.texts, names, strict=True))
    ]
    rows[0]["label"] = one.label_names[0]
    wt.record(output, rows, tmp_path / "run", max_length=24)
    with pytest.raises(MismatchError) as caught:
        wt.record(output, rows, tmp_path / "run", max_length=24, label="checked")
    assert "the label column differs: label, checked (the data differ in 1 of 32 rows" in str(
        caught.value
    )


def test_the_order_suggested_is_what_the_model_predicts(tmp_path: Path) -> None:
    examples = make_examples(96)
    fine_tune(BERT, tmp_path / "out", examples, num_train_epochs=12, save_steps=40)
    turned = api.Examples.of(
        examples.texts, 2 - examples.labels, ("z", "y", "x"), source="turned.csv"
    )
    with pytest.raises(InputError, match=r"predicts: label_names=\('x', 'y', 'z'\)$"):
        wt.record(tmp_path / "out", turned, tmp_path / "run", max_length=24)
