"""Runs the Python of the README, the tutorials and some how-to pages, each page in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

from tests.conftest import make_examples


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A fresh folder with the file that the README speaks of."""
    folder = tmp_path_factory.mktemp("page")
    examples = make_examples()
    names = {"film": "Film", "money": "Business", "sport": "Sport"}
    lines = [
        f'"{text}",{names[examples.label_names[label]]}'
        for text, label in zip(examples.texts, examples.labels, strict=True)
    ]
    (folder / "news.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    before = Path.cwd()
    os.chdir(folder)
    yield
    os.chdir(before)


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=[
        "README.md",
        "docs/tutorials/*.md",
        "docs/how-to/compare-*.md",
        "docs/how-to/join-*.md",
    ],
    fixtures=["page"],
).pytest()
