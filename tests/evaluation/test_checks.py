"""A study is refused where a removal would empty a class; its controls never do."""

from __future__ import annotations

import numpy as np
import pytest

from tests.pools import of_classes
from wordtrace.errors import InputError
from wordtrace.evaluation.checks import check_removals
from wordtrace.evaluation.deletion import Deletion

LABELS = np.array([0] * 20 + [1])


def study(seed: int, scores: np.ndarray) -> Deletion:
    found = Deletion(of_classes(LABELS), np.array([0]), [6], [seed], lambda trainings: {})
    found.add("a measure", scores[None].astype(np.float32), 1, ["proponents"])
    return found


def test_a_control_never_empties_a_class() -> None:
    """The measure names rows of the large class alone; only the random rows can hold the other."""
    named = np.linspace(1, 0.1, 21)
    for seed in range(20):
        found = study(seed, named)
        check_removals(found)
        assert not any(20 in rows for _, rows in found.trainings())


def test_a_measure_that_empties_a_class_is_refused() -> None:
    with pytest.raises(InputError, match="removing 6 rows would leave a label without examples"):
        check_removals(study(1, np.linspace(0.1, 1, 21)))
