"""Reading labelled texts: every format gives the same examples, every fault one clear sentence."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import shared
from wordtrace.data.examples import Examples
from wordtrace.data.readers import read_examples
from wordtrace.errors import DataError, InputError

TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1, max_size=30
).filter(str.strip)
ROWS = st.lists(st.tuples(TEXT, st.sampled_from(["no", "yes", 'ö,"x"'])), min_size=2, max_size=8)


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows in the format of the file's name."""
    kind = path.name.split(".", 1)[1].removesuffix(".gz")
    if kind in ("csv", "tsv"):
        text = io.StringIO()
        writer = csv.DictWriter(
            text, list(rows[0]), delimiter="," if kind == "csv" else "\t", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
        data = text.getvalue().encode()
    elif kind == "jsonl":
        data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    else:
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), buffer)
        data = buffer.getvalue()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@settings(max_examples=25, deadline=None)
@given(rows=ROWS)
def test_every_format_gives_the_same_examples(
    rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    named = [{"id": f"r{i}", "text": t, "label": label} for i, (t, label) in enumerate(rows)]
    named += [{"id": "a", "text": "x", "label": "no"}, {"id": "b", "text": "y", "label": "yes"}]
    expected = read_examples(named)
    assert expected.texts == [row["text"] for row in named]
    assert [expected.label_names[i] for i in expected.labels] == [row["label"] for row in named]
    for kind in ("csv", "tsv", "jsonl", "parquet"):
        for ending in (kind, kind + ".gz"):
            path = folder / f"data.{ending}"
            write(path, named)
            found = read_examples(path)
            assert found.texts == expected.texts, ending
            assert found.fingerprint() == expected.fingerprint(), ending


@settings(max_examples=25, deadline=None)
@given(rows=ROWS)
def test_parquet_of_examples_is_a_round_trip(
    rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("round") / "x.parquet"
    names = ("yes", "no", 'ö,"x"', "never")
    examples = Examples.of(
        [text for text, _ in rows], [names.index(label) for _, label in rows], names
    )
    examples.write_parquet(path)
    once = path.read_bytes()
    back = Examples.read_parquet(path)
    assert back.label_names == names
    assert back.fingerprint() == examples.fingerprint()
    back.write_parquet(path)
    assert path.read_bytes() == once


GOOD = "text,label\nfine,a\nwell,b\n"

FAULTS = {
    "missing column": ("body,label\nx,a\n", r"no column 'text'; it has 'body', 'label'"),
    "near column": ("texts,label\nx,a\n", r"did you mean 'texts'"),
    "empty text": (GOOD + " ,a\n,b\n", r"d.csv, line 4: column 'text' is empty \(1 more are\)"),
    "missing label": (GOOD + "x,\n", r"d.csv, line 4: column 'label' has no label"),
    "single label": ("text,label\nx,a\ny,a\n", r"every example has the label 'a'.*two different"),
    "fields": (GOOD + "a,b,c\n", r"line 4: 3 fields where the header has 2; put quotes"),
    "unclosed quote": (
        GOOD + '"open,a\nx,b\n',
        r"row that starts at line 4 has a quote.*never clos",
    ),
    "blank then unclosed": (GOOD + '\n\n"open,a\n', r"row that starts at line 6"),
    "empty file": ("", r"d.csv is empty; the first line must name the columns"),
    "header only": ("text,label\n", r"d.csv has no rows"),
    "same id": ("id,text,label\n1,x,a\n1,y,b\n", r"id '1' stands at line 2 and at line 3"),
    "empty id": ("id,text,label\n,x,a\n1,y,b\n", r"line 2: column 'id' is empty"),
    "two columns": ("text,text,label\nx,y,a\n", r"two columns 'text'; rename"),
    "latin1": ("text,label\nfine,a\ncaf\udce9,b\n", r"line 3: byte 0xE9 is not UTF-8.*iconv"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_csv_is_refused_with_the_place(tmp_path: Path, name: str) -> None:
    content, message = FAULTS[name]
    path = tmp_path / "d.csv"
    path.write_bytes(GOOD.encode())
    assert len(read_examples(path)) == 2
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=message):
        read_examples(path)


JSON_FAULTS = {
    "broken": ('{"text": "x", "label": "a"}\n{"text": \n', r"line 2, column \d+: broken JSON"),
    "nan": ('{"text": "x", "label": NaN}\n', r"line 1: NaN is not JSON"),
    "no object": ("[1]\n", r"line 1: expected a JSON object"),
    "number": ('{"text": 5, "label": "a"}\n', r"line 1: column 'text' holds int 5, not text"),
    "null": ('{"text": null, "label": "a"}\n', r"line 1: column 'text' is empty"),
    "surrogate": ('{"text": "\\ud800", "label": "a"}\n', r"line 1: .*half a character"),
    "list label": ('{"text": "x", "label": ["a"]}\n', r"line 1: column 'label' holds list"),
    "measure": ('{"text": "x", "label": 0.5}\n', r"holds 0.5; labels are classes"),
    "deep": ("[" * 100_000 + "\n", r"line 1: (JSON nested too deeply|expected|broken)"),
}


@pytest.mark.parametrize("name", JSON_FAULTS)
def test_faulty_json_lines_are_refused_with_the_place(tmp_path: Path, name: str) -> None:
    content, message = JSON_FAULTS[name]
    path = tmp_path / "d.jsonl"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_examples(path)


def test_other_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere.csv does not exist; give .csv"):
        read_examples(tmp_path / "nowhere.csv")
    for name, content, message in (
        ("a.xlsx", b"x", r"a.xlsx: this kind of file can't be read; give .csv"),
        ("a.csv.gz", b"text,label\n", r"a.csv.gz is not a whole gzip file"),
        ("b.csv.gz", gzip.compress(GOOD.encode() * 99)[:60], r"b.csv.gz ends early"),
        ("a.parquet", b"PAR1nonsense", r"a.parquet is not a readable Parquet file"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=message):
            read_examples(tmp_path / name)
    with pytest.raises(DataError, match=r"is a folder, but not one saved by `datasets`"):
        read_examples(tmp_path)


def test_what_spreadsheets_and_windows_write_is_read(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes('\ufefftext,label\r\n"two\r\nlines, ""quoted""",a\r\n\r\nx,b\r\n'.encode())
    assert read_examples(path).texts == ['two\r\nlines, "quoted"', "x"]
    long = "w" * 300_000
    path.write_text(f"text,label\n{long},a\nx,b\n")
    before = csv.field_size_limit()
    assert read_examples(path).texts[0] == long
    assert csv.field_size_limit() == before


def test_labels_are_ordered_by_number_or_by_name(tmp_path: Path) -> None:
    numbers = [{"text": "x", "label": n} for n in (10, 2, 10, -1)]
    assert read_examples(numbers).label_names == ("-1", "2", "10")
    words = [{"text": "x", "label": n} for n in ("b", "10", "a")]
    assert read_examples(words).label_names == ("10", "a", "b")


def test_ids_are_kept_or_row_numbers() -> None:
    rows = [{"text": "x", "label": "a", "key": 7}, {"text": "y", "label": "b", "key": 3}]
    assert read_examples(rows).ids == ["0", "1"]
    kept = read_examples(rows, id="key")
    assert kept.ids == ["7", "3"]
    assert kept.row_of("3") == 1
    with pytest.raises(InputError, match="no example with the id '77'; did you mean '7'"):
        kept.row_of("77")


def test_queries_may_lack_labels(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("one\n\ntwo\n")
    found = read_examples(tmp_path / "q.txt", require_labels=False, label_names=("a", "b"))
    assert found.texts == ["one", "two"]
    assert found.labels.tolist() == [-1, -1]
    with pytest.raises(DataError, match="can't be read"):
        read_examples(tmp_path / "q.txt")
    rows = [{"text": "x", "label": "b"}, {"text": "y", "label": None}]
    some = read_examples(rows, require_labels=False, label_names=("a", "b"))
    assert some.labels.tolist() == [1, -1]
    with pytest.raises(
        DataError, match=r"row 0: the label 'bb' \(did you mean 'b'\?\) is not one of"
    ):
        read_examples([{"text": "x", "label": "bb"}], require_labels=False, label_names=("a", "b"))


def test_datasets_and_pandas(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["pos", "neg"])}
    )
    data = datasets.Dataset.from_dict({"text": ["x", "y", "z"], "label": [1, 0, 1]}, features)
    expected = read_examples(data)
    assert expected.label_names == ("pos", "neg")
    assert expected.labels.tolist() == [1, 0, 1]
    data.save_to_disk(tmp_path / "one")
    assert read_examples(tmp_path / "one").fingerprint() == expected.fingerprint()
    datasets.DatasetDict({"train": data}).save_to_disk(tmp_path / "two")
    with pytest.raises(DataError, match="holds the splits train; name one by --split"):
        read_examples(tmp_path / "two")
    found = read_examples(tmp_path / "two", split="train")
    assert found.fingerprint() == expected.fingerprint()
    assert read_examples(data.to_pandas()).label_names == ("0", "1")
    assert read_examples(data.to_pandas(), limit=2, require_labels=False).texts == ["x", "y"]


def test_pairs_need_both_texts() -> None:
    rows = [{"text": "x", "b": "y", "label": "a"}, {"text": "x", "b": "", "label": "c"}]
    with pytest.raises(DataError, match="row 1: column 'b' is empty"):
        read_examples(rows, text2="b")
    rows[1]["b"] = "z"
    assert read_examples(rows, text2="b").texts2 == ["y", "z"]


def test_contradictions_are_identical_texts_with_different_labels() -> None:
    examples = Examples.of(["x", "y", "x", "y", "x"], [0, 1, 1, 1, 0], ("a", "b"))
    assert examples.contradictions() == [(0, 2, 4)]


@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(st.integers(0, 60), min_size=30, max_size=80),
    seed=st.integers(0, 99),
    fraction=st.floats(0.1, 0.5),
)
def test_a_split_keeps_copies_on_one_side(texts: list[int], seed: int, fraction: float) -> None:
    labels = [number % 3 for number in texts]
    if len(set(labels)) < 3:
        return
    examples = Examples.of([f"text {number}" for number in texts], labels, ("a", "b", "c"))
    try:
        train, held = examples.split(fraction, seed)
    except Exception as error:
        assert "too few" in str(error)
        return
    assert not set(train.texts) & set(held.texts)
    rows = [int(id) for id in train.ids], [int(id) for id in held.ids]
    assert sorted(rows[0] + rows[1]) == list(range(len(texts)))
    assert rows[0] == sorted(rows[0])
    again = examples.split(fraction, seed)
    assert again[1].fingerprint() == held.fingerprint()
    for label in range(3):
        wanted = fraction * labels.count(label)
        assert (held.labels == label).sum() <= wanted + 0.5


@given(st.sampled_from(["text", "label", "id", "names"]))
def test_a_fingerprint_sees_every_change(what: str) -> None:
    plain = Examples.of(["x", "y"], [0, 1], ("a", "b"), ids=["1", "2"])
    changed = {
        "text": Examples.of(["x", "yy"], [0, 1], ("a", "b"), ids=["1", "2"]),
        "label": Examples.of(["x", "y"], [0, 0], ("a", "b"), ids=["1", "2"]),
        "id": Examples.of(["x", "y"], [0, 1], ("a", "b"), ids=["1", "3"]),
        "names": Examples.of(["x", "y"], [0, 1], ("a", "c"), ids=["1", "2"]),
    }[what]
    assert plain.fingerprint() != changed.fingerprint()
    assert plain.fingerprint() == plain.take(np.array([0, 1])).fingerprint()


def test_the_real_news_with_human_labels() -> None:
    path = shared("ag_news_train.csv.gz")
    clean, human = read_examples(path), read_examples(path, label="annotated_label")
    assert len(clean) == 10_000
    assert clean.label_names == ("Business", "Sci/Tech", "Sports", "World")
    assert (clean.labels != human.labels).mean() == pytest.approx(0.1975, abs=1e-4)


def test_the_real_sentence_pairs() -> None:
    pairs = read_examples(shared("nli_dev.csv.gz"), text="premise", text2="hypothesis")
    assert len(pairs) == 1000
    assert pairs.has_pairs
