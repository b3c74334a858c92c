"""Rows of an index: what filters leave, against a plain list; the order, the pages, the counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordtrace import api
from wordtrace.act.filters import Filters
from wordtrace.act.row_table import RowTable
from wordtrace.errors import InputError

DECIDED = {0: "keep", 3: "remove", 8: "relabel", 20: "keep"}
MARKS = np.zeros(96, np.int8)
MARKS[[0, 3, 8, 20]] = 1, 3, 2, 1
HOSTILE = ['<img src=x onerror="alert(1)">', 'a"b\\n\x00', "ʃ \u202e \U0001f600 É", "x\n\r\n,\t'=1"]


def plain(index: api.Index) -> list[dict[str, Any]]:
    """Each row as a dict, from the files by other means."""
    table = pq.read_table(index.folder.path / "examples.parquet")
    suspicion = index.mislabels(top=table.num_rows)
    by_id = {one.id: one.suspicion for one in suspicion.rows}
    return [
        {
            "id": row["id"],
            "text": text,
            "label": row["label"],
            "predicted": row["predicted_final"],
            "loss": row["loss_final"],
            "self_influence": row["self_influence"],
            "suspicion": by_id[row["id"]],
        }
        for row, text in zip(table.to_pylist(), index.run.train.texts, strict=True)
    ]


@pytest.fixture(scope="module")
def rows(index: api.Index) -> list[dict[str, Any]]:
    return plain(index)


@pytest.fixture(scope="module")
def table(index: api.Index) -> RowTable:
    return RowTable(index.folder, index.run)


def passes(row: dict[str, Any], number: int, filters: Filters) -> bool:
    """Tell slowly whether a row passes filters."""
    wanted = [
        all(word in row["text"].lower() for word in (filters.q or "").lower().split()),
        filters.label in (None, row["label"]),
        filters.predicted in (None, row["predicted"]),
        filters.right in (None, row["label"] == row["predicted"]),
    ]
    for name in ("loss", "suspicion"):
        first, end = getattr(filters, f"{name}_from"), getattr(filters, f"{name}_to")
        wanted.append((first is None or row[name] >= first) and (end is None or row[name] < end))
    decision = DECIDED.get(number)
    if filters.decision == "any":
        wanted.append(decision is not None)
    elif filters.decision == "none":
        wanted.append(decision is None)
    elif filters.decision is not None:
        wanted.append(decision == filters.decision)
    return all(wanted)


some = st.sampled_from
filters_of_all_kinds = st.builds(
    Filters,
    q=st.none() | some(["the", "TEAM", "coach match", "ma", "of , .", "", " ", "zebra"]),
    label=st.none() | some(["film", "money", "sport"]),
    predicted=st.none() | some(["film", "money", "sport"]),
    right=st.none() | st.booleans(),
    suspicion_from=st.none() | st.floats(0, 12),
    suspicion_to=st.none() | st.floats(0, 12),
    loss_from=st.none() | st.floats(0, 2),
    loss_to=st.none() | st.floats(0, 2),
    decision=st.none() | some(["keep", "relabel", "remove", "edit", "none", "any"]),
)


@settings(max_examples=150)
@given(filters=filters_of_all_kinds)
def test_filters_leave_the_rows_that_a_plain_list_leaves(
    table: RowTable, rows: list[dict[str, Any]], filters: Filters
) -> None:
    expected = [number for number, row in enumerate(rows) if passes(row, number, filters)]
    assert table.select(filters, MARKS).tolist() == expected


@settings(max_examples=60)
@given(
    sort=some(["row", "id", "label", "predicted", "suspicion", "loss", "self_influence"]),
    descending=st.booleans(),
    offset=st.integers(0, 130),
    limit=st.integers(0, 130),
    right=st.none() | st.booleans(),
)
def test_a_page_is_a_slice_of_the_sorted_rows(
    table: RowTable,
    rows: list[dict[str, Any]],
    sort: str,
    descending: bool,
    offset: int,
    limit: int,
    right: bool | None,
) -> None:
    left = [n for n, row in enumerate(rows) if passes(row, n, Filters(right=right))]
    keys = {"row": lambda number: number}
    key = keys.get(sort, lambda number: rows[number][sort])
    # Python's sort keeps equal rows in their order, also in reverse.
    ordered = sorted(left, key=key, reverse=descending)
    found = table.rows(
        Filters(right=right), sort=sort, descending=descending, offset=offset, limit=limit
    )
    assert found.matching == len(left)
    assert [row.row for row in found.rows] == ordered[offset : offset + limit]


@settings(max_examples=60)
@given(filters=filters_of_all_kinds)
def test_every_bar_counts_the_rows_that_its_own_filter_leaves(
    table: RowTable, filters: Filters
) -> None:
    chosen = set(table.select(filters, MARKS).tolist())
    for column in ("label", "predicted", "right", "suspicion", "loss", "decision"):
        found = table.distribution(column, filters, MARKS)
        assert found is not None
        assert sum(bar.all for bar in found.bars) == table.total
        assert sum(bar.matching for bar in found.bars) == len(chosen)
        for bar in found.bars:
            if bar.name is None:
                own = Filters(**{f"{column}_from": bar.first, f"{column}_to": bar.end})
            else:
                own = Filters(**{column: bar.name == "right" if column == "right" else bar.name})
            held = table.select(own, MARKS).tolist()
            assert (len(held), len(chosen.intersection(held))) == (bar.all, bar.matching)


def test_a_phrase_in_quotes_stands_as_it_is_and_in_any_case(
    table: RowTable, rows: list[dict[str, Any]]
) -> None:
    words = rows[5]["text"].split()
    phrase = " ".join(words[1:3]).upper()
    expected = [n for n, row in enumerate(rows) if phrase.lower() in row["text"].lower()]
    assert table.select(Filters(q=f'"{phrase}"')).tolist() == expected
    assert table.select(Filters(q=f'"{phrase}')).tolist() == expected  # the end is the end
    assert 5 in expected


def test_hostile_texts_are_found_and_come_back_byte_for_byte(tmp_path: Path) -> None:
    index = _tiny(tmp_path, HOSTILE * 2, [0, 1] * 4, ("<b>", "'; --"))
    table = index.row_table
    read = table.read(np.arange(8))
    assert [one.text for one in read] == HOSTILE * 2
    assert [one.label for one in read] == ["<b>", "'; --"] * 4
    for place, text in enumerate(HOSTILE):
        word = max(text.split(), key=len).replace('"', " ").split()[-1]
        assert place in table.select(Filters(q=word)).tolist()
    assert table.select(Filters(q="é")).tolist() == [2, 6]
    assert table.select(Filters(q="\\n")).tolist() == [1, 5]
    assert table.select(Filters(q=".*")).tolist() == []
    assert table.select(Filters(label="'; --")).tolist() == [1, 3, 5, 7]


def test_removed_rows_are_nowhere(tmp_path: Path) -> None:
    index = _tiny(tmp_path, [f"text {n}" for n in range(12)], [0, 1] * 6, ("a", "b"))
    index.rows(q="text")  # what was computed before is no longer used
    index.remove([index.ids[4], index.ids[11]])
    index.review().decide(index.ids[2], "keep")  # it knows nothing of the row removed last
    assert [one.row for one in index.rows(decision="keep").rows] == [2]
    assert index.rows(decision="none").matching == 9
    found = index.rows(q="text", sort="loss", descending=True, limit=100)
    assert found.total == found.matching == 10
    assert not {4, 11} & {one.row for one in found.rows}
    counts = index.row_table.distribution("label", Filters())
    assert counts is not None
    assert [bar.all for bar in counts.bars] == [5, 5]
    with pytest.raises(InputError, match="has no row 4"):
        index.row_table.read(np.array([4]))


def test_a_text_is_cut_only_in_a_list(table: RowTable, rows: list[dict[str, Any]]) -> None:
    short, whole = table.read(np.array([5]), cut=9)[0], table.read(np.array([5]))[0]
    assert (short.text, short.cut) == (rows[5]["text"][:9], True)
    assert (whole.text, whole.cut) == (rows[5]["text"], False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"label": "cricket"}, "there is no label 'cricket'"),
        ({"decision": "maybe"}, "decision is 'maybe'; give keep"),
        ({"loss_to": float("nan")}, "loss_to is nan"),
        ({"sort": "length"}, "sort is 'length'; give one of row, id"),
        ({"offset": -1}, "offset is -1"),
        ({"labels": "film"}, "did you mean label"),
        ({"q": "a" * 1001}, "q has a word of 1,001 characters"),
        ({"q": "\ud800"}, "q holds half a character"),
    ],
)
def test_what_is_no_filter_is_refused_in_a_sentence(
    index: api.Index, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        index.rows(**given)


def test_decisions_are_no_filter_where_no_review_is_open(table: RowTable) -> None:
    with pytest.raises(InputError, match="no review of these rows is open"):
        table.select(Filters(decision="keep"))


def test_rows_are_a_result_that_is_read_back(index: api.Index, tmp_path: Path) -> None:
    found = index.rows(right=True, sort="suspicion", descending=True, limit=5)
    found.save(tmp_path / "rows.json")
    assert api.load(tmp_path / "rows.json").document() == found.document()
    assert found.table()["suspicion"].to_pylist() == [one.suspicion for one in found.rows]
    found.save(tmp_path / "rows.csv")
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 6


def _tiny(folder: Path, texts: list[str], labels: list[int], names: tuple[str, ...]) -> api.Index:
    examples = api.Examples.of(texts, labels, names)
    run = api.train(
        examples, folder / "run", eval_fraction=0, epochs=1, dim=4, vocabulary=60, max_length=8
    )
    return api.build_index(run, workers=1)
