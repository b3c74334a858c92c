"""Whatever the texts hold: a patch changes what it says, and its reverse takes that back."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordtrace.act.apply import apply_patch
from wordtrace.act.patch import Patch, PatchChange, fingerprint, read_patch
from wordtrace.errors import InputError, MismatchError

# Each of these ends a line for `str.splitlines`, and none of them in JSON lines or CSV.
CUTS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
CHARACTERS = st.characters(codec="utf-8") | st.sampled_from(CUTS + '\r\n,\t"\\é')
TEXT = st.text(CHARACTERS, min_size=1, max_size=8).filter(lambda text: text.strip() != "")
LABELS = ("film", "money", "a,b", "é\u2028o")


@dataclass(frozen=True)
class Row:
    id: str
    text: str
    text2: str
    label: str


def delimited(rows: list[Row], delimiter: str, quoting: int, end: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(["id", "text", "text2", "n", "label"])
    writer.writerows([row.id, row.text, row.text2, 7, row.label] for row in rows)
    return text.getvalue().encode()


def json_lines(rows: list[Row]) -> bytes:
    return "".join(json.dumps({**vars(row), "n": 7}) + "\n" for row in rows).encode()


WAYS = {
    "minimal.csv": lambda rows: delimited(rows, ",", csv.QUOTE_MINIMAL, "\r\n"),
    "all.csv": lambda rows: delimited(rows, ",", csv.QUOTE_ALL, "\n"),
    "numbers-bare.csv": lambda rows: delimited(rows, ",", csv.QUOTE_NONNUMERIC, "\n"),
    "minimal.tsv": lambda rows: delimited(rows, "\t", csv.QUOTE_MINIMAL, "\r\n"),
    "ascii.jsonl": json_lines,
    "zipped.csv.gz": lambda rows: delimited(rows, ",", csv.QUOTE_MINIMAL, "\r\n"),
}


def data_of(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@st.composite
def changed(draw: st.DrawFn) -> tuple[list[Row], list[Row], Patch]:
    """Rows, the rows as they should become, and the patch between them."""
    rows = [
        Row(f"{place}{draw(st.sampled_from(['', *CUTS]))}", draw(TEXT), draw(TEXT), label)
        for place, label in enumerate(draw(st.lists(st.sampled_from(LABELS), min_size=1)))
    ]
    after, changes = [], []
    for row in rows:
        mark = draw(st.sampled_from([None, fingerprint(row.text, row.text2)]))
        new = row
        for field, values in (
            ("label", st.sampled_from(LABELS)),
            ("text", TEXT),
            ("text2", TEXT),
        ):
            if draw(st.booleans()):
                value, action = draw(values), "relabel" if field == "label" else "edit"
                old = getattr(row, field)
                changes.append(
                    PatchChange(row.id, action, old, value, field, mark, reason=draw(TEXT))
                )
                new = replace(new, **{field: value})
        after.append(new)
    return rows, after, Patch(tuple(draw(st.permutations(changes))))


@settings(max_examples=150)
@given(changed(), st.sampled_from(sorted(WAYS)))
def test_a_patch_and_its_reverse_give_the_bytes_of_before(found, way) -> None:
    rows, after, patch = found
    with tempfile.TemporaryDirectory() as name:
        data, new, old = (Path(name, f"{part}-{way}") for part in ("data", "new", "old"))
        raw = WAYS[way](rows)
        data.write_bytes(gzip.compress(raw) if way.endswith(".gz") else raw)
        patch.write(Path(name, "patch.jsonl"))
        read = read_patch(Path(name, "patch.jsonl"))
        assert read == patch
        apply_patch(read, data, new, text2="text2")
        # What another writer makes of the changed rows, byte by byte.
        assert data_of(new) == WAYS[way](after)
        apply_patch(read.reversed(), new, old, text2="text2")
        assert data_of(old) == raw


@settings(max_examples=50)
@given(changed())
def test_parquet_and_unescaped_json_have_their_values_back(found) -> None:
    rows, after, patch = found
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = (json.dumps(vars(row), ensure_ascii=False) + "\n" for row in rows)
        (folder / "data.jsonl").write_bytes("".join(lines).encode())
        pq.write_table(pa.Table.from_pylist([vars(row) for row in rows]), folder / "data.parquet")
        for kind in ("jsonl", "parquet"):
            data, new, old = (folder / f"{part}.{kind}" for part in ("data", "new", "old"))
            apply_patch(patch, data, new, text2="text2")
            apply_patch(patch.reversed(), new, old, text2="text2")
            for path, right in ((new, after), (old, rows)):
                if kind == "parquet":
                    values = pq.read_table(path).to_pylist()
                else:
                    values = list(map(json.loads, path.read_bytes().split(b"\n")[:-1]))
                assert values == [vars(row) for row in right]


def test_a_reversed_patch_knows_the_row_that_it_made(tmp_path: Path) -> None:
    """Where a patch edits all of a row's texts it has the new fingerprint, and checks it."""
    data, new = tmp_path / "data.csv", tmp_path / "new.csv"
    data.write_text("text,label\none two,film\nthree,money\n")
    mark = fingerprint("one two")
    relabel = PatchChange("0", "relabel", "film", "money", fingerprint=mark)
    edit = PatchChange("0", "edit", "one two", "one", "text", fingerprint=mark)
    back = Patch((relabel, edit)).reversed()
    assert {change.fingerprint for change in back} == {fingerprint("one")}
    assert [replace(one, reason="") for one in back.reversed()] == [relabel, edit]
    apply_patch(Patch((relabel, edit)), data, new)
    new.write_text(new.read_text().replace("one,", "uno,"))
    with pytest.raises(MismatchError, match="'0' has another text than when"):
        apply_patch(Patch(back.changes[:1]), new, tmp_path / "old.csv")
    # A patch that edits one of two texts does not know the other, and a null mark checks nothing.
    pair = fingerprint("one two", "more")
    for known in (pair, None):
        some = Patch((replace(relabel, fingerprint=known), replace(edit, fingerprint=known)))
        assert [change.fingerprint for change in some.reversed()] == [None, None]


class Counted(str):
    """An id that counts how often it is compared."""

    comparisons = 0

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.comparisons += 1
        return str.__eq__(self, other)


def test_merging_compares_as_often_as_there_are_changes() -> None:
    counts = []
    for size in (100, 1000):
        patches = [
            Patch(tuple(PatchChange(Counted(row), "remove", "film", None) for row in range(size)))
            for _ in range(2)
        ]
        Counted.comparisons = 0
        assert len(patches[0].merged(patches[1])) == size
        counts.append(Counted.comparisons)
    assert counts[1] <= 11 * counts[0] + 100


def test_a_removal_clashes_with_any_change_of_its_row() -> None:
    edits = Patch(
        (PatchChange("a", "edit", "x", "y", "text2"), PatchChange("b", "relabel", "film", "money"))
    )
    for name in ("a", "b"):
        removal = Patch((PatchChange(name, "remove", "film", None),))
        for one, other in ((edits, removal), (removal, edits)):
            with pytest.raises(InputError, match=f"the row '{name}' in two ways"):
                one.merged(other)
