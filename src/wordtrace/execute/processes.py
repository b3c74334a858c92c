"""One process for each core, each with one thread.

Two processes of one thread do many times the retrainings of one process with two threads, since
small models spend their time between operations, not in them. Processes come from loky: unlike
``multiprocessing`` with spawn, it needs no ``if __name__ == "__main__"`` in the caller's script.
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

from wordtrace.errors import TrainingError, WordtraceError, option
from wordtrace.execute.protocol import PATIENCE, Lost
from wordtrace.execute.resources import check_workers
from wordtrace.execute.serial import Serial

Item = TypeVar("Item")
Result = TypeVar("Result")

#: The variable that tells a worker process how many there are.
WORKERS = "WORDTRACE_WORKERS"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Processes:
    """An :class:`~wordtrace.execute.protocol.Executor` over worker processes of this machine.

    If a task's worker dies, the task is run again in a new one, so a task must give the same result
    when it is repeated. So is a task that hangs: one that takes more than a minute and ten times as
    long as the longest so far. A worker ends with all that its task started.

    Parameters
    ----------
    workers
        How many processes; by default one for each core this process may use.
    attempts
        How often a task is tried.
    tolerant
        Also repeat a task that raised a :class:`WordtraceError`; and if all attempts fail, yield
        :class:`~wordtrace.execute.protocol.Lost` in place of a result and go on.
    patience
        The seconds after which a task may count as hanging; infinity where tasks may take very
        different times.
    limit
        The seconds that no task may take; None for no limit.
    threads
        The threads of each worker.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        attempts: int = 3,
        tolerant: bool = False,
        patience: float = PATIENCE,
        limit: float | None = None,
        threads: int = 1,
    ) -> None:
        self.workers = workers or cores()
        self.attempts, self.tolerant, self.patience = attempts, tolerant, patience
        self.limit, self.threads = math.inf if limit is None else limit, threads

    def run(
        self, task: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """Yield each item with its result in the order of completion.

        Only as many items as workers are taken at a time, so a long list costs no memory here.
        Interrupting ends the workers at once.

        Raises
        ------
        WordtraceError
            When a task lost its worker in every attempt, unless `tolerant`.
        """
        waiting = ((item, 1) for item in items)
        again: list[tuple[Item, int]] = []
        # Each worker has its own pool, so that a death is the fault of the one task that it ran.
        idle = [self._worker() for _ in range(self.workers)]
        # Not concurrent.futures.wait: Ctrl-C in the middle of it can leave a lock held that the
        # pool's own thread then waits for, forever. A SimpleQueue is waited for in C.
        done: SimpleQueue[Future[Result]] = SimpleQueue()
        flying: dict[Future[Result], _Flight[Item]] = {}
        longest = math.inf
        finished = False
        try:
            while True:
                while idle and (next_one := again.pop() if again else next(waiting, None)):
                    worker = idle.pop()
                    future = worker.submit(task, next_one[0])
                    flying[future] = _Flight(*next_one, worker, time.perf_counter())
                    future.add_done_callback(done.put)
                if not flying:
                    finished = True
                    return
                try:
                    future = done.get(timeout=1.0)
                except Empty:
                    hanging = max(self.patience, 10 * longest)
                    self._end_hanging(flying, min(self.limit, hanging))
                    continue
                flight = flying.pop(future)
                seconds = time.perf_counter() - flight.start
                error = future.exception()
                if error is None:
                    idle.append(flight.worker)
                    longest = seconds if longest == math.inf else max(longest, seconds)
                    yield flight.item, future.result()
                    continue
                if _died(error):
                    flight.worker.end()
                    flight.worker.pool.shutdown(wait=False, kill_workers=True)
                    idle.append(self._worker())
                else:
                    idle.append(flight.worker)
                if lost := self._given_up(flight, error):
                    yield flight.item, lost
                else:
                    again.append((flight.item, flight.attempt + 1))
        finally:
            workers = idle + [flight.worker for flight in flying.values()]
            for worker in workers:
                if not finished:
                    # At once and from here: the pool's own thread, which would do it, may be busy.
                    worker.end()
                worker.pool.shutdown(wait=finished, kill_workers=not finished)

    def _worker(self) -> _Worker:
        return _Worker(_pool(self.workers, self.threads))

    def _given_up(self, flight: _Flight[Item], error: BaseException) -> Any:
        """Return what stands for a task that failed for good, None where it is to be begun again.

        Raises
        ------
        WordtraceError
            When others are not to go on without it.
        """
        died = _died(error)
        if not died and not (self.tolerant and isinstance(error, WordtraceError)):
            raise error
        # What a command of the user's did, it does again.
        if flight.attempt < self.attempts and not isinstance(error, TrainingError):
            return None
        if self.tolerant:
            return _lost(f"its worker {flight.reason}" if died else str(error), flight.attempt)
        raise WordtraceError(
            f"a worker process {flight.reason}, {self.attempts} times at the same task; what was "
            "finished is kept: run the same command again to go on, with fewer "
            f"{option('workers')} if memory is short."
        )

    @staticmethod
    def _end_hanging(flying: dict[Future[Result], _Flight[Item]], limit: float) -> None:
        for flight in flying.values():
            if time.perf_counter() - flight.start > limit:
                flight.reason = f"gave no answer in {limit:,.10g} s"
                flight.worker.end()


class _Worker:
    """A pool of one process."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self._pids: set[int] = set()

    def submit(self, task: Callable[[Item], Result], item: Item) -> Future[Result]:
        """Start a task."""
        future: Future[Result] = self.pool.submit(task, item)
        # The pool forgets a process that died, but what that has started may still run.
        self._pids.update(self.pool._processes or {})
        return future

    def end(self) -> None:
        """Kill the process and what it has started; it leads a group of its own."""
        for pid in self._pids:
            for kill in (os.killpg, os.kill):
                with suppress(ProcessLookupError, PermissionError):
                    kill(pid, signal.SIGKILL)


@dataclass
class _Flight(Generic[Item]):
    """A running task: the number of the attempt, its worker, and its start."""

    item: Item
    attempt: int
    worker: _Worker
    start: float
    reason: str = "was killed (out of memory, perhaps)"


def _pool(workers: int, threads: int) -> Any:
    """Return a pool of one process, one of so many workers."""
    from loky.process_executor import ProcessPoolExecutor

    return ProcessPoolExecutor(
        max_workers=1,
        env={**dict.fromkeys(_THREADS, str(threads)), WORKERS: str(workers)},
        initializer=_start_worker,
        initargs=(os.getpid(), threads),
    )


def _died(error: BaseException) -> bool:
    """Return whether a task failed since its worker is gone."""
    from loky.process_executor import TerminatedWorkerError

    return isinstance(error, TerminatedWorkerError)


def _lost(reason: str, attempts: int) -> Any:
    return Lost(f"{reason} (tried {attempts} times)" if attempts > 1 else reason)


def executor(
    workers: int | None,
    tasks: int,
    *,
    tolerant: bool = False,
    threads: int = 1,
    patience: float = PATIENCE,
    limit: float | None = None,
) -> Processes | Serial:
    """Return processes if there is work for more than one; else this process alone.

    It holds to no limit, since a task can be ended only with its process; but a single one needs
    none to be imported anew, which takes longer than some limits.
    """
    check_workers(workers)
    count = min(workers or cores(), tasks)
    if count > 1:
        return Processes(count, tolerant=tolerant, threads=threads, patience=patience, limit=limit)
    return Serial(tolerant=tolerant, threads=threads)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start_worker(parent: int, threads: int) -> None:
    # A group of its own, so that what a task starts can be ended with it. Ctrl-C then reaches the
    # parent alone, which decides and ends the workers; and nobody here may wait for the terminal.
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    Thread(target=_end_with, args=(parent,), daemon=True).start()
    import torch

    torch.set_num_threads(threads)


def _end_with(parent: int) -> None:
    """End this worker and all it has started when its parent is gone, which could not tell it to.

    Otherwise the worker would wait for the next task for ever, and keep all its memory.
    """
    while os.getppid() == parent:
        time.sleep(1.0)
    os.killpg(0, signal.SIGKILL)
