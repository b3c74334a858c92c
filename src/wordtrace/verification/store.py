"""Results of retrainings, stored in the run's folder under what was trained.

Any study that repeats a training with the same probes, or some of them, finds its result here. So
the model of a seed without a change is trained only once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from wordtrace.execute.ledger import Ledger
from wordtrace.retrainers.retrain import LEDGER, Retraining, probes_key
from wordtrace.retrainers.retrainer import Probe

# Ends the key of a result of a model that was not asked about the held-out rows.
_UNJUDGED = ":probes"


class Store:
    """An append-only store of results; safe against a kill at any moment."""

    def __init__(self, folder: Path) -> None:
        self._ledger = Ledger(folder / LEDGER)
        self._known: dict[str, dict[Probe, int]] = {}

    def get(self, task: Retraining) -> dict[str, Any] | None:
        """Return the task's result, or None if this training was never asked something of it."""
        for exact in (task.key, f"{task.key}{_UNJUDGED}"):
            if (found := self._ledger.get(exact)) and _answers(found, task):
                return found
        answers: dict[Probe, list[float]] = {}
        last: dict[str, Any] = {}
        prefix = f"{task.training}:"
        for key, result in self._ledger.starting(prefix):
            name = key.removeprefix(prefix).removesuffix(_UNJUDGED)
            for probe, place in self._places(name).items():
                answers[probe] = result["probabilities"][place]
            if not last or result.get("held_out", True):
                last = result
        if not last or not _answers(last, task):
            return None
        if not all(probe in answers for probe in task.probes):
            return None
        return {**last, "probabilities": [answers[probe] for probe in task.probes]}

    def record(self, task: Retraining, result: dict[str, Any]) -> None:
        """Store a result; it is on disk when this returns."""
        name = probes_key(task.probes)
        if name not in self._known:
            probes = [list(probe) for probe in task.probes]
            self._ledger.record(f"probes:{name}", {"probes": probes})
            self._places(name)
        self._ledger.record(task.key if task.held_out else f"{task.key}{_UNJUDGED}", result)
        # The first time: a model that is asked again may be read from the disk.
        seconds = {"seconds": result["seconds"]}
        self._ledger.record(f"seconds:{task.fingerprint}:{task.training}", seconds)

    def seconds(self, fingerprint: str) -> list[float]:
        """Return how long each training took of those with one :attr:`.Retraining.fingerprint`."""
        found = self._ledger.starting(f"seconds:{fingerprint}:")
        return [float(one["seconds"]) for _, one in found]

    def _places(self, name: str) -> dict[Probe, int]:
        """Return the place of each probe in a list."""
        if name not in self._known:
            found = self._ledger.get(f"probes:{name}") or {"probes": []}
            self._known[name] = {
                (text, text2): place for place, (text, text2) in enumerate(found["probes"])
            }
        return self._known[name]

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ledger.__exit__(kind, error, trace)


def _answers(result: Mapping[str, Any], task: Retraining) -> bool:
    """Tell whether a result has what a task asks of the held-out rows."""
    return not task.held_out or bool(result.get("held_out", True))
