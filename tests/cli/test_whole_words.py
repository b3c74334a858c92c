"""``--words`` and ``--tokens``: whole words where people read, tokens where programs do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.command import wordtrace
from tests.conftest import make_examples
from wordtrace import api

TEXT = "the strikers , coaches and the scenes of seasons"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("w") / "run"
    api.train(make_examples(60), folder, eval_fraction=0, epochs=3, dim=8, vocabulary=75)
    api.build_index(folder, workers=1)
    return folder


def tokens_of(document: dict[str, Any]) -> set[str]:
    (query,) = document["queries"]
    return {word["token"] for hit in query["proponents"] for word in hit["words"]}


def test_trace_says_words_to_people_and_tokens_to_programs(run: Path, tmp_path: Path) -> None:
    asked = ("trace", run / "index", TEXT, "--top", 4)
    assert any(
        one.startswith("##") for one in tokens_of(json.loads(wordtrace(*asked, "--json").stdout))
    )
    merged = json.loads(wordtrace(*asked, "--json", "--words").stdout)
    assert merged["whole_words"]
    assert not any("##" in one for one in tokens_of(merged))
    assert "##" not in wordtrace(*asked).stdout
    assert "##" in wordtrace(*asked, "--tokens").stdout
    wordtrace(*asked, "--out", tmp_path / "a.html")
    wordtrace(*asked, "--out", tmp_path / "a.json")
    # The pieces are in small print, where a word is opened.
    page = re.sub("<small.*?</small>", "", (tmp_path / "a.html").read_text())
    assert "<bdi>##" not in page
    assert not json.loads((tmp_path / "a.json").read_text())["whole_words"]


def test_words_weighs_whole_words_too(run: Path) -> None:
    asked = ("words", run, TEXT, "a striker of the season")
    by_token = json.loads(wordtrace(*asked, "--json").stdout)
    by_word = json.loads(wordtrace(*asked, "--json", "--words").stdout)
    assert (by_token["whole_words"], by_word["whole_words"]) == (False, True)
    assert by_token["similarity"]["score"] == pytest.approx(by_word["similarity"]["score"])
    assert "strikers" in {word["token"] for word in by_word["texts"][0]["words"]}
    shown = wordtrace(*asked).stdout
    assert "strikers" in shown
    assert "##" not in shown
    assert "##" in wordtrace(*asked, "--tokens").stdout


def test_suspects_say_words_to_people_and_tokens_to_programs(run: Path, tmp_path: Path) -> None:
    asked = ("mislabels", run / "index", "--top", 30)
    by_token = json.loads(wordtrace(*asked, "--json").stdout)
    merged = json.loads(wordtrace(*asked, "--json", "--words").stdout)
    assert (by_token["whole_words"], merged["whole_words"]) == (False, True)
    pieces, words = (
        [token for row in one["rows"] for token, _ in row["words"]] for one in (by_token, merged)
    )
    assert any(one.startswith("##") for one in pieces)
    assert words
    assert not any("##" in one for one in words)
    assert "##" not in wordtrace(*asked).stdout
    wordtrace(*asked, "--out", tmp_path / "a.html")
    assert "<bdi>##" not in (tmp_path / "a.html").read_text()


def test_a_report_names_run_and_model_and_the_file_that_is_wrong(run: Path, tmp_path: Path) -> None:
    wordtrace("trace", run / "index", TEXT, "--top", 4, "--out", tmp_path / "a.json")
    wordtrace("report", tmp_path / "a.json", "--out", tmp_path / "r.html")
    assert f"Run {run}, model CNN" in (tmp_path / "r.html").read_text()
    (tmp_path / "b.json").write_text('{"format": "wordtrace-trace", "version": 1}')
    both = (tmp_path / "a.json", tmp_path / "b.json")
    done = wordtrace("report", *both, "--out", tmp_path / "r.html", status=2)
    assert "b.json: this document lacks something" in done.stderr
