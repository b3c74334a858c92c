"""A run and an index that the command line made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import wordtrace
from tests.conftest import make_examples

COLUMNS = ["--text", "body", "--label", "topic", "--id", "key"]
SMALL = ["--epochs", "3", "--batch-size", "8", "--dim", "8", "--vocabulary", "200"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, and a run and an index made by the command line."""
    folder = tmp_path_factory.mktemp("cli")
    examples = make_examples()
    lines = ["key,body,topic"]
    for id, text, label in zip(examples.ids, examples.texts, examples.labels, strict=True):
        lines.append(f'{id},"{text}",{examples.label_names[label]}')
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    done = wordtrace(
        "train",
        "data.csv",
        *COLUMNS,
        "--eval-fraction",
        "0.2",
        *SMALL,
        "--out",
        "run",
        cwd=folder,
    )
    assert "held-out accuracy" in done.stdout
    assert "Next: wordtrace index run" in done.stderr
    done = wordtrace("index", "run", "--workers", 1, cwd=folder)
    assert "top 10 positions" in done.stdout
    return folder
