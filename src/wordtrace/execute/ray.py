"""Tasks on a Ray cluster: every machine sees the same folders, and a lost task is tried again."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from threading import TIMEOUT_MAX, Timer
from typing import Any, Generic, TypeVar

from wordtrace.errors import InputError, TrainingError, WordtraceError, option
from wordtrace.execute.connection import connected, result_of
from wordtrace.execute.protocol import PATIENCE, Lost
from wordtrace.execute.resources import check_resources
from wordtrace.execute.threads import one_thread

Item = TypeVar("Item")
Result = TypeVar("Result")


class RayCluster:
    """An :class:`~wordtrace.execute.protocol.Executor` over the machines of a Ray cluster.

    The paths in the items must mean the same files on every machine (shared storage), and every
    machine needs the same wordtrace. A task whose worker or machine dies runs again elsewhere: a
    task must end the same when it is run twice.

    Parameters
    ----------
    address
        The address of a running cluster: "auto", "HOST:6379" or "ray://HOST:10001". None takes the
        one that Ray finds (``RAY_ADDRESS``), else starts one on this machine for the time of the
        run.
    workers
        The largest number of tasks at a time; by default one for each core of the cluster.
    attempts
        How often a task is tried before the run fails.
    tolerant
        Also repeat a task that raised a :class:`WordtraceError`; and if all attempts fail, yield
        :class:`~wordtrace.execute.protocol.Lost` in place of a result and go on.
    cpus, memory
        What Ray reserves for each task: cores (also a fraction) and bytes. A task always has one
        thread; more cores or memory mean fewer tasks on a machine.
    gpus
        How many GPUs each task needs for itself; Ray hides all others from it.
    patience
        The seconds after which a task may count as hanging, if it also takes ten times as long as
        the longest so far. Its worker is then ended, and it runs again. Infinity where tasks may
        take very different times.
    limit
        The seconds that no task may take; None for no limit.

    Raises
    ------
    InputError
        When a number is not positive.
    """

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        attempts: int = 4,
        *,
        tolerant: bool = False,
        cpus: float = 1,
        memory: int = 0,
        gpus: int = 0,
        patience: float = PATIENCE,
        limit: float | None = None,
    ) -> None:
        check_resources(workers, memory, gpus)
        if not 0 < cpus < math.inf:
            raise InputError(f"{option('cpus')} is {cpus:g}; it must be over 0.")
        self.address, self.workers, self.attempts = address, workers, attempts
        self.tolerant, self.cpus, self.memory, self.patience = tolerant, cpus, memory, patience
        self.gpus, self.limit = gpus, limit

    def run(
        self, task: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """Yield each item with its result in the order of completion.

        Raises
        ------
        InputError
            When Ray is not installed or the cluster can't be reached.
        WordtraceError
            When a task lost its worker in every attempt.
        """
        waiting = iter(items)
        head = list(islice(waiting, 1))
        if not head:
            return
        waiting = chain(head, waiting)
        cores = math.ceil(self.workers * self.cpus) if self.workers else None
        with connected(self.address, cores) as ray:
            remote = self._remote(ray)
            room = _resource(ray, "CPU") / self.cpus
            if self.gpus:
                room = min(room, _resource(ray, "GPU") / self.gpus)
            limit = self.workers or max(1, int(room))
            # Where the number of workers is not the limit, the next tasks are queued beforehand.
            limit = limit if self.workers else 2 * limit
            flying: dict[Any, _Flight[Item]] = {}
            longest = math.inf

            def send(item: Item) -> None:
                patience = self._patience(longest)
                flying[remote.remote(task, item, patience)] = _Flight(
                    item, patience, time.perf_counter()
                )

            try:
                while True:
                    for item in islice(waiting, limit - len(flying)):
                        send(item)
                    if not flying:
                        return
                    done, _ = ray.wait(list(flying), num_returns=1, timeout=1.0)
                    if not done:
                        for ref in _hanging(flying, max(self.patience, 10 * longest)):
                            ray.cancel(ref, force=True)
                            send(flying.pop(ref).item)
                        continue
                    flight = flying.pop(done[0])
                    result: Any
                    try:
                        result, seconds = result_of(ray, done[0], self._lost(flight.patience))
                        longest = seconds if longest == math.inf else max(longest, seconds)
                    except WordtraceError as error:
                        if not self.tolerant:
                            raise
                        result = Lost(f"{error} (tried {self.attempts} times)")
                    if isinstance(result, TrainingError):
                        if not self.tolerant:
                            raise result
                        result = Lost(str(result))
                    yield flight.item, result
            finally:
                for left in flying:
                    ray.cancel(left, force=True)

    def _remote(self, ray: Any) -> Any:
        """Return the function that runs one task on the cluster, with the resources it is given.

        Raises
        ------
        InputError
            When no machine has them: Ray would wait for one for ever.
        """
        if self.gpus and not _resource(ray, "GPU", max):
            raise InputError(
                f"no machine of the Ray cluster has a GPU; give {option('device', 'cpu')}."
            )
        for name, wanted, unit, flag in (
            ("CPU", self.cpus, "CPUs", option("cpus")),
            ("memory", self.memory, "bytes of memory", option("memory")),
            ("GPU", self.gpus, "GPUs", option("gpus")),
        ):
            most = _resource(ray, name, max)
            if wanted > most:
                raise InputError(
                    f"{flag}: no machine of the cluster has {wanted:,.10g} {unit}; the largest has "
                    f"{most:,.10g}."
                )
        return ray.remote(
            num_cpus=self.cpus,
            num_gpus=self.gpus,
            memory=self.memory or None,
            max_retries=self.attempts - 1,
            retry_exceptions=[WordtraceError] if self.tolerant else False,
        )(_alone)

    def _patience(self, longest: float) -> float:
        """Return how many seconds a task may take when the longest so far took `longest`."""
        return min(math.inf if self.limit is None else self.limit, max(self.patience, 10 * longest))

    def _lost(self, patience: float) -> str:
        died = "died, out of memory perhaps"
        if patience < math.inf:
            died += f", or gave no answer in {patience:.0f} s"
        return (
            f"a task on the cluster failed {self.attempts} times ({{}}: its worker or machine "
            f"{died}); what was finished is kept: run the same command again to go on."
        )


def _alone(task: Callable[[Any], Any], item: Any, patience: float) -> tuple[Any, float]:
    """Run a task with one thread, as local processes do, so that all bits are the same everywhere.

    Returns the result and how long it took. After `patience` seconds this worker ends itself; Ray
    takes this for a crash, and the task runs again.
    """
    start = time.perf_counter()
    watch = Timer(min(patience, TIMEOUT_MAX), os.kill, (os.getpid(), signal.SIGKILL))
    watch.daemon = True
    watch.start()
    try:
        with one_thread():
            return task(item), time.perf_counter() - start
    except TrainingError as error:  # Ray would try it again
        return error, time.perf_counter() - start
    finally:
        watch.cancel()


@dataclass(frozen=True)
class _Flight(Generic[Item]):
    """A running task: after how many seconds its worker ends itself, and when it was sent."""

    item: Item
    patience: float
    start: float


def _hanging(flying: dict[Any, _Flight[Any]], patience: float) -> list[Any]:
    """Return the tasks that were sent without a limit, and now take too long.

    They were sent before any duration was known. Perhaps they only wait for a worker. They are sent
    again with a limit, which costs them their place in the queue.
    """
    now = time.perf_counter()
    return [
        ref
        for ref, one in flying.items()
        if one.patience == math.inf and now - one.start > 3 * patience
    ]


def _resource(ray: Any, name: str, of: Callable[[list[float]], float] = sum) -> float:
    """Return how much of a resource the cluster's machines have together, or (`max`) one alone."""
    return of([float(one["Resources"].get(name, 0)) for one in ray.nodes() if one["Alive"]])
