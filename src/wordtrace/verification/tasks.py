"""Retrainings done once each, in parallel, kept as they finish."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from wordtrace.errors import InputError, WordtraceError, option
from wordtrace.execute.named import named
from wordtrace.execute.processes import cores
from wordtrace.execute.processes import executor as local
from wordtrace.execute.progress import track
from wordtrace.execute.protocol import Executor, Lost
from wordtrace.run.run import Run
from wordtrace.verification.retrain import Retraining, retrain
from wordtrace.verification.retrainer import Retrainer
from wordtrace.verification.stacked import Stacked, Stacks
from wordtrace.verification.store import Store


def run_tasks(
    run: Run,
    tasks: Sequence[Retraining],
    retrainer: Retrainer,
    workers: int | None = None,
    *,
    executor: str | Executor = "processes",
    address: str | None = None,
    failed: dict[int, str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return each retraining's result by its key; those in the run's store are not redone.

    Equal tasks are done once. An interrupted call goes on where it stopped. A task whose worker
    dies, hangs or fails is tried again.

    Parameters
    ----------
    executor
        "processes", "ray" or "stacked": many models at once, on a GPU where there is one; with it
        `workers` is how many. Or an executor of your own, such as a
        :class:`~wordtrace.execute.ray.RayCluster` with resources a task.
    failed
        Takes the seed of each task that could not be done, with the reason; by default that is an
        error.

    Raises
    ------
    WordtraceError
        At the end, where tasks could not be done; names how many and the first reason. All others
        are kept.
    """
    wanted = {task.key: task for task in tasks}
    lost: list[tuple[Retraining, str]] = []
    with Store(run.path) as store:
        results = {key: result for key, task in wanted.items() if (result := store.get(task))}
        missing = [task for key, task in wanted.items() if key not in results]
        if executor != "stacked":
            _announce(missing, list(results.values()), workers)
        # Seed by seed: a worker's next task shares the order of the rows and the initial weights.
        missing.sort(key=lambda task: task.seed)
        with track("Retraining", len(wanted), "models", len(results)) as advance:
            pool = _pool(retrainer, executor, address, workers, len(missing))
            for task, result in pool.run(partial(retrain, retrainer=retrainer), missing):
                if isinstance(result, Lost):
                    lost.append((task, result.reason))
                else:
                    store.record(task, result)
                    results[task.key] = result
                advance(1)
    if failed is not None:
        failed.update({task.seed: reason for task, reason in lost})
    elif lost:
        task, reason = lost[0]
        raise WordtraceError(
            f"{len(lost):,} of {len(missing):,} retrainings could not be done, the first with seed "
            f"{task.seed} and {len(task.removed):,} rows removed: {reason} What was finished is "
            "kept: run the same command again to try them once more."
        )
    return results


def _pool(
    retrainer: Retrainer,
    executor: str | Executor,
    address: str | None,
    workers: int | None,
    count: int,
) -> Executor | Stacks:
    if executor == "stacked" and address is None:
        if not isinstance(retrainer, Stacked):
            raise InputError(
                f"{option('executor', 'stacked')} trains the CNN of `wordtrace train` alone; use "
                f"{option('executor', 'processes')} or ray for this retrainer."
            )
        return Stacks(retrainer, workers)
    pool = named(executor, address, workers, tolerant=True, also="stacked")
    return pool or local(workers, count, tolerant=True)


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
