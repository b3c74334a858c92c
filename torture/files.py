"""Every file that wordtrace reads, damaged in every way that is known from disks and people."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torture import files_readers
from torture.attempts import Attempt, End, Plan, at_once
from torture.files_damage import Damage, cuts, flips, of_json, of_tensors, replacements
from torture.files_loop import LIMIT
from torture.files_world import Target, made_world, older, targets
from torture.sandbox import Command, Ended

TITLE = "Damaged files"
PROMISE = """\
Whatever stands in a file of a run or an index, of `train` or of a Trainer's training, a command
answers as before the damage, or says in a sentence which file is wrong; or `wordtrace check` finds
it. Files of up to 2²⁰ bytes are compared
as a whole when they are read; of larger ones sizes and a sample are, and single changed bytes are
found by `check` alone. What an earlier wordtrace wrote has no sizes and samples (below: *older*).
Files of your own (data, patches, saved results, matrices) have no checksums: they are read as what
they say, or refused in a sentence; a changed number in them is not noticed. A review or a ledger
that was taken away as a whole is as one that never was, and nobody misses the last lines of a
review that were cut off exactly at the end of a line."""


@dataclass(frozen=True)
class Try:
    """A damaged file and the commands that read it."""

    group: str
    file: str
    damage: Damage
    target: Target


def attacks(plan: Plan) -> Iterator[Attempt]:
    """Damage every kind of file of a run and an index, and feed readers whatever there is."""
    world = made_world(plan.work / "today")
    before = older(world, plan.work / "older")
    batches: list[tuple[Path, list[Try]]] = []
    for place, name in ((world, ""), (before, ", older")):
        tries = list(_tries(place, name, plan))
        size = len(tries) if plan.short else max(1, -(-len(tries) // (plan.workers * 4)))
        # Attempts that take long stand together: each batch gets some of them.
        step = -(-len(tries) // size)
        batches += [(place, tries[at::step]) for at in range(step)]
    numbered = [(plan.work / f"batch-{at}", *one) for at, one in enumerate(batches)]
    yield from at_once(lambda one: _batch(*one), numbered, plan.workers)
    yield from files_readers.attacks(plan, world)


def _tries(world: Path, name: str, plan: Plan) -> Iterator[Try]:
    generator = random.Random(plan.seed)
    for place, target in enumerate(targets(world)):
        for file in target.files[:1] if plan.short else target.files[:2]:
            found = list(_damages(world, file, generator, 1 if plan.short else 5))
            if target.own:
                found = [one for one in found if not _may_be(one)]
            kinds = list(dict.fromkeys(one.kind for one in found))
            if plan.short:  # of each file one kind of damage, of each kind many files
                kind = kinds[place % len(kinds)]
                found = [generator.choice([one for one in found if one.kind == kind])]
            for damage in found:
                yield Try(f"{target.name}{name}: {damage.kind}", file, damage, target)


def _may_be(damage: Damage) -> bool:
    """Tell what a user may do: a review of the same data is as good from another run, or gone."""
    return damage.kind == "of another run" or damage == Damage("replaced", "nothing in its place")


def _damages(world: Path, file: str, generator: random.Random, count: int) -> Iterator[Damage]:
    data = (world / file).read_bytes()
    yield from cuts(data)
    yield from flips(data, count, generator)
    yield from replacements()
    for other in (world / "twin" / file, *_like(world / file)):
        if other.is_file() and other.read_bytes() != data:
            named = other.relative_to(world)
            yield Damage("of another run", f"{named} in its place", other.read_bytes().hex())
    if file.endswith(".json") and b'"version"' in data:
        yield from of_json(json.loads(data))
    if file.endswith(".safetensors"):
        yield from of_tensors(data)


def _like(path: Path) -> list[Path]:
    """Return another file of the same kind in the same run."""
    beside = sorted(path.parent.parent.glob(f"*/{path.name}"))
    return [one for one in beside if one != path][:1]


def _batch(folder: Path, world: Path, tries: Sequence[Try]) -> Iterator[Attempt]:
    """Make some attempts in a process, and go on in another one where that ends."""
    shutil.copytree(world, folder)
    told, open_tries = folder / "told", dict(enumerate(tries))
    while open_tries:
        orders = folder / "orders.json"
        orders.write_text(json.dumps([_order(at, one) for at, one in open_tries.items()]))
        told.write_text("")
        target = "torture.files_loop:commands"
        done = Command(["orders.json", "told"], folder, target=target, patience=3600).run()
        lines = [json.loads(line) for line in told.read_text().splitlines()]
        for line in lines:
            if "said" in line:
                yield _attempt(open_tries.pop(line["number"]), line["said"])
        if not lines or "said" not in lines[-1]:
            at = lines[-1]["begun"] if lines else next(iter(open_tries))
            yield ended(open_tries.pop(at), done)
            shutil.rmtree(folder)  # the damage is still there
            shutil.copytree(world, folder)
    shutil.rmtree(folder)


def _order(at: int, one: Try) -> dict[str, Any]:
    return {
        "number": at,
        "file": one.file,
        "damage": asdict(one.damage),
        "commands": one.target.commands,
        "check": one.target.check,
    }


def ended(one: Any, done: Ended) -> Attempt:
    """Return the attempt in the middle of which a process ended."""
    end: End = "hung" if done.status is None or "Timeout (" in done.error else "crashed"
    detail = f"over {LIMIT:.0f} s" if end == "hung" else done.said()
    return Attempt(one.group, f"{one.file}, {one.damage.what}", end, detail)


def _attempt(one: Try, said: Sequence[dict[str, Any]]) -> Attempt:
    """Judge what the commands said: the worst of them counts."""
    ends = [_end(one.file, each) for each in said]
    found = any(
        each["command"] == "check" and end[0] == "refused"
        for each, end in zip(said, ends, strict=True)
    )
    if found:
        ends = [("found", "") if end == "wrong" else (end, detail) for end, detail in ends]
    order: list[End] = ["crashed", "wrong", "found", "refused", "right"]
    end, detail = min(ends, key=lambda pair: order.index(pair[0]))
    return Attempt(one.group, f"{one.file}, {one.damage.what}", end, detail)


def _end(file: str, said: dict[str, Any]) -> tuple[End, str]:
    if said["end"] == "same":
        return "right", ""
    if said["end"] == "differs":
        return "wrong", f"{said['command']}: another answer"
    ended = Ended(said["status"], "", said["error"])
    sentence = ended.sentence
    if sentence is None:
        return "crashed", f"{said['command']}: {ended.said()}"
    where = (Path(file).name, str(Path(file).parent), "`wordtrace check` names the file")
    if not any(part in sentence for part in where):
        return "crashed", f"{said['command']} does not say where: {sentence}"
    if "emory" in sentence:
        return "crashed", f"{said['command']} asks for memory without end: {sentence}"
    return "refused", ""
