"""A line ends at a line feed, whatever else it holds; so everywhere that lines are read."""

from __future__ import annotations

import csv
import json
import tempfile
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wordtrace as wt
from tests.command import wordtrace
from tests.conftest import make_examples
from wordtrace.act.export import export
from wordtrace.act.mislabels_result import Mislabels, Suspect
from wordtrace.adopt.learning_rates import RATES, rates_of
from wordtrace.adopt.trainer_folder import Saved
from wordtrace.data.readers import read_examples
from wordtrace.disk.lines import read_lines

CUTS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
LINE = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n") | st.sampled_from(CUTS), max_size=8
)


@settings(max_examples=100)
@given(st.lists(LINE), st.sampled_from(["\n", "\r\n"]))
def test_lines_come_back_as_they_were_written(lines: list[str], end: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "lines")
        text = "".join(f"{line}{end}" for line in lines)
        path.write_bytes(text.encode())
        assert read_lines(path) == lines
        path.write_bytes(f"{text}the last".encode())
        assert read_lines(path) == [*lines, "the last"]


@settings(max_examples=60)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8") | st.sampled_from(CUTS + '\r\n",'), min_size=1).filter(
            lambda text: text.strip() != ""
        ),
        min_size=1,
        max_size=4,
    )
)
def test_exported_suspects_are_read_back_whole(texts: list[str]) -> None:
    known: dict[str, Any] = {one.name: 0.5 for one in fields(Suspect)}
    known |= {"text2": None, "proposed": None, "words": (), "opponents": (), "label": "x"}
    rows = [
        Suspect(**{**known, "id": f"{place}", "text": text, "rank": place + 1})
        for place, text in enumerate(texts)
    ]
    found = cast("Mislabels", SimpleNamespace(rows=rows))
    with tempfile.TemporaryDirectory() as name:
        for kind in ("jsonl", "parquet", "csv"):
            out = Path(name, f"suspects.{kind}")
            export(found, out)
            if (
                kind == "csv"
            ):  # a spreadsheet's file: an apostrophe guards what looks like a formula
                with open(out, encoding="utf-8", newline="") as file:
                    cells = [row["text"] for row in csv.DictReader(file)]
                assert [cell.removeprefix("'") for cell in cells] == [
                    text.removeprefix("'") for text in texts
                ]
            else:
                assert list(read_examples(out, require_labels=False).texts) == texts


def test_a_recorded_rate_is_read_whatever_its_line_holds(tmp_path: Path) -> None:
    lines = [json.dumps({"step": step, "learning_rate": step / 8}) for step in (1, 2)]
    note = json.dumps({"step": 3, "note": f"{CUTS}.", "learning_rate": 3 / 8}, ensure_ascii=False)
    (tmp_path / RATES).write_text("\n".join([*lines, note, '{"step": 4, "lear']), encoding="utf-8")
    rates = rates_of([Saved(tmp_path, 4, {})], tmp_path, None)
    assert rates is not None
    assert rates.known == {1, 2, 3}


@pytest.mark.slow
def test_an_id_of_any_characters_is_removed_from_an_index_by_a_file(tmp_path: Path) -> None:
    given = make_examples(12)
    ids = [f"a{CUTS}{row}" for row in range(12)]
    examples = wt.Examples.of(given.texts, given.labels, given.label_names, ids=ids)
    run = wt.train(examples, tmp_path / "run", eval_fraction=0.0, epochs=1, dim=4, vocabulary=50)
    wt.build_index(run, tmp_path / "index", workers=1)
    (tmp_path / "ids").write_text(f"{ids[3]}\r\n\n{ids[5]}\n", encoding="utf-8", newline="")
    wordtrace("index-remove", tmp_path / "index", "--ids", tmp_path / "ids")
    assert wt.Index.open(tmp_path / "index").folder.count == 10
