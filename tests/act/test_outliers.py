"""Rows that are unlike the rest: strange ones are planted among real news."""

from __future__ import annotations

import csv
import gzip

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

import wordtrace as wt
from tests.conftest import shared
from wordtrace import api
from wordtrace.act import strangeness as measured
from wordtrace.act.outliers import _MISREAD, _script_of
from wordtrace.act.word_sets import word_sets
from wordtrace.errors import InputError

GERMAN = (
    "Der Außenminister sprach am Dienstag in Berlin über die Lage der Wirtschaft.",
    "Die Mannschaft gewann das Spiel am Samstag mit drei zu eins vor fünfzigtausend Zuschauern.",
    "Der Konzern meldet für das Quartal einen Gewinn von zwei Milliarden Euro.",
)
STRANGE = (
    *GERMAN,
    "Президент России заявил во вторник, что переговоры будут продолжены.",
    *(text.encode().decode("latin-1") for text in GERMAN),
    '<div class="nav"><a href="/login">Log in</a> | <a href="/register">Register</a></div>',
    "Click here to unsubscribe. All rights reserved. Terms of service apply.",
    "{{template.header}} null undefined NaN 0x7ffe",
    "asdkjh qwlekj zxmcnb qpwoei alskdj",
    "ok",
)


@pytest.fixture(scope="module")
def ranked() -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    with gzip.open(shared("ag_news_train.csv.gz"), "rt", encoding="utf-8") as file:
        news = [row["text"] for row, _ in zip(csv.DictReader(file), range(1500), strict=False)]
    texts = [pa.chunked_array([[*news, *STRANGE]])]
    sets = word_sets(texts)
    parts = {
        "words": measured._rare_words(sets),
        "letters": measured._rare_letters(texts),
        "alone": measured._alone(sets)[0],
        "length": measured._odd_length(sets),
    }
    whole = measured.Strangeness(np.arange(len(sets)), parts, sets, 0)
    return {**parts, "combined": whole.ranking("combined")}


def test_planted_rows_come_first_and_the_parts_together_find_most(
    ranked: dict[str, np.ndarray],  # type: ignore[type-arg]
) -> None:
    count = len(ranked["combined"])
    planted = np.arange(count) >= count - len(STRANGE)
    areas = {name: roc_auc_score(planted, values) for name, values in ranked.items()}
    # At random the area is 0.5, and the precision 0.008.
    assert areas["combined"] > 0.97
    assert average_precision_score(planted, ranked["combined"]) > 0.5
    assert areas["combined"] > max(areas["words"], areas["letters"], areas["alone"])


def test_the_parts_are_what_they_say() -> None:
    texts = ["a b c d", "a b c e", "a f", "zz zz"]
    sets = word_sets([pa.chunked_array([texts])])
    with_it = {"a": 3, "b": 2, "c": 2, "d": 1, "e": 1, "f": 1}
    surprise = {word: -np.log2((often - 0.5) / 4) for word, often in with_it.items()}
    expected = [np.mean([surprise[word] for word in text.split()]) for text in texts[:3]]
    np.testing.assert_allclose(measured._rare_words(sets)[:3], expected)
    idf = {word: np.log2(4 / often) for word, often in with_it.items()}
    usual = {word: 0.0 if often > 0.8 * 4 else idf[word] for word, often in with_it.items()}
    norm = [np.sqrt(sum(usual[word] ** 2 for word in text.split())) for text in texts[:3]]
    alone, compared = measured._alone(sets, usual=0.8)
    shared_by = sum(usual[word] ** 2 for word in "abc")
    assert compared == 4
    np.testing.assert_allclose(alone[0], 1 - shared_by / (norm[0] * norm[1]))
    assert alone[3] == 1


def test_letters_are_counted_without_the_borders_of_texts() -> None:
    found = measured._rare_letters([pa.chunked_array([["abcd", "ABC"], ["x"], ["abd"]])])
    # Of 4 places, abc stands at 2, bcd and abd at 1.
    once, twice = -np.log2(0.5 / 4), -np.log2(1.5 / 4)
    np.testing.assert_allclose(
        found, [(twice + once) / 2, twice, np.median([(twice + once) / 2, twice, once]), once]
    )


def test_an_index_lists_its_strangest_rows_with_reasons(index: api.Index) -> None:
    found = index.outliers(top=5)
    assert [row.rank for row in found.rows] == [1, 2, 3, 4, 5]
    assert all(row.reasons for row in found.rows)
    values = [row.strangeness for row in found.rows]
    assert values == sorted(values, reverse=True)
    assert {change.action for change in found.patch()} == {"remove"}
    assert found.table().num_rows == 5
    by = index.outliers(by="length", top=3)
    assert [row.length for row in by.rows] == sorted((row.length for row in by.rows), reverse=True)
    with pytest.raises(InputError, match="by is 'loss'; it must be one of combined, words"):
        index.outliers(by="loss")
    with pytest.raises(InputError, match="top is 0"):
        index.outliers(top=0)


def test_wrong_encodings_and_scripts_are_recognized() -> None:
    for text in (*GERMAN, "Ã la carte"):
        assert not _MISREAD.search(text)
    for text in GERMAN:
        assert _MISREAD.search(text.encode().decode("latin-1"))
    assert _MISREAD.search("donâ€™t")
    assert _script_of(["Привет"]) == "Cyrillic"
    assert _script_of(["hello"]) == "Latin"
    assert _script_of(["123"]) is None


def test_a_result_is_read_back(index: api.Index, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("out") / "outliers.json"
    found = index.outliers(top=2)
    found.save(file)
    assert wt.load(file) == found
