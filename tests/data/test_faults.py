"""Files and tables that can't be read: each is refused with place and remedy."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from wordtrace.data.readers import read_examples
from wordtrace.errors import DataError

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
        r"d.csv, line 4: the quote opened here is never closed; close it",
    ),
    "blank then unclosed": (
        GOOD + '\n\n"open,a\n',
        r"line 6: the quote opened here is never closed",
    ),
    "unclosed in a long row": (
        GOOD + '"two\nlines, ""said""",x\n"a\r\nb","open\nz,b\n',
        r"line 7: the quote opened here is never closed",
    ),
    "quote inside": (GOOD + '"he said "hi"",a\n', r"line 4: text follows a closing quote; double"),
    "quote closed by the next": (
        GOOD + '"open,a\nfine,b\n"next",a\n',
        r"line 6: in the row that starts at line 4, text follows a closing quote",
    ),
    "semicolons": ("text;label\nx;a\n", r"has one column, 'text;label'; separate .* by a comma"),
    "utf-16": ("\udcff\udcfet\x00", r"line 1, .*byte 0xFF is not UTF-8.*iconv -f utf-16"),
    "empty file": ("", r"d.csv is empty; the first line must name the columns"),
    "header only": ("text,label\n", r"d.csv has no rows"),
    "same id": ("id,text,label\n1,x,a\n1,y,b\n", r"id '1' stands at line 2 and at line 3"),
    "empty id": ("id,text,label\n,x,a\n1,y,b\n", r"line 2: column 'id' is empty"),
    "two columns": ("text,text,label\nx,y,a\n", r"two columns 'text'; rename"),
    "latin1": (
        "text,label\nfine,a\ncaf\udce9,b\n",
        r"line 3, character 4: byte 0xE9 is not UTF-8.*iconv -f latin1",
    ),
    "windows": (
        "text,label\nfine,a\ncaf\udce9,b\n\udc93so\udc94,b\n",
        r"line 3, character 4: byte 0xE9 .* cp1252 \(as Windows.*iconv -f cp1252 -t utf-8",
    ),
    "not windows either": (
        "text,label\nfine,a\ncaf\udce9 \udc93 \udc81,b\n",
        r"line 3, character 4: byte 0xE9 .*iconv -f latin1",
    ),
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
    "half a label": ('{"text": "x", "label": "\\udfff"}\n', r"line 1: column 'label' holds half a"),
    "digits": ('{"text": "x", "label": ' + "1" * 5000 + "}\n", r"line 1: a number with too many"),
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
        ("a.parquet.gz", b"PAR1nonsense", r"a.parquet.gz is not a whole gzip file"),
        ("b.csv.gz", gzip.compress(GOOD.encode() * 99)[:60], r"b.csv.gz ends early"),
        ("a.parquet", b"PAR1nonsense", r"a.parquet is not a readable Parquet file"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=message):
            read_examples(tmp_path / name)
    for data, message in (
        ("x" * 5000, r"can't be opened \(File name too long\)"),
        (b"bytes", "bytes can't be read as examples; give a path"),
        (None, "NoneType can't be read as examples"),
        ([], "the list has no rows"),
        (["x"], "the list, row 0: str is not a dict"),
        ([{0: "x"}], "no column 'text'; it has 0"),
        (
            pa.table({"text": pa.array([b"\xff", b"a"]).view(pa.string()), "label": ["a", "b"]}),
            "the Table holds values that are not valid .*UTF8",
        ),
    ):
        with pytest.raises(DataError, match=message):
            read_examples(data)
    with pytest.raises(DataError, match="the limit is 0; give 1 or more"):
        read_examples([{"text": "x", "label": "a"}], limit=0)
    (tmp_path / "crc.csv.gz").write_bytes(gzip.compress(GOOD.encode())[:-8] + bytes(8))
    with pytest.raises(DataError, match=r"crc.csv.gz is not a whole gzip file \(CRC"):
        read_examples(tmp_path / "crc.csv.gz")
    with pytest.raises(DataError, match=r"is a folder, but not one saved by `datasets`"):
        read_examples(tmp_path)


def test_a_saved_dataset_without_the_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dataset_info.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"pip install 'wordtrace\[hf\]'"):
        read_examples(tmp_path)
