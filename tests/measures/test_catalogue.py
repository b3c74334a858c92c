"""The list of measures, as callers reach it."""

from __future__ import annotations

import importlib

import pytest

import wordtrace as wt


def test_the_measures_can_be_listed_after_any_other_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing the package of that name must not hide the function."""
    # Python sets this attribute when the package is first imported, by whatever call.
    monkeypatch.setattr(wt, "measures", importlib.import_module("wordtrace.measures"))
    assert len(wt.measures()["measures"]) > 10
