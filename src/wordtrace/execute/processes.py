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

from wordtrace.errors import InputError, TrainingError, WordtraceError, option
from wordtrace.execute.protocol import Lost
from wordtrace.execute.serial import Serial

Item = TypeVar("Item")
Result = TypeVar("Result")

#: The variable that tells a worker process how many there are.
WORKERS = "WORDTRACE_WORKERS"
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class Processes:
    """An :class:`~wordtrace.execute.protocol.Executor` over worker processes of this machine.

    If a task's worker dies, the task is run again in a new one, so a task must give the same result
    when it is repeated. So is a task that hangs: one that takes more than a minute and ten times as
    long as the longest so far.

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
        The seconds after which a task may count as hanging.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        attempts: int = 3,
        tolerant: bool = False,
        patience: float = 60.0,
    ) -> None:
        self.workers = workers or cores()
        self.attempts, self.tolerant, self.patience = attempts, tolerant, patience

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
        idle = [_pool(self.workers) for _ in range(self.workers)]
        # Not concurrent.futures.wait: Ctrl-C in the middle of it can leave a lock held that the
        # pool's own thread then waits for, forever. A SimpleQueue is waited for in C.
        done: SimpleQueue[Future[Result]] = SimpleQueue()
        flying: dict[Future[Result], _Flight[Item]] = {}
        longest = math.inf
        finished = False
        try:
            while True:
                while idle and (next_one := again.pop() if again else next(waiting, None)):
                    pool = idle.pop()
                    future = pool.submit(task, next_one[0])
                    flying[future] = _Flight(*next_one, pool, time.perf_counter())
                    future.add_done_callback(done.put)
                if not flying:
                    finished = True
                    return
                try:
                    future = done.get(timeout=1.0)
                except Empty:
                    self._end_hanging(flying, max(self.patience, 10 * longest))
                    continue
                flight = flying.pop(future)
                seconds = time.perf_counter() - flight.start
                error = future.exception()
                if error is None:
                    idle.append(flight.pool)
                    longest = seconds if longest == math.inf else max(longest, seconds)
                    yield flight.item, future.result()
                    continue
                idle.append(_mended(flight.pool, error, self.workers))
                if lost := self._given_up(flight, error):
                    yield flight.item, lost
                else:
                    again.append((flight.item, flight.attempt + 1))
        finally:
            pools = idle + [flight.pool for flight in flying.values()]
            for pool in pools:
                if not finished:
                    # At once and from here: the pool's own thread, which would do it, may be busy.
                    _end(pool)
                pool.shutdown(wait=finished, kill_workers=not finished)

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
                flight.reason = f"gave no answer in {limit:.0f} s"
                _end(flight.pool)


@dataclass
class _Flight(Generic[Item]):
    """A running task: the number of the attempt, its pool, its start, and its future."""

    item: Item
    attempt: int
    pool: Any
    start: float
    reason: str = "was killed (out of memory, perhaps)"


def _pool(workers: int) -> Any:
    """Return a pool of one process, one of so many workers."""
    from loky.process_executor import ProcessPoolExecutor

    return ProcessPoolExecutor(
        max_workers=1,
        env={**_ONE_THREAD, WORKERS: str(workers)},
        initializer=_start_worker,
        initargs=(os.getpid(),),
    )


def _died(error: BaseException) -> bool:
    """Return whether a task failed since its worker is gone."""
    from loky.process_executor import TerminatedWorkerError

    return isinstance(error, TerminatedWorkerError)


def _mended(pool: Any, error: BaseException, workers: int) -> Any:
    """Return a pool that works after an error: the same, or where its worker died a new one."""
    if not _died(error):
        return pool
    _end(pool)
    return _pool(workers)


def _end(pool: Any) -> None:
    for worker in list(pool._processes or {}):
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


def _lost(reason: str, attempts: int) -> Any:
    return Lost(f"{reason} (tried {attempts} times)" if attempts > 1 else reason)


def executor(workers: int | None, tasks: int, *, tolerant: bool = False) -> Processes | Serial:
    """Return processes if there is work for more than one, else this process alone."""
    if workers is not None and workers < 1:
        raise InputError(f"{option('workers')} is {workers}; it must be at least 1.")
    count = min(workers or cores(), tasks)
    return Processes(count, tolerant=tolerant) if count > 1 else Serial(tolerant=tolerant)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start_worker(parent: int) -> None:
    # Ctrl-C reaches the whole group; the parent alone decides and ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(parent,), daemon=True).start()
    import torch

    torch.set_num_threads(1)


def _end_with(parent: int) -> None:
    """End this worker when its parent is gone, since a killed parent could not tell it to stop.

    Otherwise the worker would wait for the next task for ever, and keep all its memory.
    """
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
