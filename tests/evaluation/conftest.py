"""A finished study, and a run whose retrainings nobody else fills."""

from __future__ import annotations

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


@pytest.fixture(scope="module")
def done(run: wt.Run) -> wt.Evaluation:
    return wt.evaluate(run, 4, **{**SMALL, "lds": 5})
