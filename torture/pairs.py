"""Two commands on one folder at the same time, and readers beside a writer."""

from __future__ import annotations

import itertools
import re
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from torture.attempts import Attempt, End, Plan, at_once
from torture.kills_jobs import base, done, state_of
from torture.sandbox import Command, Ended
from torture.world import COLUMNS

_QUERIES = ("--queries", "queries.csv", "--text-column", "body", "--label-column", "topic")

TITLE = "Two commands at once"
PROMISE = """
Any two of the commands below may work on one run, index or output at the same time. Each gives the
answer that it would give before or after the other, or refuses in a sentence ("another process is
writing", "was changed since it was opened; open it again"). Afterwards `wordtrace check` finds
nothing, and the files are those of some order of the two, or of one alone. The readers that open an
index over and over while a writer adds, removes, merges and builds anew see its states, and no
mixture.

Not promised: which of two comes first; and `train --overwrite` beside a writer of an index that
lies in the run: it drops the index.
"""

_READERS = 8
#: How often each pair is tried, one a moment after the other.
_TIMES_EACH = 3


@dataclass(frozen=True)
class Doing:
    """A command, and whether it changes what the others look at."""

    name: str
    arguments: tuple[str, ...]
    writes: bool = False

    def run(self, folder: Path) -> Ended:
        """Run it in a folder."""
        return Command(self.arguments, folder).run()


DOINGS = (
    Doing("train", ("train", "data.csv", *COLUMNS, "--epochs", "1", "--out", "new"), True),
    Doing("index", ("index", "run", "--top-k", "2", "--workers", "1", "--overwrite"), True),
    Doing("index-add", ("index-add", "run/index", "more.csv", *COLUMNS, "--workers", "1"), True),
    Doing("index-remove", ("index-remove", "run/index", "row-4", "row-7"), True),
    Doing("index-merge", ("index-merge", "run/index", "--shard-size", "30"), True),
    Doing(
        "verify",
        (
            *("verify", "trace.json", "--run", "run", "--k", "3", "--workers", "1"),
            *("--repeats", "2", "--out", "proof.json"),
        ),
        True,
    ),
    Doing(
        "apply",
        ("apply", "fix.jsonl", "data.csv", *COLUMNS, "--out", "repaired.csv", "--overwrite"),
        True,
    ),
    Doing("trace", ("trace", "run/index", "the goal of the match", "--top", "4", "--json")),
    Doing("rows", ("rows", "run/index", "--json")),
    Doing("mislabels", ("mislabels", "run/index", "--top", "3", "--json")),
    Doing("words", ("words", "run", "the goal of the match", "the bank", "--json")),
    Doing("scores", ("scores", "run/index", *_QUERIES, "--out", "scores.parquet"), True),
    Doing("report", ("report", "trace.json", "--out", "report.html"), True),
    Doing("review", ("review", "run/index", "--json")),
    Doing("info", ("info", "run/index", "--json")),
    Doing("check", ("check", "run/index")),
)
#: What the short form tries.
_SHORT = (("index-add", "index-remove"), ("index-merge", "trace"), ("apply", "apply"))

_AT_ONCE = re.compile(r"another process|was (just )?changed|open it again|try again")
_TIMES = re.compile(r'"(seconds|made|at)": ?("[^"]*"|[\d.e+-]+)')


@dataclass(frozen=True)
class Pair:
    """Two commands, and after how many seconds the second starts."""

    first: Doing
    second: Doing
    after: float
    place: Path

    @property
    def what(self) -> str:
        """Return it in words."""
        return f"{self.first.name}, and after {self.after:.2f} s {self.second.name}"


class Serial:
    """What commands say and leave, one after the other; computed once."""

    def __init__(self, begun: Path, work: Path) -> None:
        self.work = work
        work.mkdir()
        self.states: dict[tuple[str, ...], Path] = {(): begun}
        self.said: dict[tuple[str, ...], str] = {}

    def after(self, *row: Doing) -> Path:
        """Return the folder after some commands, each whole."""
        names = tuple(one.name for one in row)
        if names not in self.states:
            folder = self.work / "-".join(names)
            shutil.copytree(self.after(*row[:-1]), folder)
            self.said[names] = said(row[-1].run(folder), folder)
            self.states[names] = folder
        return self.states[names]

    def says(self, *row: Doing) -> str:
        """Return what the last of some commands says after the others."""
        self.after(*row)
        return self.said[tuple(one.name for one in row)]


def said(ended: Ended, folder: Path) -> str:
    """Return what a command told, without times and its place: its answer, or its sentence."""
    told = ended.out if ended.status == 0 else ended.sentence or f"crashed: {ended.said()}"
    return _TIMES.sub("", told).replace(str(folder), "")


def attacks(plan: Plan) -> Iterator[Attempt]:
    """Yield the attempts."""
    begun = base(plan.work / "base")
    serial = Serial(begun, plan.work / "serial")
    generator = np.random.default_rng([plan.seed, 5])
    named = {one.name: one for one in DOINGS}
    every = (
        [(named[one], named[other]) for one, other in _SHORT]
        if plan.short
        else list(itertools.combinations_with_replacement(DOINGS, 2))
    )
    pairs = []
    times = 1 if plan.short else _TIMES_EACH
    for place, (one, other) in enumerate(every):
        if one.writes or other.writes:
            known(serial, one, other)
            for turn in range(times):
                both = (one, other) if generator.random() < 0.5 else (other, one)
                after = float(generator.uniform(0, 0.3))
                pairs.append(Pair(*both, after, plan.work / f"pair-{place}-{turn}"))
    yield from at_once(lambda pair: attempt(pair, serial), pairs, plan.workers)
    yield from readers(begun, plan.work / "readers", 1.0 if plan.short else 20.0, plan.short)


def known(serial: Serial, one: Doing, other: Doing) -> None:
    """Run both in both orders, one after the other."""
    for row in ((one,), (other,), (one, other), (other, one)):
        serial.after(*row)


def attempt(pair: Pair, serial: Serial) -> Attempt:
    """Run two commands at once and compare with one after the other."""
    group = "writer and writer" if pair.first.writes and pair.second.writes else "writer and reader"
    folder = pair.place
    shutil.copytree(serial.after(), folder)
    try:
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(pair.first.run, folder)
            time.sleep(pair.after)
            second = pool.submit(pair.second.run, folder)
            ended = (first.result(), second.result())
        return Attempt(group, pair.what, *judged(pair, ended, folder, serial))
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)


def judged(pair: Pair, ended: tuple[Ended, Ended], folder: Path, serial: Serial) -> tuple[End, str]:
    """Return how a pair ended."""
    end: End = "right"
    row = (pair.first, pair.second)
    for mine, other, one in zip(row, reversed(row), ended, strict=True):
        if one.status is None:
            return "hung", f"{mine.name}: {one.said()}"
        if one.left:
            return "left", f"{mine.name}: {', '.join(one.left)}"
        if one.status != 0 and one.sentence is None:
            return "crashed", f"{mine.name}: {one.said()}"
        if said(one, folder) not in (serial.says(mine), serial.says(other, mine)):
            if one.sentence is None or not _AT_ONCE.search(one.sentence):
                return "wrong", f"{mine.name} said {said(one, folder)[:300]}"
            end = "refused"
    checked = Command(("check", "run/index"), folder).run()
    if checked.status != 0:
        return "wrong", f"afterwards check says: {checked.said()}"
    states = {
        names: state_of(serial.after(*names))
        for names in ((), row[:1], row[1:], row, tuple(reversed(row)))
    }
    found = state_of(folder)
    if found not in states.values():
        nearest = min(states.values(), key=lambda one: len(one.items() ^ found.items()))
        differ = sorted({name for name, _ in nearest.items() ^ found.items()})
        return "wrong", f"the state is of no order of the two: {', '.join(differ[:6])}"
    done_both = all(one.status == 0 for one in ended)
    if done_both and found not in (states[row], states[tuple(reversed(row))]):
        return "wrong", "both said that they were done, and one was not"
    return end, ""


def readers(begun: Path, folder: Path, seconds: float, short: bool) -> Iterator[Attempt]:
    """Read an index over and over while it is changed."""
    shutil.copytree(begun, folder)
    stop = folder / "stop"
    targets = "torture.pairs_targets"
    count = 2 if short else _READERS
    with ThreadPoolExecutor(count + 1) as pool:
        reading = [
            pool.submit(Command(("run/index", stop), folder, target=f"{targets}:read").run)
            for _ in range(count)
        ]
        writer = Command(("run/index", stop, seconds), folder, target=f"{targets}:write").run()
        stop.touch()
        read = [one.result() for one in reading]
    states = set(done(writer).json())
    for number, one in enumerate(read):
        what = f"reader {number} beside a writer, {seconds:g} s"
        if one.status != 0:
            hung = one.status is None or one.status == -signal.SIGKILL
            yield Attempt("readers and a writer", what, "hung" if hung else "crashed", one.said())
        elif mixed := set(one.json()) - states:
            yield Attempt("readers and a writer", what, "wrong", min(mixed))
        else:
            yield Attempt("readers and a writer", what, "right", "")
