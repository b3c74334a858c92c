"""Doing retrainings in parallel, each one once, and storing each result as it comes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from wordtrace.errors import InputError, WordtraceError, option
from wordtrace.execute.named import named, within
from wordtrace.execute.processes import cores
from wordtrace.execute.processes import executor as local
from wordtrace.execute.progress import track
from wordtrace.execute.protocol import PATIENCE, Executor, Lost
from wordtrace.report.numbers import seconds as in_words
from wordtrace.retrainers.retrain import Retraining, retrain
from wordtrace.retrainers.retrainer import Retrainer, is_foreign
from wordtrace.retrainers.stacked import Stacked, Stacks
from wordtrace.run.run import Run
from wordtrace.verification.plan import Plan, tell
from wordtrace.verification.room import Room, room
from wordtrace.verification.store import Store

#: The folder within a run for the files of a cluster's jobs.
JOBS = "jobs"
#: What progress calls the work of :func:`run_tasks`.
RETRAINING = "Retraining"


#: Seconds for what a retraining does beside the command: writing the data, asking the model.
_AROUND = 600.0

#: Seconds of a training beside which those of its start do not count.
_LONG = 300


def run_tasks(
    run: Run,
    tasks: Sequence[Retraining],
    retrainer: Retrainer,
    workers: int | None = None,
    *,
    executor: str | Executor = "processes",
    address: str | None = None,
    failed: dict[int, str] | None = None,
    plan: Plan | None = None,
    begun: bool = False,
) -> dict[str, dict[str, Any]]:
    """Return each retraining's result by its key; results in the run's store are not redone.

    Equal tasks are done once. An interrupted call goes on where it stopped. A task is tried again
    if its worker dies, hangs or fails.

    Parameters
    ----------
    executor
        "processes", "ray", "slurm" or "stacked": many models at once, on a GPU where there is one;
        with it `workers` is how many. Or an executor of your own, such as a
        :class:`~wordtrace.execute.ray.RayCluster` with resources a task.
    failed
        Receives the seed of each task that could not be done, with the reason; without it, such a
        task is an error.
    plan
        What these tasks are a part of, which was announced; after the first training that was not
        timed before, its time is said again.
    begun
        Whether models of the study have been trained before these.

    Raises
    ------
    WordtraceError
        At once, if a foreign retrainer fails before the study's first model is done. At the end, if
        tasks could not be done; the message gives their number and the first reason. The results of
        all other tasks are kept.
    """
    wanted = {task.key: task for task in tasks}
    lost: list[tuple[Retraining, str]] = []
    with Store(run.path) as store:
        results = {key: result for key, task in wanted.items() if (result := store.get(task))}
        missing = [task for key, task in wanted.items() if key not in results]
        if missing:
            _prepare(run, retrainer)
        again = plan if plan and plan.foreign and plan.source != "retrainings" else None
        # Elsewhere than on this machine nothing is known of the memory.
        here = (
            room(run, retrainer, workers) if executor == "processes" else Room(workers or cores())
        )
        # In the order of seeds: a worker's next task has the same row order and initial weights.
        missing.sort(key=lambda task: task.seed)
        seen: list[float] = []
        with track(RETRAINING, len(wanted), "models", len(results)) as advance:
            pool = _pool(run, retrainer, executor, address, workers, here, len(missing))
            for task, result in pool.run(partial(retrain, retrainer=retrainer), missing):
                if isinstance(result, Lost):
                    # A command or a function that fails before any training of it has been done
                    # would most likely fail for all others, too.
                    if is_foreign(retrainer) and not begun:
                        raise WordtraceError(result.reason)
                    lost.append((task, result.reason))
                else:
                    store.record(task, result)
                    results[task.key] = result
                    begun = True
                    seen.append(result["seconds"])
                    # A worker's first training is slow: it loads libraries, too. A long one tells.
                    enough = seen[0] > _LONG or len(seen) > here.workers
                    if again and len(missing) > 1 and enough:
                        took = again.timed(seen[-1])
                        tell(f"One takes about {in_words(seen[-1])}: {took.lasting()}.")
                        again = None
                advance(1)
    if failed is not None:
        failed.update({task.seed: reason for task, reason in lost})
    elif lost:
        task, reason = lost[0]
        raise WordtraceError(
            f"{len(lost):,} of {len(missing):,} retrainings could not be done. What was finished "
            "is kept: run the same command again to try them once more. The first, with seed "
            f"{task.seed} and {len(task.removed):,} rows removed: {reason}"
        )
    return results


def _prepare(run: Run, retrainer: Retrainer) -> None:
    """Have a retrainer do what comes before its first training, such as proving itself."""
    prepare = getattr(retrainer, "prepare", None)
    if prepare is not None and (reason := prepare(run)) is not None:
        raise InputError(reason)


def _pool(
    run: Run,
    retrainer: Retrainer,
    executor: str | Executor,
    address: str | None,
    workers: int | None,
    here: Room,
    count: int,
) -> Executor | Stacks:
    if executor == "stacked" and address is None:
        if not isinstance(retrainer, Stacked):
            raise InputError(
                f"{option('executor', 'stacked')} trains the CNN of `wordtrace train` alone; use "
                f"{option('executor', 'processes')} or ray for this retrainer."
            )
        return Stacks(retrainer, workers)
    # A user's trainings may take very different times: some are kept, and are only asked.
    patience = math.inf if is_foreign(retrainer) else PATIENCE
    # A command is ended by its own limit first; beyond it, what surrounds the command hangs.
    given = getattr(retrainer, "time_limit", None)
    limit = None if given is None else given + _AROUND
    pool = named(
        executor, address, workers, tolerant=True, also="stacked", patience=patience, limit=limit
    )
    if pool is not None:
        return within(pool, run.path / JOBS)
    return local(
        *(here.workers, count),
        tolerant=True,
        threads=here.threads,
        patience=patience,
        limit=limit,
    )
