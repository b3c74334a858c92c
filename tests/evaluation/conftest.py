"""A finished study, and a run whose retrainings nobody else fills."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import wordtrace as wt

SMALL: dict[str, Any] = {
    "measures": ["tracin-we-topk", "tracin-last"],
    "lds": 0,
    "k": [2, 7],
    "repeats": 2,
    "workers": 1,
}


@pytest.fixture
def own(run: wt.Run, tmp_path: Path) -> wt.Run:
    """A copy of the run, whose retrainings nobody else fills."""
    folder = tmp_path / "run"
    shutil.copytree(run.path, folder, ignore=shutil.ignore_patterns("*.sqlite*"))
    return wt.Run.open(folder)


@pytest.fixture(scope="module")
def done(run: wt.Run) -> wt.Evaluation:
    return wt.evaluate(run, 4, **{**SMALL, "lds": 5})
