"""Which checkpoints to keep: where the loss has not saturated (appendix K)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def choose(
    losses: Sequence[tuple[int, float]], count: int = 3, last: int | None = None
) -> list[int]:
    """Pick the steps at which the training loss has fallen by equal parts of its whole fall.

    For three checkpoints these are 25, 50 and 75 % of the way from the first loss to the lowest.
    Late checkpoints, where gradients of well-fitted examples vanish, add little but noise.

    Parameters
    ----------
    losses
        (step, training loss), by rising step, the first before training.
    count
        How many to pick; fewer are returned when there are fewer candidates.
    last
        No step after this one is picked.

    Returns
    -------
    list
        Distinct steps, rising, never the first.
    """
    candidates = [pair for pair in losses[1:] if last is None or pair[0] <= last]
    if len(candidates) <= count:
        return [step for step, _ in candidates]
    # A running minimum: a bump in the loss should not count as going back.
    level = np.minimum.accumulate([loss for _, loss in candidates])
    first = losses[0][1]
    chosen: list[int] = []
    for part in range(1, count + 1):
        target = first - (first - level[-1]) * part / (count + 1)
        distance = np.abs(level - target)
        distance[chosen] = np.inf
        chosen.append(int(distance.argmin()))
    return [candidates[place][0] for place in sorted(chosen)]
