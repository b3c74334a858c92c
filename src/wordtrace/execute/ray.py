"""Tasks on a Ray cluster: every machine sees the same folders, and a lost task is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any, TypeVar

from wordtrace.errors import InputError, WordtraceError
from wordtrace.execute.connection import connected, result_of
from wordtrace.execute.protocol import Lost
from wordtrace.execute.threads import one_thread

Item = TypeVar("Item")
Result = TypeVar("Result")


class Cluster:
    """An :class:`~wordtrace.execute.protocol.Executor` over the machines of a Ray cluster.

    The paths in the items must mean the same files on every machine (shared storage), and every
    machine needs the same wordtrace. A task whose worker or machine dies runs again elsewhere: a
    task must end the same when it is run twice.

    Parameters
    ----------
    address
        Of a running cluster: "auto", "HOST:6379" or "ray://HOST:10001". None takes the one that
        Ray finds (``RAY_ADDRESS``), else starts one on this machine, for the time of the run.
    workers
        Most tasks at a time; by default one for each core of the cluster.
    attempts
        How often a task is begun before the run fails.
    tolerant
        Yield :class:`~wordtrace.execute.protocol.Lost` in place of a result that could not be had.
    gpus
        That a task needs for itself; Ray hides all others from it.
    """

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        attempts: int = 4,
        *,
        tolerant: bool = False,
        gpus: int = 0,
    ) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"workers is {workers}; it must be at least 1.")
        self.address, self.workers, self.attempts = address, workers, attempts
        self.tolerant, self.gpus = tolerant, gpus

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
        with connected(self.address, self.workers) as ray:
            room = ray.cluster_resources()
            if room.get("GPU", 0) < self.gpus:
                raise InputError("no machine of the Ray cluster has a GPU; give --device cpu.")
            needs = {"num_cpus": 1, "num_gpus": self.gpus, "max_retries": self.attempts - 1}
            remote = ray.remote(**needs)(_alone)
            limit = self.workers or max(1, int(room.get("GPU" if self.gpus else "CPU", 1)))
            # Where the number of workers is not the limit, the next tasks are queued beforehand.
            limit = limit if self.workers else 2 * limit
            flying: dict[Any, Item] = {}
            lost = (
                f"a task on the cluster failed {self.attempts} times ({{}}: its worker or machine "
                "died, out of memory perhaps); what was finished is kept: run the same command "
                "again to go on."
            )
            try:
                while True:
                    for item in islice(waiting, limit - len(flying)):
                        flying[remote.remote(task, item)] = item
                    if not flying:
                        return
                    (done,), _ = ray.wait(list(flying), num_returns=1)
                    item = flying.pop(done)
                    try:
                        result = result_of(ray, done, lost)
                    except WordtraceError as error:
                        if not self.tolerant:
                            raise
                        result = Lost(str(error))
                    yield item, result
            finally:
                for left in flying:
                    ray.cancel(left, force=True)


def _alone(task: Callable[[Any], Any], item: Any) -> Any:
    """Run a task with one thread, as the processes of one machine do: the same bits everywhere."""
    with one_thread():
        return task(item)
