"""A run that was made by other choices is refused in words; no fingerprint is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import wordtrace as wt
from wordtrace import api
from wordtrace.data.examples import Examples
from wordtrace.disk import fingerprint
from wordtrace.errors import MismatchError
from wordtrace.run.plan_words import require_same_plan

SMALL: dict[str, Any] = {"epochs": 1, "dim": 4, "filters": 2, "vocabulary": 100, "checkpoints": 1}
ROWS = [
    {
        "id": f"r{place}",
        "text": f"{word} {place} of the day",
        "note": f"of the day {word} {place}",
        "topic": "film" if place % 2 else "money",
        "checked": "film" if place % 2 or place == 6 else "money",
    }
    for place, word in enumerate(["shares", "actors"] * 10)
]


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("plan")
    data = write(folder / "train.jsonl", ROWS)
    wt.train(data, folder / "run", label="topic", eval_fraction=0, **SMALL)
    return data, folder / "run"


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(MismatchError) as caught:
        act()
    said = str(caught.value)
    assert not re.search("[0-9a-f]{40}", said)
    return said


def test_other_choices_are_told_in_words(made: tuple[Path, Path], tmp_path: Path) -> None:
    data, run = made

    def said(source: Path = data, **other: Any) -> str:
        given = {"label": "topic", "eval_fraction": 0, **SMALL, **other}
        return refusal(lambda: wt.train(source, run, **given))

    assert (
        "the label column differs: topic, checked (the data differ in 1 of 20 rows (first: id r6))"
        in said(label="checked")
    )
    assert "the text column differs: text, note (the data differ in 20 of 20 rows" in said(
        text="note"
    )
    assert "the second text's column differs: none, note" in said(text2="note")
    assert "the id column differs: none, row numbers" in said(id=False)
    assert "0 of 20 rows were held out, now it is 4" in said(eval_fraction=0.2)
    changed = [*ROWS[:17], {**ROWS[17], "text": "another"}, *ROWS[18:]]
    assert "the data differ in 1 of 20 rows (first: id r17);" in said(
        write(tmp_path / "d.jsonl", changed)
    )
    held = tmp_path / "held"
    wt.train(data, held, label="topic", eval_fraction=0.2, **SMALL)
    again = refusal(lambda: wt.train(data, held, label="checked", eval_fraction=0.2, **SMALL))
    # By other labels other rows are held out; which ones, says nothing.
    assert re.search(
        r"other data: the label column differs: topic, checked(; | \(the data differ)", again
    )
    fewer = write(tmp_path / "e.jsonl", ROWS[:-1])
    assert "the data have other rows: 20, 19 (first: id r19);" in said(fewer)
    turned = write(tmp_path / "f.jsonl", ROWS[::-1])
    assert "the data have other rows: 20, 20, in another order;" in said(turned)
    assert "the held-out data differ (none, 20 rows)" in said(eval_data=data)
    assert "made with seed = 0, now it is 1" in said(seed=1)


def test_the_same_data_elsewhere_are_the_same_run(made: tuple[Path, Path], tmp_path: Path) -> None:
    data, run = made
    stamp = (run / "run.json").stat().st_mtime_ns
    moved = write(tmp_path / "moved.jsonl", ROWS)
    given = {"label": "topic", "eval_fraction": 0, **SMALL}
    assert len(wt.train(moved, run, **given).train) == 20
    examples = wt.read_examples(data, label="topic")
    bare = Examples.of(examples.texts, examples.labels, examples.label_names, ids=examples.ids)
    assert len(wt.train(bare, run, **given).train) == 20
    assert (run / "run.json").stat().st_mtime_ns == stamp


def test_a_run_without_words_is_compared_by_its_rows(
    made: tuple[Path, Path], tmp_path: Path
) -> None:
    data, run = made
    old = tmp_path / "old"
    old.mkdir()
    for path in run.iterdir():
        if path.name != "run.json":
            (old / path.name).symlink_to(path)
    document = json.loads((run / "run.json").read_text())
    del document["plan"]["words"]
    del document["checksum"]
    (old / "run.json").write_text(json.dumps(document))
    given = {"eval_fraction": 0, **SMALL}
    assert wt.train(data, old, label="topic", **given).fingerprint == wt.Run.open(run).fingerprint
    found = refusal(lambda: wt.train(data, old, label="checked", **given))
    assert "other data: the data differ in 1 of 20 rows (first: id r6); choose" in found


def test_what_a_plan_alone_tells() -> None:
    one, two = (fingerprint.of_document({"a": number}) for number in (1, 2))
    words = {"file": "a.csv", "rows": 2000, "label column": "label"}

    def said(old: dict[str, Any], new: dict[str, Any]) -> str:
        return refusal(lambda: require_same_plan(old, new, "RUN", "choose another"))

    def data(mark: str, **other: Any) -> dict[str, Any]:
        return {"train": mark, "words": {"train": {**words, **other}}}

    assert "differs: label, annotated_label;" in said(
        data(one), data(two, **{"label column": "annotated_label"})
    )
    assert "the data differ: a.csv, b.csv;" in said(data(one), data(two, file="b.csv"))
    assert "2,000 rows, 1,990 rows of a.csv" in said(data(one), data(two, rows=1990))
    assert "the data differ;" in said({"train": one}, {"train": two})
    model = [
        {"model": ["bert", mark], "words": {"model": name}}
        for mark, name in ((one, "a"), (two, "b"))
    ]
    assert "made with model = a, now it is b" in said(*model)
    assert "made with another model" in said({"model": one}, {"model": two})
    assert "steps 8 / 8, 16;" in said({"output": [[8, one]]}, {"output": [[8, one], [16, two]]})
    assert "the weights of step 8 differ" in said({"output": [[8, one]]}, {"output": [[8, two]]})


def test_an_index_of_another_run_is_refused_without_a_fingerprint(
    made: tuple[Path, Path], tmp_path: Path
) -> None:
    data, run = made
    other = wt.train(data, tmp_path / "run", label="checked", eval_fraction=0, **SMALL)
    api.build_index(wt.Run.open(run), tmp_path / "index", workers=1)
    found = refusal(lambda: api.build_index(other, tmp_path / "index", workers=1))
    assert "was made with another run; choose another" in found
