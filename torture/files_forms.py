"""Files that have the right form, by Hypothesis, and hold what nobody expects there."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from torture.files_damage import checked, places, put

#: Texts with quotes, ends of lines, characters beyond ASCII.
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ['"', '""', '"\n', "\r", "\t", "\0", "=1", "a,b", "NaN", "[1", "{}", "\ufeff", "1e999"]
)
#: What JSON can hold, and what Python's parser takes beside.
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | TEXTS
    | st.sampled_from([0, 1, -1, 2**31, 2**63, 1e308]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def forms(path: Path) -> st.SearchStrategy[bytes]:
    """Return the strategy for files like a whole one."""
    if path.suffix in (".csv", ".tsv"):
        return _table("," if path.suffix == ".csv" else "\t")
    text = path.read_text("utf-8")
    if path.suffix == ".jsonl":
        return _lines([json.loads(line) for line in text.splitlines()][:6])
    return _changed(json.loads(text)).map(_written)


def _written(document: Any) -> bytes:
    return json.dumps(checked(document) if isinstance(document, dict) else document).encode()


def _lines(rows: list[Any]) -> st.SearchStrategy[bytes]:
    return _changed(rows).map(
        lambda found: (
            b"\n".join(map(_written, found if isinstance(found, list) else [found])) + b"\n"
        )
    )


@st.composite
def _changed(draw: st.DrawFn, document: Any) -> Any:
    """Draw a document with other values at one to three places, or without one of them."""
    found = document
    for _ in range(draw(st.integers(1, 3))):
        known = list(places(found))
        if not known:
            return draw(VALUES)
        place = draw(st.sampled_from(known))
        found = put(found, place, draw(st.just(...) | VALUES))
    return found


def _table(mark: str) -> st.SearchStrategy[bytes]:
    heads = st.just(["key", "body", "topic"]) | st.lists(TEXTS, max_size=4)
    rows = st.lists(st.lists(TEXTS, max_size=4), max_size=5)

    def written(head: list[str], body: list[list[str]], end: str, quoting: Any) -> bytes:
        text = io.StringIO()
        writer = csv.writer(
            text, delimiter=mark, lineterminator=end, quoting=quoting, escapechar="\\"
        )
        writer.writerows([head, *body])
        return text.getvalue().encode()

    return st.builds(
        written,
        heads,
        rows,
        st.sampled_from(["\n", "\r\n", "\r"]),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    )
