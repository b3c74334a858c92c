"""Every result is saved and read back: the same document, table and words."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import wordtrace as wt
from tests.conftest import make_examples
from wordtrace.api.loading import KINDS
from wordtrace.errors import CorruptError, InputError
from wordtrace.results.result import Result

#: What a document does not hold: the rows that a fix changes, and single effects.
BARE = ("wordtrace-evaluation",)


@pytest.fixture(scope="module")
def saved(
    run: wt.Run, index: wt.Index, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Result, Path]]:
    """One of each kind, with its file."""
    texts = ["the striker and the coach win", "shares of the bank"]
    trace = index.trace(texts, "sport", top=4, baselines=["bm25"], words=True)
    ids = run.train.ids
    kinds: list[Result] = [
        trace,
        wt.verify(trace, k=2, repeats=2, workers=1, index=index),
        index.mislabels(top=4, wrong=ids[:3], planted=ids[:2]),
        index.fix(_wrongly(run), k=(2,), actions=("remove",), repeats=2, workers=1),
        wt.clusters(run, trainings=3, wrong=0.3, threshold=0.95, least=2, workers=1),
        index.duplicates(threshold=0.5),
        index.outliers(top=3),
        wt.evaluate(run, 2, measures=["tracin-we", "bm25"], lds=3, k=[3], repeats=2, workers=1),
        wt.cancellation(run),
        wt.overlap(run, _wrongly(run), ["tracin-we", "bm25"], 5),
        wt.words(run, *texts, words=True),
        index.rows(limit=3),
    ]
    folder = tmp_path_factory.mktemp("results")
    files = [folder / f"{one.format}.json" for one in kinds]
    for one, file in zip(kinds, files, strict=True):
        one.save(file)
    return list(zip(kinds, files, strict=True))


def _wrongly(run: wt.Run) -> wt.Examples:
    """Three texts that the run gets wrong, since their labels are turned."""
    asked = make_examples(9, seed=21).take(np.arange(3))
    return wt.Examples.of(
        asked.texts,
        (asked.labels + 1) % 3,
        asked.label_names,
        ids=["a", "b", "c"],
        source="the queries",
    )


def test_there_is_one_of_every_kind(saved: list[tuple[Result, Path]]) -> None:
    assert [type(one) for one, _ in saved] == list(KINDS)


def test_what_is_loaded_is_what_was_saved(saved: list[tuple[Result, Path]]) -> None:
    for one, file in saved:
        back = wt.load(file)
        assert type(back) is type(one)
        assert (
            json.loads(back.to_json()) == json.loads(one.to_json()) == json.loads(file.read_text())
        )
        assert repr(back) == repr(one)
        assert back._repr_html_() == one._repr_html_()
        if one.format not in BARE:
            assert back.table().equals(one.table())


def test_what_a_document_does_not_hold_is_said(saved: list[tuple[Result, Path]]) -> None:
    by_format = {one.format: wt.load(file) for one, file in saved}
    with pytest.raises(InputError, match="which holds no single effects; they are in"):
        by_format["wordtrace-evaluation"].to_frame()
    fix: Any = by_format["wordtrace-fix"]
    with pytest.raises(InputError, match="which names no rows; make it again, or read the patch"):
        fix.patch()


def test_every_result_is_saved_by_the_ending(
    saved: list[tuple[Result, Path]], tmp_path: Path
) -> None:
    for one, _ in saved:
        one.save(tmp_path / "a.html")
        assert (tmp_path / "a.html").read_text().lstrip().startswith("<!doctype html>")
        one.save(tmp_path / "a.parquet")
        assert pq.read_table(tmp_path / "a.parquet").equals(one.table())
        one.save(tmp_path / "a.CSV")
        with (tmp_path / "a.CSV").open(newline="", encoding="utf-8") as opened:
            rows = list(csv.DictReader(opened))
        assert len(rows) == len(one.table())
        assert not rows or list(rows[0]) == one.table().column_names
        with pytest.raises(InputError, match=r"a\.docx should end in \.json, \.html, "):
            one.save(tmp_path / "a.docx")
        with pytest.raises(InputError, match=r"the folder .*nowhere does not exist"):
            one.save(tmp_path / "nowhere" / "a.json")


def test_a_csv_holds_words_as_json_and_no_formula(tmp_path: Path) -> None:
    class Formula(wt.Trace):
        def table(self) -> pa.Table:
            words = [[{"token": "=a", "contribution": -0.5}], None]
            return pa.table(
                {"text": ["=HYPERLINK(1)", "plain"], "score": [-1.5, 2.0], "words": words}
            )

    Formula("m", None, "run", 1, 0.1, "r", "f", None, (), ()).save(tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="") as opened:
        rows = list(csv.reader(opened))
    assert rows == [
        ["text", "score", "words"],
        ["'=HYPERLINK(1)", "-1.5", '[["=a", -0.5]]'],
        ["plain", "2.0", ""],
    ]


def test_what_cannot_be_loaded_is_refused_in_a_sentence_that_names_the_file(
    saved: list[tuple[Result, Path]], tmp_path: Path
) -> None:
    file = tmp_path / "odd.json"
    with pytest.raises(InputError, match=r"odd\.json does not exist; give a file"):
        wt.load(file)
    for content, message in (
        ('{"format": "wordtrace-run", "version": 1}', r"odd\.json .* is not a result of wordtrace"),
        ('{"format": ["x"]}', r"odd\.json .* is not a result of wordtrace"),
        ("{}", r"odd\.json .* is not a result of wordtrace"),
    ):
        file.write_text(content)
        with pytest.raises(InputError, match=message):
            wt.load(file)
    for content in ("[1]", "no JSON", "\ufffd"):
        file.write_text(content)
        with pytest.raises(CorruptError, match=r"odd\.json"):
            wt.load(file)
    for one, _ in saved:
        file.write_text(json.dumps(one.document() | {"version": 9}))
        with pytest.raises(InputError, match=r"odd\.json is an? .* of version 9; .* newer one"):
            wt.load(file)


def test_a_damaged_document_is_refused_in_a_sentence(
    saved: list[tuple[Result, Path]], tmp_path: Path
) -> None:
    file = tmp_path / "odd.json"
    for one, _ in saved:
        document = one.document()
        lists = [name for name, value in document.items() if isinstance(value, list | tuple)]
        whole = hasattr(one, "result")  # what is not looked into is not missed
        for name in ["queries"] if whole else lists:
            file.write_text(json.dumps(document | {name: {"another": "type"}}))
            with pytest.raises(InputError, match=r"odd\.json is not a whole .*make it again"):
                wt.load(file)


def test_the_place_of_the_damage_is_named(saved: list[tuple[Result, Path]], tmp_path: Path) -> None:
    document = json.loads(saved[0][0].to_json())
    del document["queries"][1]["proponents"][0]["words"][0]["kind"]
    (tmp_path / "t.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"queries\[1\]\.proponents\[0\]\.words\[0\] lacks 'kind'"):
        wt.load(tmp_path / "t.json")
