"""A study is refused where a removal, or one of its controls, would empty a class."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wordtrace.errors import InputError
from wordtrace.evaluation.checks import check_removals
from wordtrace.evaluation.deletion import Deletion
from wordtrace.verification.removal import random_rows

LABELS = np.array([0] * 20 + [1])


def study(seed: int, scores: np.ndarray) -> tuple[Any, Deletion]:
    found = Deletion(LABELS, np.array([0]), [6], [seed], lambda trainings: {})
    found.add("a measure", scores[None].astype(np.float32), 1, ["proponents"])
    return SimpleNamespace(train=SimpleNamespace(labels=LABELS)), found


def test_a_control_that_empties_a_class_is_refused() -> None:
    """The measure names rows of the large class alone; only the random rows can hold the other."""
    holds = {seed: 20 in random_rows(21, 6, seed) for seed in range(20)}
    named = np.linspace(1, 0.1, 21)
    assert set(holds.values()) == {True, False}
    for seed, empty in holds.items():
        if empty:
            with pytest.raises(InputError, match="removing 6 rows would leave a label without"):
                check_removals(*study(seed, named))
        else:
            check_removals(*study(seed, named))


def test_a_measure_that_empties_a_class_is_refused() -> None:
    seed = next(seed for seed in range(20) if 20 not in random_rows(21, 6, seed))
    with pytest.raises(InputError, match="leave a label without examples"):
        check_removals(*study(seed, np.linspace(0.1, 1, 21)))
