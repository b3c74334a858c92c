"""Proofs on disk: each in a folder of its own in the run's, so that nothing is lost with a page."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wordtrace.act.patch import read_patch
from wordtrace.api.loading import load
from wordtrace.app.proof_asked import ProofAsked, Wish
from wordtrace.disk import atomic
from wordtrace.disk.temporary import folder_for, remove_unheld
from wordtrace.errors import InputError
from wordtrace.explain.reading import read_trace
from wordtrace.results.result import Result
from wordtrace.verification.plan import Plan

#: The folder within a run's for its proofs.
PLACE = "proofs"
ASKED, STATE, RESULT, TRACE, PATCH = (
    "asked.json",
    "state.json",
    "result.json",
    "trace.json",
    "patch.jsonl",
)
#: How often the lock is tried, ten times a second.
_TRIALS = 20
LOG, FOUND = "log.txt", "found.jsonl"


@dataclass(frozen=True)
class ProofFolder:
    """One proof's folder.

    It holds what was asked (``asked.json``, ``trace.json``, ``patch.jsonl``), how far it is
    (``state.json``), the job's output (``log.txt``), the result (``result.json``), and for a fix
    the patch that it found (``found.jsonl``).
    """

    path: Path

    @property
    def number(self) -> int:
        """Its number, from 1."""
        return int(self.path.name)

    @classmethod
    def new(cls, run: Path, wish: Wish, plan: Plan) -> ProofFolder:
        """Make the next folder of a run."""
        place = run / PLACE
        place.mkdir(exist_ok=True)
        number = max((one.number for one in folders(run)), default=0)
        while True:
            number += 1
            # Written elsewhere, so that a kill leaves no folder of which nobody knows.
            with folder_for(place / f"{number:04}") as beside:
                found = cls(beside / f"{number:04}")
                found._fill(wish, plan)
                with suppress(FileExistsError):
                    return cls(_moved(found.path, place))

    def _fill(self, wish: Wish, plan: Plan) -> None:
        """Write what is asked, and that it waits."""
        self.path.mkdir()
        wish.trace.save(self.path / TRACE)
        if wish.patch is not None:
            wish.patch.write(self.path / PATCH)
        asked = {
            "title": wish.title,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "without": wish.without,
            "asked": wish.asked.model_dump(exclude={"patch"}),
        }
        self.write_state({"state": "waiting", **planned(plan)})
        atomic.write_json(self.path / ASKED, asked)

    def asked(self) -> dict[str, Any]:
        """Return what was asked, with its title and time."""
        return atomic.read_json(self.path / ASKED)

    def wish(self) -> Wish:
        """Return what is to be proven."""
        told = self.asked()
        patch = read_patch(self.path / PATCH) if (self.path / PATCH).is_file() else None
        asked = ProofAsked.model_validate(told["asked"])
        return Wish(asked, read_trace(self.path / TRACE), told["title"], patch, told["without"])

    def state(self) -> dict[str, Any]:
        """Return how far it is, as it was last written."""
        return atomic.read_json(self.path / STATE)

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Write how far it is."""
        atomic.write_json(self.path / STATE, dict(state))

    def result(self) -> Result | None:
        """Return its result, if it has one."""
        place = self.path / RESULT
        return load(place) if place.is_file() else None

    def held(self) -> bool:
        """Tell whether a process works on it."""
        handle = os.open(self.path, os.O_RDONLY)
        try:
            # Shared, so that two who look do not see each other.
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold it for this process, however that ends (InputError where another one has it)."""
        handle = os.open(self.path, os.O_RDONLY)
        try:
            for trial in range(_TRIALS):
                with suppress(BlockingIOError):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                time.sleep(0.1)  # it may be somebody who only looks
                if trial == _TRIALS - 1:
                    raise InputError(
                        f"proof {self.number} is being worked on; wait for it, or stop it."
                    )
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)
            os.close(handle)


def _moved(path: Path, place: Path) -> Path:
    """Move a folder to where no other one is (FileExistsError)."""
    target = place / path.name
    try:
        os.rename(path, target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FileExistsError(error.errno, error.strerror, str(target)) from None
        raise
    return target


def planned(plan: Plan) -> dict[str, Any]:
    """Return what a state tells of a plan."""
    return {"plan": plan.sentence(), "least": plan.least, "most": plan.most, "trained": 0}


def folders(run: Path) -> list[ProofFolder]:
    """Return the proofs of a run, the latest first; what killed writers left there is removed."""
    found = [
        ProofFolder(path)
        for path in (run / PLACE).glob("[0-9]*")
        if re.fullmatch("[0-9]{4,9}", path.name) and (path / ASKED).is_file()
    ]
    for folder in (run / PLACE, *(one.path for one in found)):
        for stray in folder.glob(".*.tmp"):
            remove_unheld(stray)
    return sorted(found, key=lambda one: -one.number)


def folder_of(run: Path, number: int) -> ProofFolder:
    """Return a proof by its number (InputError)."""
    for one in folders(run):
        if one.number == number:
            return one
    raise InputError(f"there is no proof {number}.")
