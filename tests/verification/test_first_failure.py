"""What the first failure of a training does to a study: it ends, or only that model is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from wordtrace.errors import TrainingError, WordtraceError
from wordtrace.retrainers.retrainer import Change, Said
from wordtrace.verification.retrainings import Retrainings


@dataclass
class Failing:
    """A training that fails with the seed 1."""

    settings: dict[str, Any] = field(default_factory=lambda: {"model": "fails"})
    foreign: bool = True
    tried: list[int] = field(default_factory=list)

    def train(self, run: wt.Run, change: Change) -> Said:
        self.tried.append(change.seed)
        if change.seed == 1:
            raise TrainingError("the seed 1 brings bad luck.")
        return Said(np.full((len(change.probes), 3), 1 / 3))


def results(own: wt.Run, made: Failing, *, begun: bool = False) -> tuple[int, dict[int, str]]:
    """Train with three seeds; return how many models there are, and what failed."""
    some = Retrainings(own, (("a goal", None),), made, workers=1, held_out=False)
    failed: dict[int, str] = {}
    found = some.run([some.task(seed) for seed in (1, 2, 3)], failed, begun=begun)
    return len(found), failed


def test_a_users_training_that_fails_at_first_ends_the_study(own: wt.Run) -> None:
    made = Failing()
    with pytest.raises(WordtraceError, match="bad luck"):
        results(own, made)
    assert made.tried == [1]


def test_later_only_that_model_is_lost(own: wt.Run) -> None:
    """Also where it is the first of a round, such as a sequential study's."""
    found = results(own, Failing(), begun=True)
    assert found == (2, {1: "the seed 1 brings bad luck."})


def test_a_look_that_fails_at_first_loses_that_model_alone(own: wt.Run) -> None:
    """A step of a tail patch may break at one removal and at no other; it is no user's script."""
    found = results(own, Failing(foreign=False))
    assert found == (2, {1: "the seed 1 brings bad luck."})
