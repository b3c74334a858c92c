"""The schedules that a Trainer saved beside its checkpoints, and how its log is to be read by them.

After s steps a schedule holds the rate of step s + 1, of each group of parameters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from wordtrace.adopt.trainer_folder import Saved
from wordtrace.run import adam

SCHEDULE = "scheduler.pt"
#: From this version on the logged rate is the one used; before, it is the next step's.
_USED_FROM = (4, 51)
_TOLERANCE = 1e-6


def scheduled(saved: Sequence[Saved]) -> dict[int, tuple[float, ...]]:
    """Return the rates of the groups, by the step at which they are used.

    They are read by ``torch.load(weights_only=True)`` alone.
    """
    found = {one.step + 1: _next_rates(one.folder) for one in saved}
    return {step: rates for step, rates in found.items() if rates}


def group_of(saved: Sequence[Saved], place: adam.Place) -> int | None:
    """Return the number of the group that holds the word embedding; None where it is not told."""
    for one in reversed(saved):
        held = place.held(one.folder / adam.OPTIMIZER)
        if held is not None:
            return held.number
    return None


def log_is_late(
    logged: Mapping[int, float], following: Mapping[int, float], version: str | None
) -> bool:
    """Tell whether an entry of the log at step s holds the rate of step s + 1.

    The saved schedules tell it. Where they can't, since no step has both, or since the rate did not
    change there, the version of transformers does, and without one the newer meaning is taken.

    Parameters
    ----------
    logged
        The rates in the log, by their entries' steps.
    following
        The rates of the saved schedules, by the step at which they are used.
    version
        That of the transformers which wrote the log.
    """
    used, late = 0, 0
    steps = sorted(logged)
    for step, rate in following.items():
        if step in logged and not _same(logged[step], rate):
            late += 1
        if step - 1 not in logged:
            continue
        if not _same(logged[step - 1], rate):
            used += 1
            continue
        # The two are equal as well where a rate that was used did not change at the next step.
        place = steps.index(step - 1)
        beside = [*steps[max(0, place - 1) : place], *steps[place + 1 : place + 2]]
        late += bool(beside) and not any(_same(logged[one], rate) for one in beside)
    if used != late:
        return late > used
    return version is not None and _numbers(version) < _USED_FROM


def ratio_of(following: Mapping[int, tuple[float, ...]], group: int) -> float | None:
    """Return how many times the first group's rate a group has; None where it is no fixed number.

    The Trainer logs the first group's rate alone.
    """
    if group == 0:
        return 1.0
    found = [
        rates[group] / rates[0]
        for rates in following.values()
        if group < len(rates) and rates[0] > 0
    ]
    if not found or not all(_same(one, found[0]) for one in found):
        return None
    return found[0]


def version_of(folders: Sequence[Path]) -> str | None:
    """Return the version of transformers that a model card names: all that an adapter has of it."""
    for folder in folders:
        try:
            with (folder / "README.md").open(encoding="utf-8", errors="replace") as file:
                text = file.read(200_000)
        except OSError:
            continue
        if found := re.search(r"^- Transformers:? (\d+\.\d+[\w.]*)\s*$", text, re.MULTILINE):
            return found[1]
    return None


def _next_rates(folder: Path) -> tuple[float, ...]:
    try:
        state = torch.load(folder / SCHEDULE, map_location="cpu", weights_only=True)
        rates = tuple(float(rate) for rate in state["_last_lr"])
    except Exception:  # any file may lie there; without it there is the log
        return ()
    return rates if all(math.isfinite(rate) for rate in rates) else ()


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=1e-15)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
