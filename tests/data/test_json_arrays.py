"""Files of one JSON array: read as JSON lines are, and patched without touching another byte."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordtrace.act.apply import apply_patch
from wordtrace.act.patch import Patch, PatchChange
from wordtrace.data.readers import read_examples
from wordtrace.errors import DataError

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(str.strip)
ROWS = st.lists(st.tuples(TEXT, st.sampled_from(["no", "yes"])), min_size=1, max_size=6)


@settings(max_examples=40)
@given(rows=ROWS, indent=st.sampled_from([None, 0, 2]), ascii_only=st.booleans())
def test_an_array_reads_as_the_same_rows_do(
    rows: list[tuple[str, str]],
    indent: int | None,
    ascii_only: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("json")
    named = [{"text": text, "label": label} for text, label in rows]
    named += [{"text": "x", "label": "no"}, {"text": "y", "label": "yes"}]
    expected = read_examples(named).fingerprint()
    data = json.dumps(named, indent=indent, ensure_ascii=ascii_only).encode()
    (folder / "d.json").write_bytes(data)
    (folder / "d.json.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf \n" + data))
    (folder / "lines.json").write_text("".join(json.dumps(row) + "\n" for row in named))
    for name in ("d.json", "d.json.gz", "lines.json"):
        assert read_examples(folder / name).fingerprint() == expected, name


FAULTS = {
    '[{"text": "x", "label": "a"},\n {"text": }]': r"line 2, column 11: broken JSON",
    '[{"text": "x", "label": "a"}, 5]': r"d.json, row 1: expected a JSON object",
    '[{"text": "x", "label": NaN}]': r"d.json: NaN is not JSON",
    '[{"text": "x", "label": ' + "1" * 5000 + "}]": r"d.json: a number with too many digits",
    '[{"text": "", "label": "a"}]': r"d.json, row 0: column 'text' is empty",
    "[]": r"d.json is empty",
    "[" * 100_000: r"nested too deeply|broken JSON",
}


@pytest.mark.parametrize("content", FAULTS)
def test_a_faulty_array_is_refused_with_the_place(tmp_path: Path, content: str) -> None:
    path = tmp_path / "d.json"
    path.write_text(content)
    with pytest.raises(DataError, match=FAULTS[content]):
        read_examples(path)


ARRAY = """[
  {"text": "one", "label": 1, "more": [1, 2]},
  {"text" : "tw\\u00f6", "label": 0}
 ,{"label": 1,
   "text": "three"}
]
"""


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (PatchChange("1", "relabel", "0", "1"), '"label": 0', '"label": 1'),
        (PatchChange("2", "edit", "three", "dr\u00fc", field="text"), "three", "dr\\u00fc"),
        (
            PatchChange("1", "remove", "0", None, rows=3),
            ',\n  {"text" : "tw\\u00f6", "label": 0}',
            "",
        ),
        (
            PatchChange("0", "remove", "1", None, rows=3),
            '{"text": "one", "label": 1, "more": [1, 2]},\n  ',
            "",
        ),
    ],
)
def test_a_patched_array_keeps_every_other_byte(
    tmp_path: Path, change: PatchChange, before: str, after: str
) -> None:
    path, out = tmp_path / "d.json", tmp_path / "out.json"
    path.write_text(ARRAY)
    done = apply_patch(Patch((change,)), path, out)
    assert done.rows == len(json.loads(out.read_text()))
    assert out.read_text() == ARRAY.replace(before, after)


def test_all_rows_of_an_array_may_be_removed(tmp_path: Path) -> None:
    path, out = tmp_path / "d.json", tmp_path / "out.json"
    path.write_text(ARRAY)
    patch = Patch(
        tuple(
            PatchChange(id, "remove", label, None, rows=3)
            for id, label in zip("012", "101", strict=True)
        )
    )
    apply_patch(patch, path, out)
    assert json.loads(out.read_text()) == []
