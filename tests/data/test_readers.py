"""Reading labelled texts: every format gives the same examples, every fault one clear sentence."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import shared
from wordtrace.data.columns import CHUNK
from wordtrace.data.examples import Examples
from wordtrace.data.readers import read_examples
from wordtrace.errors import DataError, InputError

TEXT = st.text(
    st.characters(codec="utf-8") | st.sampled_from('",\t\n\r\x00\u200b\u2028😀'),
    min_size=1,
    max_size=30,
).filter(str.strip)
ROWS = st.lists(st.tuples(TEXT, st.sampled_from(["no", "yes", 'ö,"x"'])), min_size=2, max_size=8)


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows in the format of the file's name."""
    kind = path.name.split(".", 1)[1].removesuffix(".gz")
    if kind in ("csv", "tsv"):
        text = io.StringIO()
        writer = csv.DictWriter(
            text, list(rows[0]), delimiter="," if kind == "csv" else "\t", quoting=csv.QUOTE_ALL
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


@settings(max_examples=25)
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


def test_what_spreadsheets_and_windows_write_is_read(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_bytes('\ufefftext,label\r\n"two\r\nlines, ""quoted""",a\r\n\r\nx,b\r\n'.encode())
    assert read_examples(path).texts == ['two\r\nlines, "quoted"', "x"]
    path.write_text("\n\ntext,label\nx\0y,a\nz,b\n")
    assert read_examples(path).texts == ["x\0y", "z"]  # NUL is a character like any other
    long = "w" * 300_000
    path.write_text(f"text,label\n{long},a\nx,b\n")
    before = csv.field_size_limit(123_456)  # no one else's value, the lifted one least of all
    try:
        assert read_examples(path).texts[0] == long
        assert csv.field_size_limit() == 123_456
    finally:
        csv.field_size_limit(before)


def test_labels_are_ordered_by_number_or_by_name(tmp_path: Path) -> None:
    numbers = [{"text": "x", "label": n} for n in (10, 2, 10, -1)]
    assert read_examples(numbers).label_names == ("-1", "2", "10")
    words = [{"text": "x", "label": n} for n in ("b", "10", "a")]
    assert read_examples(words).label_names == ("10", "a", "b")


def test_labels_keep_what_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("text,label\nx,1.5\ny,2.10\n")
    assert read_examples(tmp_path / "d.csv").label_names == ("1.5", "2.10")
    whole = pa.table({"text": ["x", "y"], "label": [2.0, 1.0]})
    assert read_examples(whole).label_names == ("1", "2")
    with pytest.raises(DataError, match=r"row 1: .* holds 1.5; labels are classes"):
        read_examples(pa.table({"text": ["x", "y"], "label": [2.0, 1.5]}))
    truth = [{"text": "x", "label": True}, {"text": "y", "label": False}]
    assert read_examples(truth).label_names == ("False", "True")
    scalars = [{"text": "x", "label": np.int64(5)}, {"text": "y", "label": np.int64(4)}]
    assert read_examples(scalars).label_names == ("4", "5")
    digits = [{"text": "x", "label": "9" * 5000}, {"text": "y", "label": "1"}]
    assert len(read_examples(digits)) == 2


def test_the_label_order_of_a_parquet_file_of_ours_is_kept(tmp_path: Path) -> None:
    examples = Examples.of(["x", "y"], [0, 1], ("pos", "neg"))
    examples.write_parquet(tmp_path / "train.parquet")
    found = read_examples(tmp_path / "train.parquet")
    assert found.label_names == ("pos", "neg")
    assert found.fingerprint() == examples.fingerprint()


def test_a_long_file_is_read_in_parts_and_still_names_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk = 1000
    for place in ("columns", "tables"):
        monkeypatch.setattr(f"wordtrace.data.{place}.CHUNK", chunk)
    count = 2 * chunk + 5  # three parts: the third one's place counts both before it
    rows = [{"text": f"text {i}", "label": "ab"[i % 2]} for i in range(count)]
    for ending in ("csv", "jsonl", "parquet"):
        path = tmp_path / f"d.{ending}"
        write(path, rows)
        found = read_examples(path)
        assert found.table["text"].num_chunks > 1
        assert found.texts == [row["text"] for row in rows], ending
        assert read_examples(path, limit=chunk + 1).ids[-1] == str(chunk)
        assert len(read_examples(path, limit=7)) == 7
        write(path, [*rows, {"text": " ", "label": "a"}, {"text": "", "label": "a"}])
        place = {"csv": f"line {count + 2}", "jsonl": f"line {count + 1}"}
        place["parquet"] = f"row {count}"
        with pytest.raises(DataError, match=rf"{place[ending]}: .* is empty \(1 more are\)"):
            read_examples(path)
    # The text column may first show up after a whole part without it.
    late = "".join(json.dumps({"label": "a"}) + "\n" for _ in range(chunk + 2))
    (tmp_path / "late.jsonl").write_text(late + '{"text": "x", "label": "b"}\n')
    with pytest.raises(DataError, match=rf"line 1: .* is empty \({chunk + 1:,} more are\)"):
        read_examples(tmp_path / "late.jsonl")


def test_ids_are_kept_or_row_numbers() -> None:
    rows = [{"text": "x", "label": "a", "key": 7}, {"text": "y", "label": "b", "key": 3}]
    assert read_examples(rows).ids == ["0", "1"]
    kept = read_examples(rows, id="key")
    assert kept.ids == ["7", "3"]
    assert kept.row_of("3") == 1
    with pytest.raises(InputError, match="no example with the id '77'; did you mean '7'"):
        kept.row_of("77")
    same = [{**row, "id": 5} for row in rows]
    with pytest.raises(
        DataError, match=r"'5' stands at row 0 and at row 1.*row numbers \(id=False"
    ):
        read_examples(same)
    assert read_examples(same, id=False).ids == ["0", "1"]


def test_queries_may_lack_labels(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("one\n\ntwo\n")
    found = read_examples(tmp_path / "q.txt", require_labels=False, label_names=("a", "b"))
    assert found.texts == ["one", "two"]
    assert found.labels.tolist() == [-1, -1]
    with pytest.raises(DataError, match="can't be read here, since it holds texts without labels"):
        read_examples(tmp_path / "q.txt")
    with pytest.raises(DataError, match=r"q.txt has one text a line; give pairs as .csv or .jsonl"):
        read_examples(tmp_path / "q.txt", text2="b", require_labels=False)
    rows = [{"text": "x", "label": "b"}, {"text": "y", "label": None}]
    some = read_examples(rows, require_labels=False, label_names=("a", "b"))
    assert some.labels.tolist() == [1, -1]
    with pytest.raises(
        DataError, match=r"row 0: the label 'bb' \(did you mean 'b'\?\) is not one of"
    ):
        read_examples([{"text": "x", "label": "bb"}], require_labels=False, label_names=("a", "b"))


def test_only_the_default_label_column_may_be_missing_from_queries(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("text,topic\nx,a\ny,b\n")
    assert read_examples(path, require_labels=False).labels.tolist() == [-1, -1]
    assert read_examples(path, label=None).labels.tolist() == [-1, -1]
    assert read_examples(path, label="topic").labels.tolist() == [0, 1]
    with pytest.raises(DataError, match=r"no column 'topik'.*did you mean 'topic'"):
        read_examples(path, label="topik", require_labels=False)
    with pytest.raises(DataError, match="no column 'label'"):
        read_examples(path)
    many = [f"l{i}" for i in range(500)]
    with pytest.raises(DataError, match=r"l18, l19 and 480 more\.$"):
        read_examples(path, label="topic", label_names=many, require_labels=False)


def test_missing_values_of_pandas_are_missing() -> None:
    pandas = pytest.importorskip("pandas")
    good = {"text": ["x", "y"], "label": ["a", "b"]}
    frame = pandas.DataFrame(good, index=[7, 3])
    assert read_examples(frame).ids == ["0", "1"]
    assert read_examples(frame.astype({"label": "category"})).label_names == ("a", "b")
    for column, values, message in (
        ("text", ["x", None], "row 1: column 'text' is empty"),
        ("label", pandas.array([1, None], dtype="Int64"), "row 1: column 'label' has no label"),
        ("id", [4.0, None], "row 1: column 'id' is empty"),
    ):
        with pytest.raises(DataError, match=message):
            read_examples(pandas.DataFrame({**good, column: values}))
    with pytest.raises(DataError, match="no column 'text'; it has 0, 1"):
        read_examples(pandas.DataFrame([["x", "a"]]))


@pytest.mark.parametrize("damage", ["a text beyond the end", "no UTF-8", "cut"])
def test_a_damaged_folder_of_datasets_is_refused_before_it_is_read(
    tmp_path: Path, damage: str
) -> None:
    """Its file is mapped into memory, where a lie about places would end the process."""
    datasets = pytest.importorskip("datasets")
    rows = {"text": [f"the goal of match {row}" for row in range(50)], "label": ["x", "y"] * 25}
    datasets.Dataset.from_dict(rows).save_to_disk(tmp_path / "saved")
    path = tmp_path / "saved" / "data-00000-of-00001.arrow"
    data = path.read_bytes()
    first = data.index((19).to_bytes(4, "little") + (38).to_bytes(4, "little"))
    if damage == "a text beyond the end":
        data = data[:first] + (1 << 30).to_bytes(4, "little") + data[first + 4 :]
    elif damage == "no UTF-8":
        data = data.replace(b"the goal of match 3", b"the goal of match \xff")
    else:
        data = data[: first + 40]
    path.unlink()
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"saved can't be read by `datasets` \("):
        read_examples(tmp_path / "saved")


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
    with pytest.raises(DataError, match="holds the splits train; name one by split"):
        read_examples(tmp_path / "two")
    found = read_examples(tmp_path / "two", split="train")
    assert found.fingerprint() == expected.fingerprint()
    with pytest.raises(DataError, match="holds the splits train; there is no 'test'"):
        read_examples(tmp_path / "two", split="test")
    with pytest.raises(DataError, match="one has no splits; leave split='train' out"):
        read_examples(tmp_path / "one", split="train")
    in_memory = datasets.DatasetDict({"train": data})
    assert read_examples(in_memory, split="train").fingerprint() == expected.fingerprint()
    with pytest.raises(DataError, match="the DatasetDict holds the splits train"):
        read_examples(in_memory)
    for same in (data.with_format("torch"), data.to_iterable_dataset()):
        assert read_examples(same).fingerprint() == expected.fingerprint()
        assert read_examples(same, limit=2).texts == ["x", "y"]
    long = datasets.Dataset.from_dict({"text": ["x"] * (CHUNK + 9), "label": [0] * (CHUNK + 9)})
    assert len(read_examples(long, limit=7, require_labels=False)) == 7
    unlabelled = datasets.Dataset.from_dict({"text": ["x", "y"], "label": [1, -1]}, features)
    assert read_examples(unlabelled, require_labels=False).labels.tolist() == [1, -1]
    with pytest.raises(DataError, match="row 1: column 'label' has no label"):
        read_examples(unlabelled)
    data.to_parquet(tmp_path / "three.parquet")
    noted = pq.read_table(tmp_path / "three.parquet")
    assert read_examples(noted).fingerprint() == expected.fingerprint()
    with pytest.raises(DataError, match="row 0: column 'label' holds 5, but has the classes 0 to"):
        read_examples(noted.set_column(1, "label", pa.array([5, 0, 1])))
    assert read_examples(data.to_pandas()).label_names == ("0", "1")
    assert read_examples(data.to_pandas(), limit=2, require_labels=False).texts == ["x", "y"]


def test_the_data_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, wordtrace.data.readers; "
        "print([name for name in ('torch', 'datasets', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_empty_second_text_of_a_pair_is_kept(tmp_path: Path) -> None:
    rows = [{"text": "x", "b": "y", "label": "a"}, {"text": "x", "b": "", "label": "c"}]
    for name in ("d.csv", "d.tsv", "d.jsonl", "d.parquet"):
        write(tmp_path / name, rows)
        assert read_examples(tmp_path / name, text2="b").texts2 == ["y", ""], name
    rows[1]["b"] = None
    assert read_examples(rows, text2="b").texts2 == ["y", ""]
    assert read_examples(pa.Table.from_pylist(rows), text2="b").texts2 == ["y", ""]
    rows[1] = {"text": "", "b": "x", "label": "c"}
    with pytest.raises(DataError, match="row 1: column 'text' is empty"):
        read_examples(rows, text2="b")
    rows[1] = {"text": "x", "b": 5, "label": "c"}
    with pytest.raises(DataError, match="row 1: column 'b' holds int 5, not text"):
        read_examples(rows, text2="b")


def test_the_real_news_with_human_labels() -> None:
    path = shared("ag_news_train.csv.gz")
    clean, human = read_examples(path), read_examples(path, label="annotated_label")
    assert len(clean) == 10_000
    assert clean.label_names == ("Business", "Sci/Tech", "Sports", "World")
    assert Counter(clean.labels.tolist()) == {0: 2519, 1: 2463, 2: 2504, 3: 2514}
    assert (clean.labels != human.labels).mean() == pytest.approx(0.1975, abs=1e-4)


def test_the_real_sentence_pairs() -> None:
    pairs = read_examples(shared("nli_dev.csv.gz"), text="premise", text2="hypothesis")
    assert len(pairs) == 1000
    assert pairs.has_pairs


def test_the_real_tweets() -> None:
    tweets = read_examples(shared("toxic_tweets.csv.gz"))
    found = {name: int((tweets.labels == i).sum()) for i, name in enumerate(tweets.label_names)}
    assert found == {"hate speech": 1430, "neither": 4163, "offensive": 19190}
