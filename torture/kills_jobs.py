"""The jobs that are killed: what each is, what is there before, and what a reader looks at."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from torture.kills_targets import seen
from torture.sandbox import Command, Ended
from torture.world import COLUMNS, make_world

TARGETS = "torture.kills_targets"
WORDTRACE = "wordtrace.__main__:main"


@dataclass(frozen=True)
class Job:
    """Something that changes files, and is told to end in the middle.

    Attributes
    ----------
    name
        What it does.
    arguments
        Of the command, or of `target`.
    looks
        The places that a reader opens: an index's name ends in "index", a file has an ending.
    before
        Commands that are run first.
    once
        Whether a second run after a whole one is refused, since what is asked for is there.
    dear
        Whether it takes long, so that it is tried less often.
    fresh
        Whether its process, and its workers', start anew.
    quick
        Whether the short form tries it.
    """

    name: str
    arguments: tuple[str, ...]
    looks: tuple[str, ...]
    target: str = WORDTRACE
    before: tuple[tuple[str, ...], ...] = ()
    once: bool = False
    dear: bool = False
    fresh: bool = False
    quick: bool = False

    def command(self, folder: Path, **more: Any) -> Command:
        """Return it as a command in a folder."""
        return Command(self.arguments, folder, target=self.target, fresh=self.fresh, **more)

    def look(self, folder: Path) -> dict[str, Any]:
        """Return what a reader sees of each of its places."""
        return {place: seen(folder / place) for place in self.looks}


_SMALL = ("--epochs", "1", "--batch-size", "8", "--dim", "8", "--vocabulary", "120")
_ADD = ("index-add", "run/index", "more.csv", *COLUMNS, "--workers", "1")
_REMOVE = ("index-remove", "run/index", "row-4", "row-7")
_ONE = ("--workers", "1", "--repeats", "2")
_TWO = ("--workers", "2")

JOBS = (
    Job(
        "train",
        ("train", "data.csv", *COLUMNS, *_SMALL, "--checkpoints", "2", "--out", "new"),
        ("new",),
    ),
    Job(
        "train --overwrite",
        (
            "train",
            "data.csv",
            *COLUMNS,
            *_SMALL,
            "--checkpoints",
            "2",
            "--out",
            "run",
            "--overwrite",
        ),
        ("run",),
    ),
    Job(
        "index",
        ("index", "run", "--out", "new-index", "--workers", "1"),
        ("new-index",),
        quick=True,
    ),
    Job(
        "index --overwrite",
        ("index", "run", "--top-k", "2", "--shard-size", "24", "--workers", "1", "--overwrite"),
        ("run/index",),
    ),
    Job("index-add", _ADD, ("run/index",), once=True, quick=True),
    Job("index-remove", _REMOVE, ("run/index",), once=True, quick=True),
    Job(
        "index-merge",
        ("index-merge", "run/index"),
        ("run/index",),
        before=(_ADD, _REMOVE),
        quick=True,
    ),
    Job(
        "verify",
        ("verify", "trace.json", "--run", "run", "--k", "3", *_ONE, "--out", "proof.json"),
        ("run", "proof.json"),
    ),
    Job(
        "fix",
        (
            *("fix", "run/index", "--queries", "queries.csv", *COLUMNS, "--k", "3", *_ONE),
            *("--limit", "1", "--actions", "remove", "--measures", "bm25"),
            *("--out", "fixed.json"),
        ),
        ("run", "fixed.json"),
        dear=True,
    ),
    Job(
        "evaluate",
        (
            *("evaluate", "run", "--queries", "2", "--measures", "bm25", "--k", "3", *_ONE),
            *("--out", "study.json"),
        ),
        ("run", "study.json"),
        dear=True,
    ),
    Job(
        "apply",
        ("apply", "fix.jsonl", "data.csv", *COLUMNS, "--out", "repaired.csv"),
        ("repaired.csv",),
        once=True,
        quick=True,
    ),
    Job(
        "apply to a folder",
        ("apply", "fix.jsonl", "folder", *COLUMNS, "--out", "repaired"),
        (),
        before=(("dataset", "data.csv", "folder"),),
        once=True,
    ),
    Job(
        "mislabels",
        ("mislabels", "run/index", "--top", "3", "--out", "found.json", "--patch", "found.jsonl"),
        ("found.json", "found.jsonl"),
    ),
    Job(
        "record",
        ("record", "tuned", "--data", "tuned.jsonl", "--id", "id", "--out", "adopted"),
        ("adopted",),
        before=(("tokenizer",), ("fine_tuned", "tuned")),
        dear=True,
    ),
    Job(
        "a Trainer's callback",
        ("tuned", "watched"),
        ("watched",),
        target=f"{TARGETS}:fine_tuned",
        before=(("tokenizer",),),
        dear=True,
    ),
    Job("review, in the app", ("run",), ("run",), target=f"{TARGETS}:decide", quick=True),
    Job(
        "a proof, in the app",
        ("run/index",),
        ("run", "run/proofs/0001/result.json"),
        target=f"{TARGETS}:prove",
        dear=True,
    ),
    Job("groups, in the app", ("run/index",), ("run/index",), target=f"{TARGETS}:groups"),
    Job(
        "index, two workers",
        ("index", "run", "--out", "new-index", "--shard-size", "6", "--workers", "2"),
        ("new-index",),
        fresh=True,
    ),
    Job(
        "verify, two workers",
        (
            *("verify", "trace.json", "--run", "run", "--k", "3", "--repeats", "2"),
            *(*_TWO, "--out", "proof.json"),
        ),
        ("run", "proof.json"),
        fresh=True,
    ),
)


def base(folder: Path) -> Path:
    """Make what all jobs begin with: a run, an index, a trace and a patch."""
    # Made elsewhere, so that the place that a result names of its run leads nowhere from a copy.
    made = folder.with_name(f"{folder.name}-made")
    make_world(made)
    for arguments in (
        ("trace", "run/index", "the goal of the match and the bank", "--out", "trace.json"),
        ("mislabels", "run/index", "--top", "3", "--out", "s.json", "--patch", "fix.jsonl"),
    ):
        done(Command(arguments, made).run())
    return made.rename(folder)


def prepared(job: Job, begun: Path, folder: Path) -> Path:
    """Copy the beginning and do what is to be done before a job."""
    shutil.copytree(begun, folder)
    for one in job.before:
        if one[0] in ("dataset", "tokenizer", "fine_tuned"):
            done(Command(one[1:], folder, target=f"{TARGETS}:{one[0]}").run())
        else:
            done(Command(one, folder).run())
    return folder


def done(ended: Ended) -> Ended:
    """Raise unless a command that nobody disturbed has done its work."""
    if ended.status != 0:
        raise RuntimeError(ended.said(2000))
    return ended


def state_of(folder: Path) -> dict[str, str]:
    """Return a digest of every file and folder, with what differs in every run left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            found[name] = "folder"
        elif path.suffix == ".sqlite":
            found |= {f"{name}: {key}": _digest(row.encode()) for key, row in _rows(path)}
        else:
            found[name] = _digest(_normal(path))
    return found


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()


def _rows(ledger: Path) -> list[tuple[str, str]]:
    """Return keys and results of a ledger without timings."""
    # Without a look at its log of writes: to read that is to make it. Where one is, it is found.
    with closing(sqlite3.connect(f"file:{ledger}?immutable=1", uri=True)) as opened:
        rows = opened.execute("SELECT key, result FROM done ORDER BY key").fetchall()
    return [(key, _TIMES.sub("", row)) for key, row in rows if not key.startswith("seconds:")]


#: What a document tells of when, how fast and in how many attempts it was made, and its checksum.
_TIMES = re.compile(
    r'"(seconds|at|made|checksum|pace|trained|plan|least|most|train_runtime|train_\w+_per_second'
    r'|total_flos)": ?("[^"]*"|[\d.e+-]+)'
)


#: Where a run, or its data, lay: another folder in each attempt.
_PLACES = re.compile(r'"/[^"]*/')


def _normal(path: Path) -> bytes:
    """Return a file's bytes without timings, and of places their last names.

    Of a review each line once: who repeats a decision decides once more.
    """
    data = path.read_bytes()
    if path.suffix in (".json", ".jsonl", ".html"):
        text = _PLACES.sub('"/', _TIMES.sub("", data.decode("utf-8", "replace")))
        if path.name == "decisions.jsonl":
            text = "\n".join(dict.fromkeys(text.splitlines()))
        return text.encode()
    return data
