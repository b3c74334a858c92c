"""Readers of files, fed with whatever there is: a value or a WordtraceError, and nothing else."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from torture.attempts import Attempt, End, Plan, at_once
from torture.files_fed import READERS
from torture.sandbox import Command

#: How many inputs of each way of making them a reader gets: in the full form, in the short one.
ROUNDS = {"guided": (6000, 300), "structured": (400, 12), "damaged": (300, 15)}


def attacks(plan: Plan, world: Path) -> Iterator[Attempt]:
    """Feed each reader: by what it does with each input, by structure, and by damage."""
    seeds = plan.work / "seeds"
    shutil.copytree(world, seeds)
    done = Command(["own"], seeds, target="torture.files_seeds:write_seeds").run()
    if done.status != 0:
        raise RuntimeError(done.error)
    guided = bool(find_spec("atheris"))
    if not guided:
        print("files: atheris is not installed, so nothing is fuzzed by it.", file=sys.stderr)
    ways = [
        (name, way)
        for name, reader in READERS.items()
        for way in reader.ways
        if way != "guided" or guided
    ]
    if plan.short:  # a process for each takes too long
        ways = ways[plan.seed % 6 :: 6]
    feed = lambda one: _fed(plan, seeds / "own", *one)  # noqa: E731
    yield from at_once(feed, ways, plan.workers)


def _fed(plan: Plan, seeds: Path, name: str, way: str) -> Iterator[Attempt]:
    """Feed a reader in a process of its own, until it has had its inputs."""
    folder = plan.work / f"fed-{name}-{way}".replace(" ", "-").replace(",", "")
    folder.mkdir()
    full, short = ROUNDS[way]
    wanted = short if plan.short else full
    given = [name, way, wanted, plan.seed, seeds]
    done = Command(given, folder, target="torture.files_fed:feed", patience=3600).run()
    ends = (folder / "ends").read_text() if (folder / "ends").exists() else ""
    group = f"readers: {way} {READERS[name].kind}"
    for what, letter in (("read", "v"), ("refused", "r")):
        end: End = "right" if letter == "v" else "refused"
        yield from (Attempt(group, f"{name}: {what}", end) for _ in range(ends.count(letter)))
    told = folder / "fell"
    for line in told.read_text().splitlines() if told.exists() else ():
        one = json.loads(line)
        yield Attempt(group, f"{name}: {one['data']}", "crashed", one["error"])
    if done.status != 0 or "Timeout (" in done.error or not ends:
        hung = done.status is None or "Timeout (" in done.error
        left = next(folder.glob("input*"), None)
        data = left.read_bytes()[:4000].hex() if left else ""
        yield Attempt(group, f"{name}: {data}", "hung" if hung else "crashed", done.said(600))
    shutil.rmtree(folder)
