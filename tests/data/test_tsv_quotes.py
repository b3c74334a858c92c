"""Quotes in TSV files: characters of the texts, or around fields; the file itself tells."""

from __future__ import annotations

import csv
import gzip
import io
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordtrace.act.apply import apply_patch
from wordtrace.act.patch import Patch, PatchChange
from wordtrace.data.readers import read_examples
from wordtrace.data.rewrite_text import rewrite_delimited
from wordtrace.errors import DataError, DataWarning

GLUE = (
    "sentence\tlabel\n"
    '"I like it , he said .\t1\n'
    "a plain one\t0\n"
    'it ends here . "\t1\n'
    'so "good" it is\t0\n'
    '" the end\t1\n'
)


@pytest.fixture
def glue(tmp_path: Path) -> Path:
    path = tmp_path / "train.tsv"
    path.write_text(GLUE)
    return path


def test_stray_quotes_do_not_merge_rows(glue: Path) -> None:
    expected = [line.split("\t")[0] for line in GLUE.splitlines()[1:]]
    found = read_examples(glue, text="sentence")
    assert found.texts == expected
    zipped = glue.with_suffix(".tsv.gz")
    zipped.write_bytes(gzip.compress(GLUE.encode()))
    assert read_examples(zipped, text="sentence").fingerprint() == found.fingerprint()
    assert read_examples(glue, text="sentence", limit=2).texts == expected[:2]


def test_where_both_readings_are_possible_it_says_which_was_taken(tmp_path: Path) -> None:
    path = tmp_path / "d.tsv"
    path.write_text('text\tlabel\n"open\ta\nmiddle\tb\nclosed"\ta\nx\tb\ny\ta\n')
    with pytest.warns(DataWarning, match=r"d.tsv, line 2: .*each of the 5 lines as a row.* 3 rows"):
        found = read_examples(path)
    assert found.texts == ['"open', "middle", 'closed"', "x", "y"]
    path.write_text('text\tlabel\n"all of it"\ta\nhe said "so"\tb\n')
    with pytest.warns(DataWarning, match=r"d.tsv: .*at line 2\).*although line 3 holds"):
        found = read_examples(path)
    assert found.texts == ["all of it", 'he said "so"']


QUOTED = [
    'text\tlabel\n"two\nlines"\ta\nx\tb\n',
    'text\tlabel\n"a\ttab"\ta\nx\tb\n',
    'text\tlabel\n"he said ""so"""\ta\nx\tb\n',
    '\ufeff"text"\t"label"\n"a\tb\nc"\t"x"\n"d"\t"y"\n',
]


@pytest.mark.parametrize("content", QUOTED)
def test_a_file_that_reads_well_with_quotes_is_read_so_and_nothing_is_said(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "d.tsv"
    path.write_text(content)
    rows = list(csv.DictReader(io.StringIO(content.removeprefix("\ufeff")), delimiter="\t"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        assert read_examples(path).texts == [row["text"] for row in rows]


def test_a_row_that_fits_neither_way_is_told_for_the_reading_that_gets_further(
    tmp_path: Path,
) -> None:
    path = tmp_path / "d.tsv"
    path.write_text('text\tlabel\n"open\ta\nx\tb\ny\tb\tmore\n')
    with pytest.raises(DataError, match=r"line 4: 3 fields where .* its quotes do not enclose"):
        read_examples(path)
    path.write_text('text\tlabel\nx\ta\textra\n"y"\tb\n')
    with pytest.raises(DataError, match=r"line 2: 3 fields .*; put quotes around a field"):
        read_examples(path)


CELL = st.text(st.sampled_from('ab" é,'), min_size=1, max_size=6).filter(str.strip)
ROWS = st.lists(st.tuples(CELL, CELL, st.sampled_from("pq")), min_size=1, max_size=6)


@settings(max_examples=150)
@given(rows=ROWS)
def test_what_is_written_without_quoting_reads_back_line_by_line(
    rows: list[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("tsv") / "d.tsv"
    # The last row's quote is never closed, so that the file can be read in one way alone.
    rows = [*rows, ("x", '"y', "p"), ("z", "w", "q")]
    path.write_text("".join("\t".join(row) + "\n" for row in [("a", "text", "label"), *rows]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        found = read_examples(path, text="a", text2="text")
    assert list(zip(found.texts, found.texts2 or (), strict=True)) == [row[:2] for row in rows]


@settings(max_examples=100)
@given(ROWS, st.data())
def test_a_patch_of_such_a_file_changes_its_fields_and_no_other_byte(
    rows: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    lines = ["\t".join(row) for row in [("a", "text", "label"), *rows, ("x", '"y', "p")]]
    place = data.draw(st.integers(0, len(rows)))
    raw, out = "\r\n".join(lines).encode(), io.BytesIO()
    rewrite_delimited(io.BytesIO(raw), out, "\t", {place: {"label": "r"}})
    changed = lines[place + 1][:-1] + "r"
    assert (
        out.getvalue() == "\r\n".join([*lines[: place + 1], changed, *lines[place + 2 :]]).encode()
    )


def test_a_patch_is_applied_and_reversed_to_the_same_bytes(glue: Path, tmp_path: Path) -> None:
    patch = Patch(
        (
            PatchChange("0", "relabel", "1", "0"),
            PatchChange("3", "edit", 'so "good" it is', '"so" it is', field="text"),
        )
    )
    there, back = tmp_path / "new.tsv", tmp_path / "old.tsv"
    apply_patch(patch, glue, there, text="sentence")
    expected = GLUE.replace("said .\t1", "said .\t0").replace('so "good" it', '"so" it')
    assert there.read_text() == expected
    apply_patch(patch.reversed(), there, back, text="sentence")
    assert back.read_bytes() == glue.read_bytes()
    tab = PatchChange("1", "edit", "a plain one", "a\ttab", field="text")
    with pytest.raises(DataError, match=r"holds a tab or a line break.*write the data as .jsonl"):
        apply_patch(Patch((tab,)), glue, tmp_path / "no.tsv", text="sentence")


def test_a_patch_that_would_turn_the_reading_of_the_quotes_is_refused(tmp_path: Path) -> None:
    path, out = tmp_path / "d.tsv", tmp_path / "out.tsv"
    path.write_text('text\tlabel\n"open\ta\n"all of it"\tb\nx\ta\n')
    remove = Patch((PatchChange("0", "remove", "a", None, rows=3),))
    with pytest.raises(DataError, match=r"quotes of d.tsv would be read in another way"):
        apply_patch(remove, path, out)
    assert not out.exists()
    path.write_text('text\tlabel\n"open\ta\nplain\tb\nx\ta\n')
    apply_patch(remove, path, out)
    assert read_examples(out).texts == ["plain", "x"]
