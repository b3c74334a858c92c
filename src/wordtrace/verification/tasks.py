"""Retrainings done once each, in parallel, kept as they finish."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wordtrace.execute.ledger import Ledger
from wordtrace.execute.processes import executor
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
        with track("Retraining", len(wanted), "models", len(results)) as advance:
            for task, result in executor(workers, len(missing)).run(retrain, missing):
                ledger.record(task.key, result)
                results[task.key] = result
                advance(1)
    return results


def seeds_of(run: Run, repeats: int) -> list[int]:
    """Return seeds for retrainings: never the run's own, on which its queries were picked."""
    return [(run.recipe.seed + 1 + place) % 2**31 for place in range(repeats)]
