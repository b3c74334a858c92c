"""A proof's own process: it trains, and writes down how far it is, what it sees, what it found."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wordtrace.act.fix_result import Fix
from wordtrace.api.index import Index
from wordtrace.app.proof_asked import retrainer
from wordtrace.app.proof_folders import FOUND, RESULT, ProofFolder, planned
from wordtrace.errors import InputError, WordtraceError
from wordtrace.execute.progress import following
from wordtrace.report.deeds import control_name
from wordtrace.verification.looks import looking
from wordtrace.verification.plan import Plan, asking
from wordtrace.verification.tasks import RETRAINING

#: Seconds between two states on disk, while nothing but the count changes.
_EVERY = 0.2


class Followed:
    """A study's state, written to its folder as the study goes on."""

    def __init__(self, folder: ProofFolder) -> None:
        self._folder, self._start, self._written = folder, time.perf_counter(), 0.0
        self.state = folder.state() | {"state": "running", "trained": 0, "seconds": 0.0}
        self.state.pop("error", None)
        self.state["looks"] = []
        self.write()

    def plan(self, plan: Plan) -> None:
        """Take the plan, before the first training."""
        self.state |= planned(plan)
        self._start = time.perf_counter()
        self.write()

    def follow(self, what: str, count: int, done: int, total: int) -> None:
        """Count the models that were trained; a study trains in one round or several."""
        if what != RETRAINING:
            return
        self.state["trained"] += count
        if time.perf_counter() - self._written > _EVERY or total == done:
            self.write()

    def look(self, place: int, seeds: int, query: Mapping[str, Any]) -> None:
        """Keep the intervals that the study itself looks at."""
        found = {
            "query": place,
            "seeds": seeds,
            "change": _interval(query["without"]["change"]),
            "differences": {
                control_name(one["name"]): _interval(one["difference"]) for one in query["controls"]
            },
        }
        kept = [one for one in self.state["looks"] if one["query"] != place]
        self.state["looks"] = [*kept, found]
        self.write()

    def write(self) -> None:
        """Write the state."""
        self._written = time.perf_counter()
        self.state["seconds"] = self._written - self._start
        self._folder.write_state(self.state)


def work(folder: ProofFolder, index: Index, command: str | None) -> None:
    """Do a proof; its result, or why it failed, is in its folder afterwards."""
    with folder.alone():
        followed = Followed(folder)
        try:
            wish = folder.wish()
            study = wish.study(index, retrainer(index.run, wish.asked.trains, command))
            with (
                asking(followed.plan),
                following(followed.follow),
                looking(followed.look),
            ):
                found = study()
        except WordtraceError as error:
            followed.state |= {"state": "failed", "error": str(error)}
        except Exception as error:
            traceback.print_exc()
            followed.state |= {
                "state": "failed",
                "error": f"{type(error).__name__}: {error} (log.txt in {folder.path} has more)",
            }
        else:
            found.save(folder.path / RESULT)
            if isinstance(found, Fix):
                _write_patch(found, folder.path / FOUND)
            followed.state["state"] = "done"
        followed.write()


def _write_patch(found: Fix, path: Path) -> None:
    try:
        found.patch().write(path)
    except InputError:  # no change suffices, which the result says
        path.unlink(missing_ok=True)


def _interval(change: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(change[name]) for name in ("mean", "low", "high")}


def main(folder: str, index: str, run: str, command: str | None = None) -> None:
    """Do the proof in `folder`."""
    work(ProofFolder(Path(folder)), Index.open(index, run), command)


if __name__ == "__main__":
    main(*sys.argv[1:])
