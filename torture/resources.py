"""Commands that run out of disk, memory, open files, or of what they take for granted."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import wordtrace as wt
from torture.attempts import Attempt, Plan, at_once
from torture.sandbox import Command, Ended
from torture.starved import NOT_PERMITTED
from torture.world import COLUMNS, World, make_world

TITLE = "Too little of everything"
PROMISE = """\
A disk that is full (from the start, at 3 MB, or at a random moment) or read-only, little memory,
20 open files, no shared memory, no network, a clock that jumps, no home, no folder for temporary
files, an old locale, closed and full standard streams, a working folder that is gone: a command
gives the answer that it gives elsewhere, or says in a sentence what it lacks, and of a disk which
file could not be written. No half file is left under a name that somebody would read, and the same
command afterwards ends as if nothing had been. Not promised is an end without a word where the
system itself kills a process for its memory."""

TEXT = "bank market goal"
_TINY = ("--dim", "8", "--vocabulary", "120", "--epochs", "2", "--batch-size", "8")

_OUT = ("--out", "new.json")

#: Each with the file or folder that it writes.
COMMANDS: dict[str, tuple[tuple[str, ...], str]] = {
    "train": (("train", "data.csv", *COLUMNS, *_TINY, "--out", "new"), "new"),
    "index": (
        ("index", "run", "--out", "new", "--workers", "1", "--shard-size", "24"),
        "new",
    ),
    "trace": (("trace", "run/index", TEXT, "--top", "3", "--out", "new.json"), "new.json"),
    "verify": (
        (
            "verify",
            "trace.json",
            "--run",
            "run",
            "--k",
            "2",
            "--repeats",
            "2",
            "--workers",
            "1",
            *_OUT,
        ),
        "new.json",
    ),
    "report": (("report", "trace.json", "--out", "new.html"), "new.html"),
    "apply": (("apply", "patch.jsonl", "data.csv", *COLUMNS, "--out", "new.csv"), "new.csv"),
    "review": (("review", "run/index", "--undo", "--patch", "new.jsonl"), "new.jsonl"),
}
#: Where several processes are needed to show something, two take the place of one.
_SEVERAL = {"1": "2"}
QUICK = ("trace", "report", "apply", "review")
#: What differs from run to run, and may.
_FLEETING = ("seconds", "milliseconds", "at", "made_with", "checksum")


@dataclass(frozen=True)
class Lack:
    """What a command lacks.

    Attributes
    ----------
    takes
        As :func:`torture.starved.run` takes it.
    disk
        How many KB the disk has left, or "ro" for one that is read-only; None for enough.
    """

    group: str
    what: str
    command: str
    takes: Mapping[str, Any] = field(default_factory=dict)
    disk: int | str | None = None
    environment: Mapping[str, str | None] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)


def attacks(plan: Plan) -> Iterator[Attempt]:
    """Run each command with something missing, and once more with all of it."""
    world = make_world(plan.work / "world")
    _prepare(world)
    disks = _may_mount(plan.work / "mount")
    if not disks:
        sys.stderr.write("resources: no disk can be mounted here; those attempts are left out\n")
    lacks = list(_lacks(random.Random(plan.seed), disks=disks))
    if plan.short:
        lacks = _some(lacks, random.Random(plan.seed))
    names = sorted({one.command for one in lacks})
    expected = {name: _unharmed(name, world, plan.work / f"unharmed-{name}") for name in names}

    def attack(numbered: tuple[int, Lack]) -> list[Attempt]:
        number, lack = numbered
        with _place(world, plan.work / f"lack-{number}", lack) as (folder, back):
            return _attempt(lack, folder, back, expected[lack.command])

    yield from at_once(attack, list(enumerate(lacks)), plan.workers)


def _prepare(world: World) -> None:
    index = wt.Index.open(world.index)
    index.trace(TEXT, top=3).save(world.folder / "trace.json")
    index.mislabels(top=2).patch("remove").write(world.folder / "patch.jsonl")
    review = index.review()
    review.decide(index.ids[:1], "remove")
    review.decide(index.ids[1:3], "remove")


def _lacks(generator: random.Random, *, disks: bool) -> Iterator[Lack]:
    for name in COMMANDS if disks else ():
        yield Lack("a full disk", "from the start", name, disk=0)
        yield Lack("a full disk", "3 MB", name, disk=3000)
        for _ in range(3):
            left = int(2 ** generator.uniform(2, 9))
            yield Lack("a full disk", f"after {left} KB", name, disk=left)
        yield Lack("a read-only disk", "all of it", name, disk="ro")
    for name in COMMANDS:
        size = int(2 ** generator.uniform(8, 16))
        limits = {"RLIMIT_FSIZE": size}
        yield Lack("files that may not grow", f"{size} bytes", name, limits=limits)
        for megabytes in (16, 40, 400) if name in ("train", "index", "trace", "verify") else (20,):
            yield Lack("little memory", f"{megabytes} MB", name, {"memory": megabytes << 20})
        yield Lack("few open files", "20", name, limits={"RLIMIT_NOFILE": 20})
        yield Lack("few open files", "9", name, limits={"RLIMIT_NOFILE": 9})
        for jump in (-86_400.0, 10 * 365.25 * 86_400):
            yield Lack("a clock that jumps", f"{jump:+.0f} s", name, {"jump": jump})
        yield Lack("no network", "none", name, {"network": False})
        yield Lack("rights of files", "umask 0777", name, {"umask": 0o777})
    for name in ("index", "verify", "trace"):
        yield Lack("no shared memory", "none", name, {"shm": "size=4k"})
        yield Lack("no shared memory", "read-only", name, {"shm": "ro"})
    nowhere = "/nonexistent/deep"
    homes: tuple[dict[str, str | None], ...] = (
        {"HOME": nowhere},
        {"TMPDIR": nowhere},
        {"HOME": None, "USER": None},
    )
    for name in ("train", "trace", "verify"):
        for variables in homes:
            shown = ", ".join(f"{one}={value}" for one, value in variables.items())
            yield Lack("no home", shown, name, {"start": variables})
    locales: tuple[dict[str, str | None], ...] = (
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "no_SUCH.locale"},
        {"LC_ALL": None, "LANG": None, "LC_CTYPE": None},
    )
    for variables in locales:
        for name in ("trace", "apply"):
            yield Lack("an old locale", json.dumps(variables), name, {"start": variables})
    for name in QUICK:
        yield Lack("standard streams", "output full", name, {"full": True})
        for closed in ([0], [1], [2], [0, 1, 2]):
            takes: dict[str, Any] = {"close": closed, "start": {}}
            yield Lack("standard streams", f"{closed} closed", name, takes)
    for name in ("report", "trace"):
        gone: dict[str, Any] = {"gone": "gone"}
        yield Lack("a working folder that is gone", "removed", name, gone)
        yield Lack("a working folder that is gone", "before it starts", name, gone | {"start": {}})


def _some(lacks: list[Lack], generator: random.Random) -> list[Lack]:
    """Return one or two of each group, of quick commands mostly."""
    found = []
    for group in dict.fromkeys(one.group for one in lacks):
        of_it = [one for one in lacks if one.group == group]
        quick = [one for one in of_it if one.command in QUICK] or of_it
        found += generator.sample(quick, min(1, len(quick)))
    return found


def _command(lack: Lack | None, name: str, folder: Path) -> Command:
    words = COMMANDS[name][0]
    if lack is None:
        return Command(words, folder)
    if "shm" in lack.takes or "RLIMIT_NOFILE" in lack.limits:
        words = tuple(_SEVERAL.get(one, one) for one in words)
    if "gone" in lack.takes:
        # Of a folder that is gone, only whole paths lead elsewhere.
        words = tuple(str(folder / one) if (folder / one).exists() else one for one in words)
        words = tuple(str(folder / one) if one.startswith("new") else one for one in words)
    return Command(
        (json.dumps(dict(lack.takes)), *words),
        folder,
        target="torture.starved:run",
        environment=lack.environment,
        limits=lack.limits,
    )


def _unharmed(name: str, world: World, folder: Path) -> Any:
    world.copy(folder)
    ended = _command(None, name, folder).run()
    assert ended.status == 0, ended.said()
    return _signature(folder / COMMANDS[name][1])


def _attempt(lack: Lack, folder: Path, back: Callable[[], None], expected: Any) -> list[Attempt]:
    def end(kind: Any, detail: str = "") -> list[Attempt]:
        return [Attempt(lack.group, f"{lack.command}, {lack.what}", kind, detail)]

    out = folder / COMMANDS[lack.command][1]
    ended = _command(lack, lack.command, folder).run()
    if ended.status == NOT_PERMITTED:
        sys.stderr.write(f"resources: left out: {lack.group}: {ended.error.strip()[:100]}\n")
        return []
    said = ended.said()
    if ended.status is None:
        return end("hung", said)
    if ended.status == 0:
        if _signature(out) != expected:
            return end("wrong", f"another answer than without the lack; {said}")
        return end("right")
    quiet = 2 in lack.takes.get("close", ())
    if not quiet and _one_sentence(ended) is None:
        return end("crashed" if "Traceback" in ended.error or "bug" in said else "wrong", said)
    if lack.disk is not None and "can't be written" not in ended.error:
        return end("wrong", f"the file is not named; {said}")
    full = lack.takes.get("full")
    if left := ([str(out)] if out.exists() and not full else []) + _half_files(folder):
        return end("left", f"{left[:3]}; {said}")
    back()
    if full:  # what it was to write had been written before anything was to be shown
        return end("refused" if not out.exists() or _signature(out) == expected else "wrong", said)
    again = _command(None, lack.command, folder).run()
    if again.status != 0 or _signature(out) != expected:
        return end("wrong", f"not as unharmed afterwards: {again.said()}; before: {said}")
    return end("refused")


def _one_sentence(ended: Ended) -> str | None:
    """Return the sentence, where no line of a library's own error stands beside it."""
    strange = [line for line in ended.error.splitlines() if "Error" in line.split(":")[0]]
    return None if strange else ended.sentence


def _half_files(folder: Path) -> list[str]:
    """Return what was begun and is no folder that the next attempt goes on with."""
    found = [str(one.relative_to(folder)) for one in folder.rglob(".*.tmp")]
    return [one for one in found if ".part/" not in one]


def _signature(place: Path, root: Path | None = None) -> Any:
    """Return what a result is, without what differs from run to run and from place to place."""
    root = root or place.parent
    if place.is_dir():
        files = [one for one in sorted(place.rglob("*")) if one.is_file()]
        return {str(one.relative_to(place)): _signature(one, root) for one in files}
    if not place.exists():
        return None
    data = place.read_bytes()
    if place.suffix == ".json":
        try:
            # Results name their run by its whole path.
            return _lasting(json.loads(data.replace(str(root).encode(), b".")))
        except ValueError:
            return "no JSON"
    return hashlib.sha256(data).hexdigest()


def _lasting(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _lasting(one) for name, one in document.items() if name not in _FLEETING}
    return [_lasting(one) for one in document] if isinstance(document, list) else document


def _may_mount(place: Path) -> bool:
    place.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place))
        _unmount(place)
    except OSError:
        return False
    return True


@contextmanager
def _place(world: World, folder: Path, lack: Lack) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Give a copy of the world, on a disk of its own where it is to be too small."""
    if lack.disk is None:
        world.copy(folder)
        yield folder, lambda: None
        shutil.rmtree(folder, ignore_errors=True)
        return
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder))
    try:
        inner = folder / "disk"
        world.copy(inner)
        fill = folder / "fill"
        if lack.disk == "ro":
            _mount("-o", "remount,ro", str(folder))
        else:
            space = os.statvfs(folder)
            with open(fill, "wb") as file:
                os.posix_fallocate(
                    file.fileno(),
                    0,
                    max(1, space.f_bavail * space.f_frsize - (int(lack.disk) << 10)),
                )

        def back() -> None:
            _mount("-o", "remount,rw", str(folder))
            fill.unlink(missing_ok=True)

        yield inner, back
    finally:
        _unmount(folder)


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True)
    if done.returncode:
        raise OSError(errno.EPERM, done.stderr.strip())


def _unmount(place: Path) -> None:
    subprocess.run(["umount", "--lazy", str(place)], check=True)
