"""A patch changes what it says in a data file, and nothing else, in every format."""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordtrace.act.apply import apply_patch
from wordtrace.act.patch import Patch, PatchChange, fingerprint, read_patch
from wordtrace.data.readers import read_examples
from wordtrace.data.rewrite_text import rewrite_delimited, rewrite_json_lines
from wordtrace.errors import DataError, InputError, MismatchError

CSV = (
    '\ufeffid,note,"text",label\r\n'
    'a,"x, ""y""","one, two",film\r\n'
    "\r\n"
    "b,,plain,film\r\n"
    'c,"two\r\nlines","a ""quote""",money\r\n'
    "d,end,last,money"
)
RELABEL = PatchChange("c", "relabel", "money", "film", reason="see")
REMOVE = PatchChange("b", "remove", "film", None)
EDIT = PatchChange("a", "edit", "one, two", 'one "or" two', field="text")


def written(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_what_a_kill_left_beside_a_whole_file_goes_with_the_next_command(tmp_path: Path) -> None:
    data, out = written(tmp_path, "data.csv", CSV), tmp_path / "new.csv"
    apply_patch(Patch((RELABEL,)), data, out)
    (tmp_path / ".new.csv.999.tmp").mkdir()
    with pytest.raises(InputError, match="is there already"):
        apply_patch(Patch((RELABEL,)), data, out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "new.csv"]


def test_a_csv_keeps_every_byte_that_no_change_names(tmp_path: Path) -> None:
    data, out = written(tmp_path, "data.csv", CSV), tmp_path / "out.csv"
    done = apply_patch(Patch((RELABEL, REMOVE, EDIT)), data, out)
    expected = (
        CSV.replace('"a ""quote""",money', '"a ""quote""",film')
        .replace("b,,plain,film\r\n", "")
        .replace('"one, two"', '"one ""or"" two"')
    )
    assert out.read_bytes() == expected.encode()
    assert (done.relabelled, done.removed, done.edited, done.rows) == (1, 1, 1, 3)
    examples = read_examples(out)
    assert examples.ids == ["a", "c", "d"]
    assert examples.texts[0] == 'one "or" two'


def test_a_patch_applied_and_reversed_gives_the_same_bytes(tmp_path: Path) -> None:
    data = written(tmp_path, "data.csv", CSV)
    patch = Patch((RELABEL, EDIT))
    apply_patch(patch, data, tmp_path / "new.csv")
    apply_patch(patch.reversed(), tmp_path / "new.csv", tmp_path / "old.csv")
    assert (tmp_path / "old.csv").read_bytes() == data.read_bytes()
    with pytest.raises(InputError, match=r"removes 1 rows \('b' first\) and can't be reversed"):
        Patch((REMOVE,)).reversed()


def test_json_lines_keep_every_byte_and_the_kind_of_a_label(tmp_path: Path) -> None:
    lines = (
        '{"text": "\\u00e9t\\u00e9", "label": 1, "score": 1.50, "more": {"label": "x"}}\n'
        "\n"
        '{ "label" : 0,"text":"two" , "deep": [1, {"text": 2}]}\r\n'
        '{"text": "drei", "label": 1}'
    )
    data, out = written(tmp_path, "data.jsonl", lines), tmp_path / "out.jsonl"
    changes = (
        PatchChange("0", "relabel", "1", "0"),
        PatchChange("1", "edit", "two", "zwei ü", field="text"),
    )
    removal = PatchChange("2", "remove", "1", None, rows=3)
    changes = tuple(replace(one, rows=3) for one in changes)
    apply_patch(Patch((*changes, removal)), data, out)
    expected = lines.replace('"label": 1, "score"', '"label": 0, "score"')
    expected = expected.replace('"text":"two"', '"text":"zwei \\u00fc"').rsplit("\n", 1)[0] + "\n"
    assert out.read_bytes() == expected.encode()


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=150)
@given(
    st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from([",", "\t"]),
    st.data(),
)
def test_any_csv_reads_back_as_the_changed_rows(rows, end, quoting, delimiter, data) -> None:
    # A lone \r is a line end to some readers and not to others; it is not what is tested here.
    rows = [[cell.replace("\r", " ").replace("\0", " ") for cell in row] for row in rows]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows([["a", "b", "c"], *rows])
    raw = text.getvalue().encode()
    place = data.draw(st.integers(0, len(rows) - 1))
    new = data.draw(CELL).replace("\r", " ").replace("\0", " ")
    out = io.BytesIO()
    rewrite_delimited(io.BytesIO(raw), out, delimiter, {place: {"b": new}})
    expected = [row[:] for row in rows]
    expected[place][1] = new
    found = list(csv.reader(io.StringIO(out.getvalue().decode(), newline=""), delimiter=delimiter))
    assert found[1:] == expected
    same = io.BytesIO()
    rewrite_delimited(io.BytesIO(raw), same, delimiter, {})
    assert same.getvalue() == raw


@settings(max_examples=150)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "text": CELL,
                "label": CELL,
                "x": st.recursive(
                    st.none() | st.booleans() | st.integers() | CELL,
                    lambda inner: (
                        st.lists(inner, max_size=2) | st.dictionaries(CELL, inner, max_size=2)
                    ),
                    max_leaves=4,
                ),
            }
        ),
        min_size=1,
        max_size=5,
    ),
    CELL,
    st.booleans(),
    st.data(),
)
def test_any_json_line_reads_back_as_the_changed_row(rows, new, ascii, data) -> None:
    raw = "".join(json.dumps(row, ensure_ascii=ascii) + "\n" for row in rows).encode()
    place = data.draw(st.integers(0, len(rows) - 1))
    out = io.BytesIO()
    rewrite_json_lines(io.BytesIO(raw), out, {place: {"label": new}})
    rows[place]["label"] = new
    # Not splitlines: it cuts at characters that JSON may hold.
    assert [json.loads(line) for line in out.getvalue().decode().split("\n")[:-1]] == rows


@pytest.mark.parametrize("kind", ["string", "dictionary", "integer"])
def test_parquet_keeps_schema_metadata_and_other_columns(tmp_path: Path, kind: str) -> None:
    labels = {
        "string": pa.array(["film", "film", "money"]),
        "dictionary": pa.array(["film", "film", "money"]).dictionary_encode(),
        "integer": pa.array([0, 0, 1], pa.int8()),
    }[kind]
    table = pa.table(
        {
            "id": ["a", "b", "c"],
            "text": pa.array(["x", "y", "z"], pa.large_string()),
            "label": labels,
            "nested": [[1, None], [], None],
        }
    ).replace_schema_metadata({"who": "me"})
    data, out = tmp_path / "data.parquet", tmp_path / "out.parquet"
    pq.write_table(table, data, compression="zstd", row_group_size=2)
    before, after = ("1", "0") if kind == "integer" else ("money", "film")
    changes = (
        PatchChange("c", "relabel", before, after),
        PatchChange("b", "remove", "0" if kind == "integer" else "film", None),
    )
    apply_patch(Patch(changes), data, out)
    found = pq.read_table(out)
    table = pq.read_table(data)
    assert found.schema.equals(table.schema, check_metadata=True)
    assert found["label"].to_pylist() == ([0, 0] if kind == "integer" else ["film", "film"])
    assert found.drop(["label"]).equals(table.drop(["label"]).take([0, 2]))
    assert pq.ParquetFile(out).metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_folder_of_datasets_keeps_its_features_and_other_splits(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["film", "money"])}
    )
    part = datasets.Dataset.from_dict({"text": ["x", "y", "z"], "label": [0, 1, 1]}, features)
    datasets.DatasetDict({"train": part, "test": part}).save_to_disk(str(tmp_path / "data"))
    changes = (
        PatchChange("1", "relabel", "money", "film", rows=3),
        PatchChange("2", "remove", "money", None, rows=3),
    )
    apply_patch(Patch(changes), tmp_path / "data", tmp_path / "out", split="train")
    found = datasets.load_from_disk(str(tmp_path / "out"))
    assert found["train"].features == features
    assert found["train"]["label"] == [0, 0]
    assert found["test"]["label"] == [0, 1, 1]


def test_a_gzipped_file_is_one_again_and_the_same_each_time(tmp_path: Path) -> None:
    data = written(tmp_path, "data.csv.gz", gzip.compress(CSV.encode()))
    for name in ("one.csv.gz", "two.csv.gz"):
        apply_patch(Patch((RELABEL,)), data, tmp_path / name)
    assert (tmp_path / "one.csv.gz").read_bytes() == (tmp_path / "two.csv.gz").read_bytes()
    unzipped = gzip.decompress((tmp_path / "one.csv.gz").read_bytes()).decode()
    assert unzipped == CSV.replace('"a ""quote""",money', '"a ""quote""",film')


STALE = [
    (PatchChange("zz", "relabel", "film", "money"), "row 'zz' is not there"),
    (PatchChange("a", "relabel", "money", "film"), "has that label already"),
    (PatchChange("a", "relabel", "sport", "money"), "has the label 'film', not the one"),
    (PatchChange("a", "edit", "other", "x", field="text"), "has the text 'one, two'"),
    (PatchChange("a", "edit", "other", "x", field="text2"), "has no second text"),
    (
        PatchChange("a", "relabel", "film", "money", fingerprint="0" * 16),
        "has another text than when",
    ),
]


@pytest.mark.parametrize(("change", "said"), STALE)
def test_a_change_that_does_not_fit_is_refused_and_nothing_written(
    tmp_path: Path, change: PatchChange, said: str
) -> None:
    data, out = written(tmp_path, "data.csv", CSV), tmp_path / "out.csv"
    with pytest.raises(MismatchError, match=said):
        apply_patch(Patch((RELABEL, change)), data, out)
    assert not out.exists()
    done = apply_patch(Patch((RELABEL, change)), data, out, skip_stale=True)
    assert [name for name, _ in done.skipped] == [change.id]
    assert done.relabelled == 1


def test_a_fingerprint_of_the_same_text_fits(tmp_path: Path) -> None:
    data = written(tmp_path, "data.csv", CSV)
    mark = fingerprint(read_examples(data).texts[2])
    change = PatchChange("c", "relabel", "money", "film", fingerprint=mark)
    assert apply_patch(Patch((change,)), data, tmp_path / "out.csv").relabelled == 1


def test_a_removal_by_a_rows_number_is_not_applied_twice(tmp_path: Path) -> None:
    data = written(tmp_path, "data.csv", "text,label\na,x\nb,x\nc,y\nd,x\n")
    bare = PatchChange("0", "remove", "x", None)
    with pytest.raises(MismatchError, match=r"row '0' is named by its number alone.*\"rows\": 4"):
        apply_patch(Patch((bare,)), data, tmp_path / "once.csv")
    assert not (tmp_path / "once.csv").exists()
    patch = Patch((replace(bare, rows=4), PatchChange("2", "relabel", "y", "x", rows=4)))
    assert apply_patch(patch, data, tmp_path / "once.csv").removed == 1
    with pytest.raises(MismatchError, match="row '0' is of data with 4 rows, and these have 3"):
        apply_patch(patch, tmp_path / "once.csv", tmp_path / "twice.csv")
    # Left out are all, not the first alone: the others have shifted as well.
    again = apply_patch(patch, tmp_path / "once.csv", tmp_path / "twice.csv", skip_stale=True)
    assert (again.removed, again.relabelled, len(again.skipped)) == (0, 0, 2)
    marked = Patch((replace(bare, fingerprint=fingerprint("a")),))
    apply_patch(marked, data, tmp_path / "third.csv")
    with pytest.raises(MismatchError, match="has another text"):
        apply_patch(marked, tmp_path / "third.csv", tmp_path / "fourth.csv")


def test_a_column_of_ids_needs_no_number_of_rows(tmp_path: Path) -> None:
    data = written(tmp_path, "data.csv", "id,key,text,label\n0,a,a,x\n1,b,b,x\n2,c,c,y\n")
    for id, column in (("0", None), ("a", "key")):
        out, again = tmp_path / f"{id}.csv", tmp_path / "again.csv"
        apply_patch(Patch((PatchChange(id, "remove", "x", None),)), data, out, id=column)
        with pytest.raises(MismatchError, match=f"row '{id}' is not there"):
            apply_patch(Patch((PatchChange(id, "remove", "x", None),)), out, again, id=column)


def test_places_are_checked_before_anything_is_read(tmp_path: Path) -> None:
    data, patch = written(tmp_path, "data.csv", CSV), Patch((RELABEL,))
    with pytest.raises(InputError, match="is the data itself"):
        apply_patch(patch, data, data, overwrite=True)
    with pytest.raises(InputError, match=r"end it in \.csv"):
        apply_patch(patch, data, tmp_path / "out.jsonl")
    (tmp_path / "there.csv").write_text("mine")
    with pytest.raises(InputError, match="overwrite=True"):
        apply_patch(patch, data, tmp_path / "there.csv")
    assert (tmp_path / "there.csv").read_text() == "mine"
    apply_patch(patch, data, tmp_path / "there.csv", overwrite=True)
    assert (tmp_path / "there.csv").read_bytes() != b"mine"


def test_a_patch_is_lines_of_json_that_round_trip(tmp_path: Path) -> None:
    change = PatchChange(
        "é", "relabel", "a", "b", fingerprint="00", reason="r", evidence={"rank": 1}
    )
    patch = Patch((change, REMOVE, EDIT))
    patch.write(tmp_path / "p.jsonl")
    assert read_patch(tmp_path / "p.jsonl") == patch
    lines = (tmp_path / "p.jsonl").read_text().splitlines()
    assert list(json.loads(lines[0])) == [
        "id",
        "action",
        "before",
        "after",
        "reason",
        "evidence",
        "fingerprint",
    ]


def test_patches_merge_and_clashes_are_named() -> None:
    other = PatchChange("d", "relabel", "money", "film")
    assert list(Patch((RELABEL,)).merged(Patch((RELABEL, other)))) == [RELABEL, other]
    both = Patch((EDIT,)).merged(Patch((PatchChange("a", "relabel", "film", "money"),)))
    assert len(both) == 2
    with pytest.raises(InputError, match=r"'c' in two ways \(relabel to 'film'; relabel to 'x'\)"):
        Patch((RELABEL,)).merged(Patch((PatchChange("c", "relabel", "money", "x"),)))
    for one, two in (((RELABEL,), "c"), ((EDIT,), "a")):
        removal = PatchChange(two, "remove", one[0].before, None)
        for first, second in ((one, (removal,)), ((removal,), one)):
            with pytest.raises(InputError, match="in two ways"):
                Patch(first).merged(Patch(second))


WRONG = [
    ("{", "line 2: broken JSON"),
    ("[]", "line 2: not a change"),
    ('{"id": "a", "action": "burn", "before": "x"}', "line 2: the action is 'burn'"),
    ('{"id": "a", "action": "relabel", "before": "x"}', "must be texts"),
    ('{"id": 3, "action": "remove", "before": "x"}', "must be texts"),
    (
        '{"id": "a", "action": "edit", "field": "label", "before": "x", "after": "y"}',
        "the field is",
    ),
    ('{"id": "a", "action": "remove", "before": "x", "fingerprint": 3}', "fingerprint"),
]


@pytest.mark.parametrize(("line", "said"), WRONG)
def test_a_broken_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = written(tmp_path, "p.jsonl", "\n" + line + "\n")
    with pytest.raises(DataError, match=said):
        read_patch(path)
    with pytest.raises(DataError, match="does not exist"):
        read_patch(tmp_path / "none.jsonl")


def test_a_label_of_another_kind_is_refused(tmp_path: Path) -> None:
    data = written(tmp_path, "d.jsonl", '{"text": "x", "label": 1}\n{"text": "y", "label": 0}\n')
    with pytest.raises(DataError, match="'film' is no int"):
        apply_patch(Patch((PatchChange("0", "relabel", "1", "film"),)), data, tmp_path / "o.jsonl")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.jsonl"]
