"""What the scripts of the reproduction share: their data, and what they write."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import wordtrace as wt
from reproduction import data, record

pytest.importorskip("matplotlib")


@pytest.mark.parametrize("name", data.NAMES)
def test_small_data_is_balanced_and_asks_nothing_that_is_trained_on(name: str) -> None:
    train, queries = data.load(name, "smoke", 30, 6)
    assert len(train) == 30
    assert len(queries) == 6
    counts = np.bincount(train.labels, minlength=len(train.label_names))
    assert np.ptp(counts) <= 1
    texts = [list(zip(one.texts, one.texts2 or one.texts, strict=True)) for one in (train, queries)]
    assert not set(texts[0]) & set(texts[1])
    assert train.has_pairs == (name == "nli")


def test_a_file_takes_the_place_of_a_data_set(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    rows = [f"text {place},{'yes' if place % 2 else 'no'}" for place in range(40)]
    file.write_text("\n".join(["body,kind", *rows]))
    given = data.Given(str(file), "body", label="kind")
    train, queries = data.load("toxicity", "cpu", 10, 4, given)
    assert train.label_names == ("no", "yes")
    assert (len(train), len(queries)) == (10, 4)


def test_a_finding_is_written_with_hostile_text_in_its_cell(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    train, _ = data.load("agnews", "smoke", 8, 4)
    rows = [
        {"text": "a | <b>\n[x](y)", "score": -0.25, "low": -0.5},
        {"text": "b", "score": None, "low": None},
    ]
    columns = {"text": "{text}", "score": "{score:+.3f} [{low:+.3f}]", "paper": "{paper}"}
    about = {"data": record.described(train)}
    finding = record.Finding("some", rows, columns, "8 rows.", about, Figure((2, 1)))
    paths = record.write(finding, tmp_path, "python -m reproduction some", 4.0)
    assert sorted(path.name for path in paths) == [
        *("some.json", "some.md", "some.parquet", "some.svg"),
    ]
    assert (tmp_path / "some.md").read_text().splitlines() == [
        "| text | score | paper |",
        "| --- | --- | --- |",
        r"| a \| \<b\> \[x\](y) | −0.250 [−0.500] | – |",
        "| b | – | – |",
        "",
        "8 rows. 4 seconds: `python -m reproduction some`",
    ]
    document = json.loads((tmp_path / "some.json").read_text())
    assert document["data"]["fingerprint"] == train.fingerprint()
    assert document["rows"] == rows
    assert document["versions"]["wordtrace"] == wt.__version__
    assert pq.read_table(paths[2]).to_pylist() == rows
