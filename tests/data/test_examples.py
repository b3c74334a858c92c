"""What examples promise: exact round trips, honest splits, fingerprints of content alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordtrace.data.examples import Examples
from wordtrace.data.examples_file import NAMES_KEY
from wordtrace.errors import CorruptError, InputError

NAMES = ("yes", "no", 'ö,"x"', "never")
ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=30)


def small() -> Examples:
    return Examples.of(["x", "y"], [0, 1], ("a", "b"), ids=["1", "2"])


@settings(max_examples=40)
@given(
    rows=st.lists(st.tuples(ANY_TEXT, ANY_TEXT, st.integers(-1, 2)), max_size=8),
    pairs=st.booleans(),
)
def test_parquet_of_examples_is_an_exact_round_trip(
    rows: list[tuple[str, str, int]], pairs: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("round") / "x.parquet"
    examples = Examples.of(
        [row[0] for row in rows],
        [row[2] for row in rows],
        NAMES,
        ids=[f"row {i}" for i in range(len(rows))],
        texts2=[row[1] for row in rows] if pairs else None,
    )
    examples.write_parquet(path)
    once = path.read_bytes()
    back = Examples.read_parquet(str(path))
    assert (back.ids, back.texts, back.texts2) == (examples.ids, examples.texts, examples.texts2)
    assert back.labels.tolist() == [row[2] for row in rows]
    assert back.label_names == NAMES
    assert back.table.schema == examples.table.schema
    back.write_parquet(path)
    assert path.read_bytes() == once


def test_the_parquet_file_is_legible_and_its_bytes_ignore_chunks(tmp_path: Path) -> None:
    count = 150_000
    whole = Examples.of([f"text {i}" for i in range(count)], [i % 3 for i in range(count)], NAMES)
    pieces = [whole.table.slice(at, 7_001) for at in range(0, count, 7_001)]
    cut = Examples(pa.concat_tables(pieces), NAMES)
    assert cut.table["text"].num_chunks > whole.table["text"].num_chunks
    whole.write_parquet(tmp_path / "whole.parquet")
    cut.write_parquet(tmp_path / "cut.parquet")
    assert (tmp_path / "whole.parquet").read_bytes() == (tmp_path / "cut.parquet").read_bytes()
    assert whole.fingerprint() == cut.fingerprint()
    table = pq.read_table(tmp_path / "whole.parquet")
    assert table.column_names == ["id", "text", "label"]
    assert table["label"][:3].to_pylist() == ["yes", "no", 'ö,"x"']
    assert json.loads(table.schema.metadata[NAMES_KEY]) == list(NAMES)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": ["0"], "text": ["x"], "label": ["zzz"]}, "a label is none of a, b"),
        ({"id": ["0"], "text": ["x"]}, "label"),
        ({"id": ["0"], "text": [None], "label": ["a"]}, "'text' holds nulls"),
    ],
)
def test_a_changed_parquet_file_is_refused_not_guessed(
    tmp_path: Path, columns: dict[str, list[str]], message: str
) -> None:
    path = tmp_path / "x.parquet"
    table = pa.table(columns, metadata={NAMES_KEY: b'["a", "b"]'})
    pq.write_table(table, path)
    with pytest.raises(CorruptError, match=message):
        Examples.read_parquet(path)
    small().write_parquet(path)
    assert len(Examples.read_parquet(path)) == 2
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CorruptError, match="can't be read as examples"):
        Examples.read_parquet(path)
    with pytest.raises(CorruptError, match="can't be read as examples"):
        Examples.read_parquet(tmp_path / "nowhere.parquet")


def test_what_does_not_fit_together_is_refused_when_made() -> None:
    with pytest.raises(InputError, match=r"labels run from 0 to 2; they must be -1 \(none\) or"):
        Examples.of(["x", "y"], [0, 2], ("a", "b"))
    with pytest.raises(InputError, match="labels run from -2"):
        Examples.of(["x", "y"], [-2, 0], ("a", "b"))
    with pytest.raises(InputError, match="stands twice"):
        Examples.of(["x"], [0], ("a", "a"))
    with pytest.raises(InputError, match="2 examples want as many labels"):
        small().with_labels(np.array([0]))
    with pytest.raises(InputError, match="not a mask"):
        small().take(np.array([False, True]))


def test_rows_are_taken_in_the_order_given_and_found_by_id() -> None:
    taken = small().take([1, 0, 1])
    assert (taken.ids, taken.labels.tolist()) == (["2", "1", "2"], [1, 0, 1])
    assert len(small().take([])) == 0
    flipped = small().with_labels(np.array([1, -1]))
    assert (flipped.labels.tolist(), flipped.texts) == ([1, -1], ["x", "y"])
    named = Examples.of(["x", "y"], [0, 1], ("a", "b"), ids=["doc-17", "doc-23"])
    assert named.row_of("doc-23") == 1
    with pytest.raises(InputError, match="no example with the id 'doc-71'; did you mean 'doc-17'"):
        named.row_of("doc-71")


def test_contradictions_are_identical_texts_with_different_labels() -> None:
    examples = Examples.of(["x", "y", "x", "y", "x"], [0, 1, 1, 1, 0], ("a", "b"))
    assert examples.contradictions() == [(0, 2, 4)]
    pairs = Examples.of(["x", "x"], [0, 1], ("a", "b"), texts2=["1", "2"])
    assert pairs.contradictions() == []
    unlabelled = Examples.of(["x", "x", "x"], [0, -1, 0], ("a", "b"))
    assert unlabelled.contradictions() == []


@settings(max_examples=60)
@given(
    copies=st.lists(st.integers(0, 29), max_size=50),
    seed=st.integers(0, 99),
    fraction=st.floats(0.1, 0.5),
)
def test_a_split_keeps_copies_on_one_side(copies: list[int], seed: int, fraction: float) -> None:
    # Ten different texts of each label, so that a split there is; the fourth class has no example.
    texts = [*range(30), *copies]
    labels = [number % 3 for number in texts]
    examples = Examples.of([f"text {number}" for number in texts], labels, ("a", "b", "c", "d"))
    train, held = examples.split(fraction, seed)
    assert not set(train.texts) & set(held.texts)
    rows = [int(id) for id in train.ids], [int(id) for id in held.ids]
    assert sorted(rows[0] + rows[1]) == list(range(len(texts)))
    assert all(side == sorted(side) for side in rows)
    assert examples.split(fraction, seed)[1].fingerprint() == held.fingerprint()
    for label in range(3):
        assert (held.labels == label).sum() <= fraction * labels.count(label) + 0.5


def test_a_split_without_copies_is_stratified_to_the_row_and_drawn_by_its_seed() -> None:
    labels = [0] * 300 + [1] * 100 + [2] * 20
    examples = Examples.of([f"text {row}" for row in range(420)], labels, ("a", "b", "c", "unused"))
    train, held = examples.split(0.2, seed=7)
    assert np.bincount(held.labels).tolist() == [60, 20, 4]
    assert np.bincount(train.labels).tolist() == [240, 80, 16]
    assert examples.split(0.2, seed=8)[1].ids != held.ids


def test_a_split_that_can_not_be_is_refused() -> None:
    with pytest.raises(InputError, match=r"fraction to hold out is 1.5; it must be in \(0, 1\)"):
        small().split(1.5, 0)
    with pytest.raises(InputError, match="2 examples are too few to hold out 50% of each label"):
        small().split(0.5, 0)
    with pytest.raises(InputError, match="example '2' has no label"):
        small().with_labels(np.array([0, -1])).split(0.5, 0)


@pytest.mark.parametrize(
    "changed",
    [
        Examples.of(["x", "yy"], [0, 1], ("a", "b"), ids=["1", "2"]),
        Examples.of(["x", "y"], [0, 0], ("a", "b"), ids=["1", "2"]),
        Examples.of(["x", "y"], [0, -1], ("a", "b"), ids=["1", "2"]),
        Examples.of(["x", "y"], [0, 1], ("a", "b"), ids=["1", "3"]),
        Examples.of(["x", "y"], [0, 1], ("a", "c"), ids=["1", "2"]),
        Examples.of(["x", "y"], [0, 1], ("b", "a"), ids=["1", "2"]),
        Examples.of(["xy", ""], [0, 1], ("a", "b"), ids=["1", "2"]),
        Examples.of(["x", "y"], [0, 1], ("a", "b"), ids=["1", "2"], texts2=["", ""]),
        small().take([1, 0]),
    ],
    ids=["text", "label", "no label", "id", "names", "names' order", "border", "pairs", "order"],
)
def test_a_fingerprint_sees_every_change(changed: Examples) -> None:
    assert changed.fingerprint() != small().fingerprint()
    again = Examples.of(["x", "y"], [0, 1], ("a", "b"), ids=["1", "2"], source="elsewhere")
    assert again.fingerprint() == small().fingerprint()
