"""Kinds of labels: classes, sets of classes, numbers; how files hold them, how they are written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordtrace import api
from wordtrace.data.labelling import Labelling
from wordtrace.errors import DataError, InputError, WordtraceError

NAMES = ("toxic", "rude, loud", "threat")
SETS = Labelling("set", NAMES)
NUMBERS = Labelling("number", ())


def read(values: list[object], kind: str = "set", **more: object) -> api.Examples:
    rows = [{"text": f"text {place}", "label": value} for place, value in enumerate(values)]
    return api.read_examples(rows, kind=kind, **more)


@given(st.lists(st.booleans(), min_size=3, max_size=3), st.integers(0, 2), st.booleans())
def test_what_is_written_of_a_set_reads_back(here: list[bool], place: int, on: bool) -> None:
    whole = np.array(here, np.float32)
    names = ("toxic", "loud", "threat")
    labelling = Labelling("set", names)
    np.testing.assert_array_equal(labelling.parse(labelling.spell(whole)), whole)
    one = np.full(3, np.nan, np.float32)
    one[place] = on
    assert labelling.spell(one) == (names[place] if on else f"not {names[place]}")
    np.testing.assert_array_equal(labelling.parse(labelling.spell(one)), one)


@given(st.floats(-1e6, 1e6, width=32))
def test_what_is_written_of_a_number_reads_back(value: float) -> None:
    assert NUMBERS.parse(NUMBERS.spell(np.array([value], np.float32)))[0] == np.float32(value)


def test_a_whole_number_is_written_without_a_point() -> None:
    assert NUMBERS.spell(np.array([4.0], np.float32)) == "4"
    assert NUMBERS.spell(np.array([3.7], np.float32)) == "3.7"
    assert [NUMBERS.spell(NUMBERS.parse(one)) for one in ("higher", "lower")] == ["higher", "lower"]


def test_a_class_whose_name_holds_a_comma_can_be_named() -> None:
    assert SETS.parse("{rude, loud}").tolist() == [0, 1, 0]
    assert SETS.parse("{}").tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("labelling", "text", "said"),
    [
        (SETS, "kind", "there is no label 'kind'; give one of toxic, rude, loud, threat, 'not"),
        (SETS, "{toxic, kind}", "there is no label 'kind'"),
        (NUMBERS, "warm", "the label 'warm' is no number; give one, or 'higher' or 'lower'"),
        (NUMBERS, "nan", "is no number"),
    ],
)
def test_a_label_that_is_none_is_refused(labelling: Labelling, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        labelling.parse(text)


def test_sets_are_lists_of_names_or_one_0_or_1_a_class() -> None:
    named = read([["b", "a"], [], ["c"]])
    assert named.label_names == ("a", "b", "c")
    assert named.labels.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert named.labelling.spell_all(named.labels) == ["{a, b}", "{}", "{c}"]
    hot = read([[1.0, 0.0], [0.0, 0.0]], label_names=("a", "b"))
    assert hot.labels.tolist() == [[1, 0], [0, 0]]
    numbered = read([[0, 2], [1]], label_names=("a", "b", "c"))
    assert numbered.labels.tolist() == [[1, 0, 1], [0, 1, 0]]
    written = read(["a, c", "", '["b"]'], label_names=("a", "b", "c"))
    assert written.labels.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_sets_in_columns_of_their_own_as_the_jigsaw_data_has_them(tmp_path: Path) -> None:
    path = tmp_path / "jigsaw.csv"
    path.write_text("id,text,toxic,threat\nq1,you fool,1,0\nq2,hello,0,0\nq3,I will,1,1\n")
    found = api.read_examples(path, label=("toxic", "threat"), kind="set")
    assert found.label_names == ("toxic", "threat")
    assert found.labels.tolist() == [[1, 0], [0, 0], [1, 1]]
    assert found.ids == ["q1", "q2", "q3"]


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        ("set", [["a"], 7], "row 1: column 'label' holds int 7; a list of labels is needed"),
        ("set", [["a"], None], "row 1: column 'label' has no label"),
        ("set", ["[1,", "a"], "row 0: column 'label' holds a broken list"),
        ("number", [1.5, "warm"], "row 1: column 'label' holds 'warm'; a number is needed"),
        ("number", [1.5, float("inf")], "row 1: column 'label' holds 'inf'; a number"),
        ("number", [1.5, ""], "row 1: column 'label' has no label"),
    ],
)
def test_what_is_no_such_label_is_refused_with_its_place(
    kind: str, values: list[object], said: str
) -> None:
    with pytest.raises(DataError, match=said.replace("[", r"\[")):
        read(values, kind)


def test_an_unknown_class_and_a_column_that_is_no_indicator_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 1: the label 'z' is not one of a, b"):
        read([["a"], ["z"]], label_names=("a", "b"))
    path = tmp_path / "some.csv"
    path.write_text("text,a,b\none,1,2\n")
    with pytest.raises(DataError, match="line 2: column 'b' holds '2'; 0 or 1 is needed"):
        api.read_examples(path, label=("a", "b"), kind="set")


@pytest.mark.parametrize(
    ("kind", "values"),
    [("set", [["a"], [], None, ["a", "b"]]), ("number", [1.25, None, -3, 7.5])],
)
def test_a_file_of_ours_reads_back_and_is_plain_to_others(
    kind: str, values: list[object], tmp_path: Path
) -> None:
    found = read(values, kind, require_labels=False)
    found.write_parquet(tmp_path / "some.parquet")
    again = api.Examples.read_parquet(tmp_path / "some.parquet")
    assert (again.kind, again.label_names) == (kind, found.label_names)
    np.testing.assert_array_equal(again.labels, found.labels)
    assert again.fingerprint() == found.fingerprint()
    assert pa.parquet.read_table(tmp_path / "some.parquet")["label"].to_pylist() == values


def test_rows_are_taken_and_contradictions_found_in_every_kind() -> None:
    rows = [{"text": "same", "label": ["a"]}, {"text": "x", "label": []}, {"text": "same"}]
    rows[2]["label"] = ["b"]
    found = api.read_examples(json.loads(json.dumps(rows)), kind="set")
    assert found.contradictions() == [(0, 2)]
    assert found.take([2, 0]).labels.tolist() == [[0, 1], [1, 0]]


def test_agreement_asks_only_what_the_query_asks() -> None:
    rows = np.array([[1, 0, 0], [1, 0, 1], [0, 0, 1]], np.float32)
    assert SETS.agree(rows, SETS.parse("toxic")).tolist() == [True, True, False]
    assert SETS.agree(rows, SETS.parse("{toxic}")).tolist() == [True, False, False]


def test_labels_of_another_kind_are_refused() -> None:
    with pytest.raises(WordtraceError, match="labels of the kind 'number', the run was trained"):
        read([1.5, 2.5], "number").labels_as(SETS)


@given(
    st.lists(st.text('ab,"{} not', min_size=1, max_size=5), min_size=2, max_size=5, unique=True),
    st.data(),
)
def test_names_of_any_kind_are_written_so_that_they_read_back(
    names: list[str], data: st.DataObject
) -> None:
    names = sorted({name for name in names if name.strip() == name} | {"plain", "other"})
    labelling = Labelling("set", tuple(names))
    whole = np.array(data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names))))
    whole = whole.astype(np.float32)
    np.testing.assert_array_equal(labelling.parse(labelling.spell(whole)), whole)
    one = np.full(len(names), np.nan, np.float32)
    one[data.draw(st.integers(0, len(names) - 1))] = data.draw(st.integers(0, 1))
    np.testing.assert_array_equal(labelling.parse(labelling.spell(one)), one)


def test_labels_are_reordered_by_class_and_not_by_how_they_are_written() -> None:
    rows = [{"text": "x", "label": ["a", "b"]}, {"text": "y", "label": ["a, b"]}]
    found = api.read_examples(rows, kind="set", label_names=("a, b", "a", "b"))
    assert found.labels.tolist() == [[0, 1, 1], [1, 0, 0]]
    other = Labelling("set", ("b", "a", "a, b", "c"))
    assert found.labels_as(other).tolist() == [[1, 1, 0, 0], [0, 0, 1, 0]]
    with pytest.raises(InputError, match="there is no label 'a, b'; give one of a, b"):
        found.labels_as(Labelling("set", ("a", "b")))


@pytest.mark.parametrize("value", ["1e39", 1e39, "-1e300"])
def test_a_number_beyond_float32_is_refused_not_taken_for_higher(value: object) -> None:
    with pytest.raises(DataError, match=r"row 0: column 'label' holds .*; a number is needed"):
        read([value, 2.0], "number")
    with pytest.raises(InputError, match="is no number"):
        NUMBERS.parse(str(value))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("[NaN]", "a list of labels is needed"),
        ("[1e400]", "a list of labels is needed"),
        ("[" * 100_000, "holds a broken list"),
    ],
)
def test_a_hostile_cell_is_one_sentence(value: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read([value, ["a"]])
