"""Timing: the things compared are run in turn, several times, and told by their median."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any


def in_turn(
    things: dict[str, Callable[[], Any]], repeats: int = 5, warm: bool = True
) -> dict[str, list[float]]:
    """Run each thing in turn, `repeats` times; return seconds by name."""
    if warm:
        for thing in things.values():
            thing()
    seconds: dict[str, list[float]] = {name: [] for name in things}
    for _ in range(repeats):
        for name, thing in things.items():
            start = time.perf_counter()
            thing()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(one: list[float], other: list[float]) -> dict[str, float]:
    """Return the median, lowest and highest of one/other, pair by pair."""
    pairs = [a / b for a, b in zip(one, other, strict=True)]
    return {"median": statistics.median(pairs), "low": min(pairs), "high": max(pairs)}


def middle(seconds: list[float]) -> float:
    """Return the median."""
    return statistics.median(seconds)


def peak_megabytes() -> float:
    """Return the most memory this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
