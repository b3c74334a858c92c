"""What a checkpoint weighs by default, from what the run recorded."""

from __future__ import annotations

from typing import Any

from wordtrace.run.checkpoint import Checkpoint


def since(run: Any, point: Checkpoint) -> float:
    """Return the sum of the learning rates since the run's checkpoint before this one."""
    before = [one.learning_rate_sum for one in run.checkpoints if one.step < point.step]
    return point.learning_rate_sum - max(before, default=0.0)
