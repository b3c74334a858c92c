"""Runs of every kind of label, made once a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import wordtrace as wt
from tests.verification.kinds import run_of


@pytest.fixture(scope="session")
def made_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Any, wt.Run]]:
    """Return the tokenizer of transformers, and the run, of a kind."""
    folder = tmp_path_factory.mktemp("kinds")
    return lambda kind: run_of(kind, folder / kind)
