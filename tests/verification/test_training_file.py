"""The training file that a command is given: the run's own, with nothing changed but the change."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import wordtrace as wt
from tests.changed_run import change_run
from tests.verification.conftest import Elsewhere, change_of
from wordtrace.data.readers import read_examples
from wordtrace.errors import DataWarning, InputError, MismatchError
from wordtrace.retrainers.retrainer import Change
from wordtrace.retrainers.training_data import training_file

NONE: dict[str, Any] = {}


def rows_of(run: wt.Run) -> list[dict[str, Any]]:
    train = run.train
    names = train.label_names
    return [
        {"id": id, "text": text, "label": names[label], "note": 'ä "b",\tc'}
        for id, text, label in zip(train.ids, train.texts, train.labels.tolist(), strict=True)
    ]


def _delimited(rows: list[dict[str, Any]], sign: str) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]), delimiter=sign, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


TEXTS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "news.csv": lambda rows: _delimited(rows, ","),
    "news.tsv": lambda rows: _delimited(rows, "\t"),
    "news.jsonl": _lines,
    "news.csv.gz": lambda rows: _delimited(rows, ","),
}


def changed(run: wt.Run) -> tuple[Change, dict[int, dict[str, str] | None]]:
    """A change of each kind, and what it makes of the rows of the file."""
    change = change_of(run, removed=(0, 7, 59))
    labels = run.train.labels.copy()
    labels[3] = (labels[3] + 1) % 3
    (tokens,) = run.positions(run.train.take([5]))
    field, start, end = next(one.span for one in tokens if one.span is not None)
    text = run.train.texts[5]
    places = tuple((5, at) for at, one in enumerate(tokens) if one.span == (field, start, end))
    rows: dict[int, dict[str, str] | None] = dict.fromkeys((0, 7, 59))
    rows[3] = {"label": run.label_names[int(labels[3])]}
    rows[5] = {"text": text[:start] + text[end:]}
    return replace(change, labels=labels, blanked=places), rows


def expected(run: wt.Run) -> list[dict[str, Any]]:
    _, rows = changed(run)
    return [
        {**row, **(rows.get(at) or {})}
        for at, row in enumerate(rows_of(run))
        if at not in rows or rows[at] is not None
    ]


@pytest.mark.parametrize("name", TEXTS)
def test_every_other_byte_of_a_text_file_stays(
    elsewhere: Elsewhere, tmp_path: Path, name: str
) -> None:
    run, made = wt.Run.open(elsewhere.run), TEXTS[name]
    unpack = gzip.decompress if name.endswith(".gz") else bytes
    data = tmp_path / name
    whole = made(rows_of(run))
    data.write_bytes(gzip.compress(whole) if name.endswith(".gz") else whole)
    file = training_file(run, data, NONE)
    target = tmp_path / file.name()
    assert target.suffixes == data.suffixes
    file.write(run, change_of(run), target)
    assert target.read_bytes() == data.read_bytes()
    file.write(run, changed(run)[0], target)
    assert unpack(target.read_bytes()) == made(expected(run))


def test_a_json_array_keeps_its_form(elsewhere: Elsewhere, tmp_path: Path) -> None:
    run, data = wt.Run.open(elsewhere.run), tmp_path / "news.json"
    data.write_text(json.dumps(rows_of(run), indent=1, ensure_ascii=False))
    file = training_file(run, data, NONE)
    file.write(run, changed(run)[0], tmp_path / "data.json")
    assert (tmp_path / "data.json").read_text() == json.dumps(
        expected(run), indent=1, ensure_ascii=False
    )


def test_parquet_keeps_its_columns(elsewhere: Elsewhere, tmp_path: Path) -> None:
    run, data = wt.Run.open(elsewhere.run), tmp_path / "news.parquet"
    pd.DataFrame(rows_of(run)).to_parquet(data)
    file = training_file(run, data, NONE)
    file.write(run, changed(run)[0], tmp_path / "data.parquet")
    table = pq.read_table(tmp_path / "data.parquet")
    assert table.schema == pq.read_table(data).schema
    assert table.select(["id", "text", "label", "note"]).to_pylist() == expected(run)


@pytest.mark.parametrize("given", ["folder", "Dataset", "DataFrame", "list"])
def test_tables_in_memory_become_folders_of_datasets(
    elsewhere: Elsewhere, tmp_path: Path, given: str
) -> None:
    run = wt.Run.open(elsewhere.run)
    made = datasets.Dataset.from_list(rows_of(run))
    data: Any = {"Dataset": made, "DataFrame": made.to_pandas(), "list": rows_of(run)}.get(given)
    if given == "folder":
        data = tmp_path / "saved"
        made.save_to_disk(str(data))
    file = training_file(run, data, NONE)
    assert training_file(run, data, NONE).fingerprint == file.fingerprint
    file.write(run, changed(run)[0], tmp_path / "data")
    assert datasets.load_from_disk(str(tmp_path / "data")).to_list() == expected(run)


def test_without_its_file_a_run_gives_its_own_rows(elsewhere: Elsewhere, tmp_path: Path) -> None:
    run = _without_file(elsewhere)
    file = training_file(run, None, NONE)
    file.write(run, changed(run)[0], tmp_path / "data")
    found = datasets.load_from_disk(str(tmp_path / "data"))
    assert found.features["label"].names == list(run.label_names)
    names = found.features["label"].names
    rows = [{"text": one["text"], "label": names[one["label"]]} for one in found]
    assert rows == [{"text": one["text"], "label": one["label"]} for one in expected(run)]


def test_the_file_is_the_one_that_the_run_was_read_from(elsewhere: Elsewhere) -> None:
    file = training_file(wt.Run.open(elsewhere.run), None, NONE)
    assert (file.path, file.own) == (elsewhere.data, False)


def test_a_file_that_changed_is_told_of_and_not_taken(elsewhere: Elsewhere, tmp_path: Path) -> None:
    run = wt.Run.open(elsewhere.run)
    moved = _read_from(elsewhere, path=str(tmp_path / "news.csv"))
    text = elsewhere.data.read_text().replace(run.train.texts[4], "another text")
    (tmp_path / "news.csv").write_text(text)
    with pytest.warns(DataWarning, match="the row 'r4' has the text 'another text', the run was"):
        assert training_file(moved, None, NONE).own
    (tmp_path / "news.csv").unlink()
    assert training_file(moved, None, NONE).own  # it may lie on another machine: nothing is wrong


FAULTS: dict[str, tuple[Callable[[list[dict[str, Any]]], list[dict[str, Any]]], str]] = {
    "a row is missing": (lambda rows: rows[:-1], "has no row with the id 'r59', which the run"),
    "a row is new": (
        lambda rows: [*rows, {**rows[0], "id": "new", "text": "new"}],
        "holds the row 'new', which is none of the run's",
    ),
    "a label is another": (
        lambda rows: [*rows[:-1], {**rows[-1], "label": rows[0]["label"]}],
        "the row 'r59' has the label 'film', the run was trained on 'sport'",
    ),
    "a text is another": (
        lambda rows: [*rows[:-1], {**rows[-1], "text": "x"}],
        "the row 'r59' has the text 'x', the run was trained on",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_data_that_are_not_the_runs_are_refused_by_the_first_row(
    elsewhere: Elsewhere, tmp_path: Path, fault: str
) -> None:
    run, (change, said) = wt.Run.open(elsewhere.run), FAULTS[fault]
    data = tmp_path / "news.jsonl"
    data.write_bytes(_lines(change(rows_of(run))))
    with pytest.raises(MismatchError, match=said):
        training_file(run, data, NONE)


def test_rows_may_stand_in_another_order_with_labels_as_numbers(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    run, names = wt.Run.open(elsewhere.run), wt.Run.open(elsewhere.run).label_names
    rows = [
        {"name": row["id"], "content": row["text"], "class": names.index(row["label"])}
        for row in rows_of(run)
    ]
    data = tmp_path / "news.jsonl"
    data.write_bytes(_lines(rows[::-1]))
    file = training_file(run, data, {"text": "content", "label": "class", "id": "name"})
    file.write(run, changed(run)[0], tmp_path / "data.jsonl")
    found = read_examples(tmp_path / "data.jsonl", text="content", label="class", id="name")
    wanted = expected(run)[::-1]
    assert found.ids == [one["id"] for one in wanted]
    assert [int(found.label_names[one]) for one in found.labels] == [
        names.index(one["label"]) for one in wanted
    ]


def test_rows_are_found_by_their_place_where_their_ids_are_others(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    run = wt.Run.open(elsewhere.run)
    data = tmp_path / "news.jsonl"
    data.write_bytes(_lines([{**row, "id": f"x{row['id']}"} for row in rows_of(run)]))
    training_file(run, data, NONE).write(run, change_of(run, removed=(1,)), tmp_path / "d.jsonl")
    assert read_examples(tmp_path / "d.jsonl").ids[:2] == ["xr0", "xr2"]


def test_columns_without_data_are_refused(elsewhere: Elsewhere) -> None:
    with pytest.raises(InputError, match="text names a column of data, which is not given"):
        training_file(wt.Run.open(elsewhere.run), None, {"text": "content"})


def test_other_weights_are_no_rows_of_a_file(elsewhere: Elsewhere, tmp_path: Path) -> None:
    run = wt.Run.open(elsewhere.run)
    change = change_of(run)
    half = replace(change, weights=np.full_like(change.weights, 0.5))
    with pytest.raises(InputError, match="a training file holds a row or does not"):
        training_file(run, None, NONE).write(run, half, tmp_path / "data.csv")


def test_a_file_that_changes_under_a_study_is_noticed(elsewhere: Elsewhere, tmp_path: Path) -> None:
    run, data = wt.Run.open(elsewhere.run), tmp_path / "news.csv"
    shutil.copyfile(elsewhere.data, data)
    file = training_file(run, data, NONE)
    data.write_text(data.read_text() + "\n\n")
    with pytest.raises(MismatchError, match="changed while models were trained on it"):
        file.write(run, change_of(run), tmp_path / "data.csv")
    data.unlink()
    with pytest.raises(MismatchError, match="is gone, on which models are trained"):
        file.write(run, change_of(run), tmp_path / "data.csv")


def _read_from(elsewhere: Elsewhere, **other: Any) -> wt.Run:
    change_run(elsewhere.run, lambda document: document["read_from"].update(other))
    return wt.Run.open(elsewhere.run)


def _without_file(elsewhere: Elsewhere) -> wt.Run:
    """A run of an earlier version, which did not note its file."""
    change_run(elsewhere.run, lambda document: document.pop("read_from"))
    return wt.Run.open(elsewhere.run)


@pytest.mark.parametrize("order", [1, -1])
def test_texts_of_the_same_tokens_are_the_same_rows(
    elsewhere: Elsewhere, tmp_path: Path, order: int
) -> None:
    """A run that was recorded without its data has read its texts back from their tokens."""
    run = wt.Run.open(elsewhere.run)
    rows = [{**row, "id": f"x{row['id']}", "text": row["text"].upper()} for row in rows_of(run)]
    if order < 0:  # the first rows hold copies of a text, told apart by nothing but their order
        rows = [*rows[:8], *rows[:7:-1]]
    data = tmp_path / "news.jsonl"
    data.write_bytes(_lines(rows))
    change, _ = changed(run)
    training_file(run, data, NONE).write(run, change, tmp_path / "data.jsonl")
    found = [json.loads(line) for line in (tmp_path / "data.jsonl").read_text().splitlines()]
    wanted = {f"x{one['id']}": one["text"].upper() for one in expected(run)}
    assert {one["id"]: one["text"] for one in found} == wanted
