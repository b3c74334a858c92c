"""The judge of numbers notices what should not be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from torture.number_cases import CASES, _not_finite, _trace
from torture.numbers import _judged

from torture import number_cases


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ({}, "right"),
        ({"refused": "the learning rate is 0; it must be over 0."}, "refused"),
        ({"refused": "no"}, "wrong"),
        ({"refused": "x" * 700 + "."}, "wrong"),
        ({"wrong": "a score is NaN"}, "wrong"),
        ({"bug": "Traceback"}, "crashed"),
    ],
)
def test_a_step_is_judged(said: dict[str, str], end: str) -> None:
    assert _judged("g", "w", said).end == end


def test_nan_and_infinity_are_found_in_a_document() -> None:
    assert _not_finite({"a": [1.0, {"b": 2.0}]}) is None
    assert _not_finite({"a": [1.0, {"b": float("nan")}]})
    assert _not_finite([float("inf")])


@pytest.mark.parametrize(
    ("scores", "said"),
    [([1.0, 2.0], None), ([1.0, 2.5], "row 1: 2.5, by autograd 2"), ([1.0, np.nan], "are finite")],
)
def test_scores_are_compared_with_those_of_autograd(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, scores: list[float], said: str | None
) -> None:
    trace = SimpleNamespace(document=dict, queries=[SimpleNamespace(label="a")])
    run = SimpleNamespace(label_names=("a", "b"))
    monkeypatch.setattr(number_cases, "_by_autograd", lambda *_: np.array([1.0, 2.0]))
    monkeypatch.setattr(
        number_cases.wt, "influence", lambda *_, **__: np.array([scores], np.float32)
    )
    state: dict[str, Any] = {"index": SimpleNamespace(trace=lambda *_, **__: trace), "run": run}
    found = _trace(CASES["the usual"], tmp_path, state)
    assert (found is None) if said is None else (said in str(found))
