"""What a Trainer left of a small training, and the file of its data."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.adopt.a_trainers_output import BERT, write
from tests.conftest import make_examples
from tests.huggingface.architectures import fine_tune


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trainer") / "out"
    fine_tune(BERT, folder, make_examples(32))
    return folder


@pytest.fixture
def copied(output: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(output, tmp_path / "out"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("data") / "data.jsonl"
    write(file, make_examples(32))
    return file
