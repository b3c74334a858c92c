"""How a plan names what trains its models, and where."""

from __future__ import annotations

import shlex

from wordtrace.execute.protocol import Executor
from wordtrace.report.text import line
from wordtrace.retrainers.retrainer import Retrainer

_LONGEST = 80


def trainer_named(retrainer: Retrainer) -> str:
    """Name what trains."""
    settings = retrainer.settings
    if not settings:
        return "the run's own training"
    if isinstance(words := settings.get("command"), list):
        said = line(shlex.join(map(str, words)))
        return f"“{said if len(said) <= _LONGEST else said[: _LONGEST - 1] + '…'}”"
    known = {
        "Function": "your function",
        "Replay": "a replay of the recorded training",
        "FromCheckpoint": "the run's own training from a checkpoint on",
        "TailPatch": "a few steps from the final model",
    }
    kind = type(retrainer).__name__
    return known.get(kind, kind)


def place_named(executor: str | Executor, count: int | None) -> str:
    """Say where models are trained, and how many at a time (None: known only there)."""
    many = "as many at a time as there is room for" if count is None else f"{count:,} at a time"
    if executor == "processes":
        return "one at a time in this process" if count == 1 else f"{many} on this machine"
    if executor == "stacked":
        return f"{many}, stacked"
    name = executor if isinstance(executor, str) else type(executor).__name__
    return f"{many} on {'a Ray cluster' if name in ('ray', 'RayCluster') else name.capitalize()}"
