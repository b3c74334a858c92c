"""Proofs one after the other, each in a process of its own, which ends with the server."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, RLock, Thread
from typing import Any

from wordtrace.app.opened import Opened
from wordtrace.app.proof_folders import LOG, ProofFolder
from wordtrace.errors import InputError
from wordtrace.execute import child

#: Runs a proof to its end: its folder, and what stops it. Returns how it ended, or "".
Work = Callable[[ProofFolder, Event], str]

_RUNNING = ("waiting", "running")


@dataclass
class _Job:
    folder: ProofFolder
    stop: Event = field(default_factory=Event)


class ProofQueue:
    """The proofs that this server works on, one at a time, in the order in which they were asked.

    Parameters
    ----------
    work
        What runs a proof; by default :func:`in_own_process`.
    """

    def __init__(self, opened: Opened, work: Work | None = None) -> None:
        self._work = work or in_own_process(opened)
        self._jobs: list[_Job] = []
        self._lock = RLock()

    def start(self, folder: ProofFolder) -> None:
        """Begin a proof, or go on with it, when those before it have ended (InputError)."""
        with self._lock:
            if self._job(folder) is not None or folder.held():
                raise InputError(f"proof {folder.number} goes on already.")
            folder.write_state(folder.state() | {"state": "waiting", "trained": 0, "looks": []})
            self._jobs.append(_Job(folder))
            if len(self._jobs) == 1:
                Thread(target=self._run, name="proofs", daemon=True).start()

    def stop(self, folder: ProofFolder) -> None:
        """End a proof; what it trained is kept (InputError where it does not run here)."""
        with self._lock:
            job = self._job(folder)
            if job is None:
                where = "another server works on it" if folder.held() else "it does not run"
                raise InputError(f"proof {folder.number} can't be stopped: {where}.")
            job.stop.set()
            if job is not self._jobs[0]:
                self._jobs.remove(job)
                folder.write_state(folder.state() | {"state": "stopped"})

    def state(self, folder: ProofFolder) -> dict[str, Any]:
        """Return how far a proof is.

        One that was begun, and on which no process works, was interrupted: it can go on.
        """
        job, held = self._job(folder), folder.held()
        state = folder.state()  # after that: a job writes its last state before it lets go
        if job is not None:
            ahead = self._jobs.index(job) if job in self._jobs else 0
            return state | {"ahead": ahead, "stopping": job.stop.is_set()}
        if state["state"] in _RUNNING and not held:
            state["state"] = "interrupted"
        return state

    def _job(self, folder: ProofFolder) -> _Job | None:
        with self._lock:
            return next((one for one in self._jobs if one.folder == folder), None)

    def _run(self) -> None:
        while True:
            job = self._jobs[0]
            ended = self._work(job.folder, job.stop)
            with self._lock:
                state = job.folder.state()
                if state["state"] in _RUNNING:
                    state["state"] = "stopped" if job.stop.is_set() else "failed"
                    if not job.stop.is_set():
                        state["error"] = f"The proof's process {ended}."
                    job.folder.write_state(state)
                self._jobs.remove(job)
                if not self._jobs:
                    return


def in_own_process(opened: Opened) -> Work:
    """Return what runs a proof in a process of its own."""

    def work(folder: ProofFolder, stop: Event) -> str:
        given = [str(folder.path), str(opened.index.folder.path), str(opened.run.path)]
        if opened.retrain is not None:
            given.append(opened.retrain)
        ended = child.run(
            [sys.executable, "-m", "wordtrace.app.proof_job", *given],
            folder.path / LOG,
            folder=folder.path,
            environment={**os.environ, "PYTHONUNBUFFERED": "1"},
            stop=stop,
        )
        said = child.last_lines(folder.path / LOG, 3)
        return ended.words + (f": {' '.join(said)}" if said else "")

    return work
