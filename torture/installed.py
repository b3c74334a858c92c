"""wordtrace installed anew: with each Python here, and with the oldest and newest packages."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from torture.attempts import Attempt, End
from torture.world import COLUMNS, World

HERE = Path(__file__).parent.parent

_QUERIES = ("--queries", "queries.csv", "--text-column", "body", "--label-column", "topic")
_VERIFY = ("verify", "trace.json", "--k", "2", "--repeats", "2", "--workers", "1", "--json")
#: Before the others: what writes a file that they read.
FIRST = ("trace", "run/index", "the goal", "--out", "trace.json")
#: Commands that need no extra; "new" is made by the first and cleared after the last.
COMMANDS: dict[str, tuple[str, ...]] = {
    "help": ("--help",),
    "train": ("train", "data.csv", *COLUMNS, "--epochs", "1", "--out", "new"),
    "index": ("index", "new", "--out", "new/index"),
    "trace": ("trace", "run/index", "the goal of the bank", "--json"),
    "trace of the new": ("trace", "new/index", "the goal of the bank", "--json"),
    "scores": ("scores", "run/index", *_QUERIES, "--out", "scores.csv"),
    "mislabels": ("mislabels", "run/index", "--json"),
    "verify": _VERIFY,
    "report": ("report", "trace.json", "--out", "trace.html"),
}


def said(command: list[str], words: tuple[str, ...], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line to its end."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "WORDTRACE_PROGRESS": "0"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed anew is compiled once
    environment.pop("PYTHONPATH", None)  # what is installed is what is asked
    return subprocess.run(
        [*command, *words], cwd=cwd, env=environment, capture_output=True, text=True
    )


def answers(
    command: list[str], cwd: Path, names: Iterable[str] = tuple(COMMANDS)
) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run some of `COMMANDS` in a folder that holds the world, and forget the folder's place."""
    said(command, FIRST, cwd)
    found = {}
    for name in names:
        found[name] = said(command, COMMANDS[name], cwd)
        found[name].stdout = found[name].stdout.replace(str(cwd), "HERE")
    shutil.rmtree(cwd / "new", ignore_errors=True)
    return found


#: What may differ where nothing is wrong: times, sizes of files, the names of runs by their bytes.
_FLEETING = re.compile(
    r'"seconds": [\d.e-]+|\d[\d.,]* (ms|s|seconds?|[kM]?B|bytes)\b|"run_fingerprint": "\w+"'
)
_NUMBER = re.compile(r"(-?\d+\.\d+(?:e[+-]?\d+)?)")


#: How much the numbers of an answer may differ, as a share of them, by another version of a
#: library: it may add in another order.
_NEAR = 1e-3


def agree(one: str, other: str, near: float = 0.0) -> bool:
    """Tell whether two answers are equal but for what is fleeting, and how near numbers are."""
    parts, others = (_NUMBER.split(_FLEETING.sub("", text)) for text in (one, other))
    return len(parts) == len(others) and all(
        a == b
        or (place % 2 == 1 and math.isclose(float(a), float(b), rel_tol=near, abs_tol=near / 100))
        for place, (a, b) in enumerate(zip(parts, others, strict=True))
    )


@dataclass(frozen=True)
class Place:
    """An environment to be made: its name, its Python, and how its packages are chosen."""

    name: str
    python: str
    how: str  # "locked", "oldest" or "newest"


def pythons() -> dict[str, str]:
    """Return each supported Python that is here: its program, by its version."""
    found = {}
    for minor in range(11, 16):
        python = shutil.which(f"python3.{minor}")
        if python and _version(python) == f"3.{minor}":
            found[f"3.{minor}"] = python
    return found


def _version(python: str) -> str | None:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def places(here: Mapping[str, str]) -> Iterator[Place]:
    """Yield the environments: the locked one but for this Python's own, the oldest, the newest."""
    own = "{}.{}".format(*sys.version_info[:2])
    for version, python in here.items():
        if version != own:  # that is the one of all other attempts
            yield Place(f"Python {version}, as locked", python, "locked")
    if here:
        oldest, *_, newest = [*here] * 2
        yield Place(f"Python {oldest}, oldest packages", here[oldest], "oldest")
        yield Place(f"Python {newest}, newest packages", here[newest], "newest")


#: What pip says where no index answers: then nothing was attempted.
_OFFLINE = re.compile(r"connection|timed out|name resolution|unreachable", re.IGNORECASE)


def attempt(
    place: Place,
    wheel: Path,
    world: World,
    work: Path,
    expected: Mapping[str, subprocess.CompletedProcess[str]],
) -> list[Attempt]:
    """Install as the README or pip says, run the commands, and compare with what is `expected`."""
    folder = work / re.sub(r"\W+", "-", place.name)
    done = _install(place, folder, wheel)
    if done.returncode:
        if _OFFLINE.search(done.stderr):
            sys.stderr.write(f"supply: {place.name}: no package index answered.\n")
            return []
        return [_ended(place, "is installed", "crashed", done.stderr)]
    copy = world.copy(folder / "world")
    found = answers([str(folder / "bin" / "wordtrace")], copy.folder)
    shutil.rmtree(folder)
    return [_ended(place, name, *judged(one, expected[name], _NEAR)) for name, one in found.items()]


def _install(place: Place, folder: Path, wheel: Path) -> subprocess.CompletedProcess[str]:
    if place.how == "locked":  # the README's own command
        make = ["make", f"VENV={folder}", f"PYTHON={place.python}", f"{folder}/.demo"]
        alone = {key: value for key, value in os.environ.items() if key != "MAKEFLAGS"}
        return subprocess.run(make, cwd=HERE, env=alone, capture_output=True, text=True)
    made = subprocess.run([place.python, "-m", "venv", str(folder)], capture_output=True, text=True)
    if made.returncode:
        return made
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-compile"]
    pinned = HERE / ("constraints-oldest.txt" if place.how == "oldest" else "constraints.txt")
    torch = re.findall(r"^torch==\S+", pinned.read_text(), re.MULTILINE)
    index = os.environ.get("TORCH_INDEX")
    done = subprocess.run(
        [*pip, *(["--index-url", index] if index else []), *torch], capture_output=True, text=True
    )
    if done.returncode:
        return done
    bounds = ["--constraint", str(pinned)] if place.how == "oldest" else torch
    return subprocess.run([*pip, str(wheel), *bounds], capture_output=True, text=True)


def judged(
    done: subprocess.CompletedProcess[str],
    expected: subprocess.CompletedProcess[str],
    near: float = 0.0,
) -> tuple[End, str]:
    """Return how a command ended that should answer as another did, and what was seen."""
    if done.returncode or "Traceback" in done.stderr:
        return "crashed", f"{done.returncode}: {done.stderr[-300:]}"
    if agree(done.stdout, expected.stdout, near):
        return "right", ""
    return "wrong", _first_difference(done.stdout, expected.stdout, near)


def _first_difference(one: str, other: str, near: float) -> str:
    pairs = zip(one.splitlines(), other.splitlines(), strict=False)
    differing = [pair for pair in pairs if not agree(*pair, near)]
    return json.dumps(differing[0] if differing else [one[-100:], other[-100:]])


def _ended(place: Place, what: str, end: End, detail: str) -> Attempt:
    return Attempt("installed anew", f"{place.name}: {what}", end, detail.strip()[-300:])
