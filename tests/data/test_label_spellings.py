"""One class has many spellings: space around it, a whole number as a fraction, lists as text."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wordtrace.act.apply import apply_patch
from wordtrace.act.patch import Patch, PatchChange
from wordtrace.data.examples import Examples
from wordtrace.data.label_values import as_spelled, plain_label
from wordtrace.data.readers import read_examples
from wordtrace.errors import DataError, DataWarning


def read(labels: list[object], **more: object) -> Examples:
    rows = [{"text": f"text {place}", "label": label} for place, label in enumerate(labels)]
    return read_examples(rows, **more)


def test_labels_that_differ_by_white_space_are_one_class_and_it_says_so() -> None:
    with pytest.warns(DataWarning, match="'pos ' and 'pos' differ by white space alone, and were"):
        found = read(["pos ", "pos", "neg"])
    assert found.label_names == ("neg", "pos")
    assert found.labels.tolist() == [1, 1, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        assert read(["pos ", "neg"]).label_names == ("neg", "pos")
        # A model may have both as classes: then they are told apart.
        both = read(["pos ", "pos"], label_names=("pos ", "pos"))
    assert both.labels.tolist() == [0, 1]
    assert read(["pos\t"], label_names=("neg", "pos")).labels.tolist() == [1]


def test_a_whole_number_is_one_class_however_it_is_written(tmp_path: Path) -> None:
    found = read(["1.0", 1.0, 1, "1", np.float32(1), "0.00", "2"])
    assert found.label_names == ("0", "1", "2")
    assert found.labels.tolist() == [1, 1, 1, 1, 1, 0, 2]
    assert read(["1", 2.0], label_names=("2.0", "1.0")).labels.tolist() == [1, 0]
    assert read(["1.5", "v1.0", "2"]).label_names == ("1.5", "2", "v1.0")


@given(st.text(max_size=8), st.text(max_size=8))
def test_a_label_put_in_the_place_of_another_is_the_one_that_is_meant(old: str, new: str) -> None:
    after = plain_label(new)
    assert plain_label(as_spelled(old, after)) == after
    assert as_spelled(old, plain_label(old)) == old or not old.strip() or "." in old


def test_a_changed_label_is_spelled_as_the_file_spells_labels(tmp_path: Path) -> None:
    csv, lines = tmp_path / "d.csv", tmp_path / "d.jsonl"
    csv.write_text("text,label\nx,1.0\ny, 0.0\n")
    lines.write_text('{"text": "x", "label": "1.0 "}\n{"text": "y", "label": "0"}\n')
    for data in (csv, lines):
        new, old = (tmp_path / f"{name}{data.suffix}" for name in ("new", "old"))
        patch = Patch(
            (PatchChange("0", "relabel", "1", "0"), PatchChange("1", "relabel", "0", "1"))
        )
        apply_patch(patch, data, new)
        before, after = (path.read_text() for path in (data, new))
        assert after == before.replace("1.0", "Z.0").replace("0.0", "1.0").replace(
            '"0"', '"1"'
        ).replace("Z", "0")
        apply_patch(patch.reversed(), new, old)
        assert old.read_text() == before


LISTS = {
    "['a', 'b']": ["a", "b"],
    '["a", "b"]': ["a", "b"],
    "['b']": ["b"],
    "['it\\'s', \"b\"]": ["b", "it's"],
    "['a' 'b']": ["a", "b"],
    "['a'\n 'b']": ["a", "b"],
    "[np.str_('a'), np.str_('b')]": ["a", "b"],
    "('a',)": None,
    "a|b": ["a", "b"],
    " a | b ": ["a", "b"],
    "[]": [],
    "": [],
}


@pytest.mark.parametrize("text", [one for one, names in LISTS.items() if names is not None])
def test_a_set_written_as_text_reads_as_the_list_does(text: str) -> None:
    names = ("a", "b", "it's")
    found = read([text], kind="set", label_names=names)
    assert [names[place] for place in np.flatnonzero(found.labels[0])] == LISTS[text]


def test_a_printed_array_of_0_and_1_is_one_of_indicators() -> None:
    for texts in (["[1 0 1]", "[0 0 1]"], ["[1. 0. 1.]", "[0. 0. 1.]"], ["[1, 0, 1]", "[0, 0, 1]"]):
        found = read(texts, kind="set")
        assert found.label_names == ("0", "1", "2")
        assert found.labels.tolist() == [[1, 0, 1], [0, 0, 1]]
    flags = read(["[True, False]", "[False, True]"], kind="set", label_names=("a", "b"))
    assert flags.labels.tolist() == [[1, 0], [0, 1]]
    frame = read(["[np.int64(1), np.int64(0)]"], kind="set", label_names=("a", "b"))
    assert frame.labels.tolist() == [[1, 0]]


def test_bars_between_names_leave_their_commas() -> None:
    found = read(["rude, loud|threat", "rude, loud"], kind="set")
    assert found.label_names == ("rude, loud", "threat")
    known = read(["rude, loud", "a, b"], kind="set", label_names=("rude, loud", "a", "b"))
    assert known.labels.tolist() == [[1, 0, 0], [0, 1, 1]]


@given(st.lists(st.text(max_size=6).filter(lambda one: one.strip() == one), unique=True))
def test_a_list_that_python_writes_reads_back(names: list[str]) -> None:
    if any("\ud800" <= one <= "\udfff" for name in names for one in name):
        return
    written = str(names)
    found = read([written], kind="set", label_names=(*names, "none of them"))
    assert found.labels[0].tolist() == [1.0] * len(names) + [0.0]


@pytest.mark.parametrize("text", ["[1 0 ... 1]", "[a b]", "['a", "[__import__('os')]", "['a'+'b']"])
def test_what_is_no_list_of_labels_is_refused_and_not_evaluated(text: str) -> None:
    with pytest.raises(DataError, match="row 0: column 'label' holds a broken list; mend it"):
        read([text], kind="set", label_names=("a", "b"))
