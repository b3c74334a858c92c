"""How long a replay takes, by its first steps."""

from __future__ import annotations

import time

import numpy as np

from wordtrace.retrainers.replay_trainer import Recorded, threads, trained

#: The first steps load code and memory; the time of those that follow is taken, up to a number of
#: steps or of seconds.
_FIRST, _MOST, _LONGEST = 2, 12, 15.0


def seconds_of(recorded: Recorded, device: str, count: int) -> float:
    """Return the seconds that a replay takes by `count` threads, from what its first steps take."""
    last = recorded.run.manifest.steps
    ends: list[float] = []

    def stepped(step: int) -> bool:
        ends.append(time.perf_counter())
        timed = len(ends) - _FIRST
        return timed >= _MOST or (timed > 0 and ends[-1] - ends[_FIRST - 1] > _LONGEST)

    start = time.perf_counter()
    weights = np.ones(len(recorded.rows), np.float32)
    with threads(count):
        trained(recorded, recorded.record.seed, weights, {}, device, stepped=stepped)
    if len(ends) <= _FIRST:
        return time.perf_counter() - start
    return last * (ends[-1] - ends[_FIRST - 1]) / (len(ends) - _FIRST)
