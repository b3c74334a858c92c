"""Retrainings done once each, in parallel, kept as they finish."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from wordtrace.execute.ledger import Ledger
from wordtrace.execute.processes import cores, executor
from wordtrace.execute.progress import track
from wordtrace.run.run import Run
from wordtrace.verification.retrain import Retraining, retrain

LEDGER = "retrainings.sqlite"


def run_tasks(
    run: Run, tasks: Sequence[Retraining], workers: int | None
) -> dict[str, dict[str, Any]]:
    """Return each retraining's result by its key; those found in the run's ledger are not redone.

    Equal tasks are done once. An interrupted call goes on where it stopped.
    """
    wanted = {task.key: task for task in tasks}
    with Ledger(run.path / LEDGER) as ledger:
        results = {key: result for key in wanted if (result := ledger.get(key))}
        missing = [task for key, task in wanted.items() if key not in results]
        _announce(missing, list(results.values()), workers)
        with track("Retraining", len(wanted), "models", len(results)) as advance:
            for task, result in executor(workers, len(missing)).run(retrain, missing):
                ledger.record(task.key, result)
                results[task.key] = result
                advance(1)
    return results


def _announce(
    missing: Sequence[Retraining], known: Sequence[dict[str, Any]], workers: int | None
) -> None:
    """Say what is about to be done; how long, where a retraining of this run was timed before."""
    if len(missing) < 2 or os.environ.get("WORDTRACE_PROGRESS") == "0":
        return
    said = f"{len(missing):,} models to train"
    if known:
        seconds = statistics.median(float(one["seconds"]) for one in known)
        minutes = seconds * len(missing) / min(workers or cores(), len(missing)) / 60
        said += f", about {minutes:.0f} min" if minutes >= 1 else ", about a minute"
    sys.stderr.write(f"{said}; Ctrl-C keeps what is done.\n")


def seeds_of(run: Run, repeats: int) -> list[int]:
    """Return seeds for retrainings: never the run's own, on which its queries were picked."""
    return [(run.recipe.seed + 1 + place) % 2**31 for place in range(repeats)]
