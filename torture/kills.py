"""Jobs that are ended in the middle: what is left, what a reader sees, and whether they go on."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from torture.attempts import Attempt, Plan, at_once
from torture.kills_jobs import JOBS, Job, base, done, prepared, state_of
from torture.sandbox import Ended, Stop

TITLE = "Jobs that are killed and done again"
PROMISE = """
Every job that writes is ended by `kill -9` before each of its operations on files (where it makes
more than 200, or is a long one, before some that are spread evenly), and at random moments; and by
SIGTERM and Ctrl-C. After each end a reader (open,
check, trace or predict) sees the state of before, nothing, or the new state. The same command then
goes on, and what lies in the folder at last is, byte for byte, what an undisturbed one writes:
no `.part`, no temporary file, no older folder aside, no write-ahead log; and no process and no
shared memory is left. An attempt is a chain of up to four ends: the job is ended, looked at, begun
again, ended at another place, and so on; at last it runs undisturbed and is compared. Left out of
the comparison is what a document says about times and about the place where the data lay; a ledger
is compared row by row. `index-add`, `index-remove` and `apply` that were whole before the kill came
are refused when they are repeated, since the ids or the file are there.

Not promised: that SIGKILL leaves nothing in the system's folder for temporary files; a sentence
where Ctrl-C comes before Python has begun the command, or a signal after its last word; and the
power does not fail here.
"""

#: How many kills before operations, and at random moments, and how many gentler ends.
_MANY, _FEW, _FRESH, _SHORT = (200, 60, 40), (60, 20, 20), (0, 12, 12), (1, 0, 1)
#: As often as this a job is ended at least, but for those that start anew.
_LEAST = 100
#: How many of them follow each other before the state at the end is compared.
_IN_A_ROW = 4


@dataclass(frozen=True)
class Known:
    """A job whose undisturbed run is known."""

    job: Job
    before: Path
    after: dict[str, str]
    seen: tuple[dict[str, Any], dict[str, Any]]
    operations: int
    seconds: float


@dataclass(frozen=True)
class Kill:
    """One attempt: when the job is ended, and when its repetitions are."""

    known: Known
    stops: tuple[Stop, ...]
    folder: Path

    @property
    def what(self) -> str:
        """Return it in words."""
        return ", then ".join(
            f"{signal.Signals(one.signal).name} "
            + (f"at operation {one.operation}" if one.operation else f"after {one.after:.3f} s")
            for one in self.stops
        )


def attacks(plan: Plan) -> Iterator[Attempt]:
    """Yield the attempts."""
    torch.set_num_threads(1)
    begun = base(plan.work / "base")
    jobs = [one for one in JOBS if one.quick or not plan.short]
    for place, job in enumerate(jobs):
        known = know(job, begun, plan.work / f"job-{place}")
        generator = np.random.default_rng([plan.seed, place])
        counts = _FRESH if job.fresh else _FEW if job.dear else _MANY
        kills = draw(known, generator, _SHORT if plan.short else counts)
        group = f"{job.name}: {sum(len(kill.stops) for kill in kills)} ends"
        for one in at_once(attempt, kills, plan.workers):
            yield replace(one, group=group)
        shutil.rmtree(plan.work / f"job-{place}")


def know(job: Job, begun: Path, folder: Path) -> Known:
    """Run a job undisturbed."""
    folder.mkdir()
    before = prepared(job, begun, folder / "before")
    whole = folder / "whole"
    shutil.copytree(before, whole)
    first = job.look(whole)
    ended = done(job.command(whole, counted=True).run())
    seen = (first, job.look(whole))
    return Known(job, before, state_of(whole), seen, ended.operations, ended.seconds)


def draw(known: Known, generator: np.random.Generator, counts: tuple[int, int, int]) -> list[Kill]:
    """Draw when the job is ended: before operations, at random moments, and more gently."""
    operations, moments, gentle = counts
    count = known.operations
    at = np.unique(np.linspace(1, count, min(operations, count)).astype(int))
    # A job of few operations is ended more often at random moments.
    moments = max(moments, min(_LEAST, sum(counts)) - len(at) - gentle)
    before = [Stop(operation=one) for one in generator.permutation(at).tolist()]
    after = [Stop(after=one) for one in generator.uniform(0, known.seconds, moments).tolist()]
    gently = [
        Stop(number, operation=operation) if place % 4 < 2 else Stop(number, after=moment)
        for place, (number, operation, moment) in enumerate(
            zip(
                (signal.SIGTERM, signal.SIGINT) * (gentle // 2 + 1),
                generator.integers(1, count + 1, gentle).tolist(),
                generator.uniform(0, known.seconds, gentle).tolist(),
                strict=False,
            )
        )
    ]
    stops = before + after + gently
    rows = [tuple(stops[first : first + _IN_A_ROW]) for first in range(0, len(stops), _IN_A_ROW)]
    folder = known.before.parent
    return [Kill(known, row, folder / f"kill-{place}") for place, row in enumerate(rows)]


def attempt(kill: Kill) -> Attempt:
    """End a job as drawn, look, do it again, and compare."""
    known, job = kill.known, kill.known.job
    shutil.copytree(known.before, kill.folder)
    try:
        for stop in kill.stops:
            ended = job.command(kill.folder, stop=stop).run()
            if found := wrong_end(ended, stop, job) or wrong_sight(known, job.look(kill.folder)):
                return Attempt(job.name, kill.what, *found)
        again = job.command(kill.folder).run()
        if found := wrong_repetition(again, job):
            return Attempt(job.name, kill.what, *found)
        if found := difference(known.after, state_of(kill.folder)):
            return Attempt(job.name, kill.what, *found)
        return Attempt(job.name, kill.what, "right")
    finally:
        with suppress(OSError):
            shutil.rmtree(kill.folder)


Fall = tuple[Any, str]


def wrong_end(ended: Ended, stop: Stop, job: Job) -> Fall | None:
    """Return what was wrong with how a job ended that was told to, or was done before."""
    if ended.status is None:
        return "hung", ended.said()
    if "process " in " ".join(ended.left):
        return "left", ", ".join(ended.left)
    # SIGTERM ends a user's own script as SIGKILL does.
    if ended.status == -signal.SIGKILL == -stop.signal:
        return None
    if ended.status == -stop.signal and not job.target.startswith("wordtrace."):
        return None
    if ended.status == 0 or (ended.sentence and job.once and ended.status == 2):
        return ("left", ", ".join(ended.left)) if ended.left else None
    if stop.signal == signal.SIGKILL:
        return "crashed", ended.said()
    if ended.left:
        return "left", ", ".join(ended.left)
    if stop.after is not None and _outside(ended, stop):
        return None
    if job.target.startswith("wordtrace.") and ended.status != 128 + stop.signal:
        return "crashed", ended.said()
    told = ("what is done is kept: run the same command to go on.", "nothing was begun.")
    if job.target.startswith("wordtrace.") and not ended.error.rstrip().endswith(told):
        return "crashed", ended.said()
    return None


def _outside(ended: Ended, stop: Stop) -> bool:
    """Tell whether the signal came before the command had begun, or after its last word."""
    last = (ended.error.strip().splitlines() or [""])[-1]
    if ended.status == -stop.signal:
        return not last or last.startswith(("Next: ", "Wrote "))
    return ended.status == 1 and "signal.signal(signal.SIGINT, _end)" in ended.error


def wrong_sight(known: Known, seen: dict[str, Any]) -> Fall | None:
    """Return what a reader saw that is neither the state of before nor the new one."""
    for place, one in seen.items():
        if "crashed" in one:
            return "crashed", f"{place}: {one['crashed']}"
        states = [state[place] for state in known.seen]
        if one in states or ("refused" in one and "refused" in states[0]):
            continue
        return "wrong", f"{place} shows {str(one)[:200]}"
    return None


def wrong_repetition(again: Ended, job: Job) -> Fall | None:
    """Return what was wrong with the same command once more."""
    if again.status is None:
        return "hung", again.said()
    if again.left:
        return "left", ", ".join(again.left)
    if again.status == 0 or (job.once and again.status == 2 and again.sentence):
        return None
    return "crashed", again.said()


def difference(wanted: dict[str, str], found: dict[str, str]) -> Fall | None:
    """Return how a folder differs from that of an undisturbed job."""
    more = sorted(found.keys() - wanted.keys())
    if more:
        return "left", ", ".join(more[:5])
    differ: Sequence[str] = [name for name in wanted if found.get(name) != wanted[name]]
    if differ:
        return "wrong", f"differs from an undisturbed one: {', '.join(differ[:5])}"
    return None
