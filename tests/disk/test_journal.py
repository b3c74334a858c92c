"""A journal's lines are as they were written, or the line that is not is named."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from wordtrace.disk.journal import Journal
from wordtrace.errors import CorruptError


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    found = Journal(tmp_path / "steps.jsonl", "steps", 1)
    with found.held():
        found.news()
        found.append({"do": "remove", "row": "a1"})
        found.append({"do": "keep", "row": "a2"})
    return found


def read(path: Path) -> list[dict[str, str]]:
    return Journal(path, "steps", 1).news()[1]


def test_a_changed_line_is_named(journal: Journal) -> None:
    assert read(journal.path) == [{"do": "remove", "row": "a1"}, {"do": "keep", "row": "a2"}]
    journal.path.write_text(journal.path.read_text().replace('"a2"', '"a3"'))
    with pytest.raises(CorruptError, match=r"steps.jsonl, line 3: it was changed after .* take it"):
        read(journal.path)


def test_lines_of_an_earlier_wordtrace_have_no_checksum(journal: Journal) -> None:
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    for line in lines:
        del line["checksum"]
    journal.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read(journal.path) == [{"do": "remove", "row": "a1"}, {"do": "keep", "row": "a2"}]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    os.mkfifo(path)
    with pytest.raises(CorruptError, match=r"steps.jsonl is a pipe or a device, where a file"):
        read(path)
    path.unlink()
    path.symlink_to("nowhere")
    with pytest.raises(CorruptError, match=r"steps.jsonl is a link that leads nowhere; take it aw"):
        read(path)
