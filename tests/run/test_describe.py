"""What is told of a run."""

from __future__ import annotations

import copy
from dataclasses import replace

from wordtrace import api
from wordtrace.run.describe import describe_run
from wordtrace.run.weighting import Weighting


def test_a_checkpoint_that_hardly_weighs_is_named(run: api.Run) -> None:
    assert not any("weighs under 1 %" in note for note in describe_run(run)["notes"])
    first, second, third = run.checkpoints
    # Hardly any rate between the first and the second: the rates at the checkpoints are the same.
    second = replace(second, learning_rate_sum=first.learning_rate_sum * 1.001)
    light = copy.copy(run)
    light.weighting = Weighting("rate-sum", run.path, [first, second, third])
    told = f"The checkpoint at step {second.step} weighs under 1 % of the sum"
    assert [told in note for note in describe_run(light)["notes"]].count(True) == 1
