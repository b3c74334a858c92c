"""Which checkpoints to keep: where the loss has not saturated (appendix K)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

#: A checkpoint that weighs less than this part of the sum over checkpoints is not worth its cost.
LEAST = 0.01


def choose(
    losses: Sequence[tuple[int, float]],
    count: int = 3,
    last: int | None = None,
    rates: Mapping[int, float] | None = None,
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
    rates
        The learning rate of each step: one that would weigh under 1 % of the sum over those picked
        is not, since it costs as much as the others. None: all weigh the same.

    Returns
    -------
    list
        Distinct steps, rising, never the first.
    """
    candidates = [pair for pair in losses[1:] if last is None or pair[0] <= last]
    while True:
        picked = _spread(losses[0][1], candidates, count)
        total = sum(rates[step] for step in picked) if rates else 0.0
        light = [step for step in picked if rates and rates[step] < LEAST * total]
        if not light:
            return picked
        candidates = [pair for pair in candidates if pair[0] not in light]


def _spread(first: float, candidates: Sequence[tuple[int, float]], count: int) -> list[int]:
    if len(candidates) <= count:
        return [step for step, _ in candidates]
    # A running minimum: a bump in the loss should not count as going back.
    level = np.minimum.accumulate([loss for _, loss in candidates])
    chosen: list[int] = []
    for part in range(1, count + 1):
        target = first - (first - level[-1]) * part / (count + 1)
        distance = np.abs(level - target)
        distance[chosen] = np.inf
        chosen.append(int(distance.argmin()))
    return [candidates[place][0] for place in sorted(chosen)]
