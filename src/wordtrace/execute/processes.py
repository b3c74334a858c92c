"""One process a core, each with one thread.

Two processes of one thread do many times the retrainings of one process with two threads, since
small models spend their time between operations, not in them. Processes come from loky: unlike
``multiprocessing`` with spawn, it needs no ``if __name__ == "__main__"`` in the caller's script.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import TypeVar

from wordtrace.errors import InputError, WordtraceError
from wordtrace.execute.serial import Serial

Item = TypeVar("Item")
Result = TypeVar("Result")

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class Processes:
    """An :class:`~wordtrace.execute.protocol.Executor` over worker processes of this machine.

    Parameters
    ----------
    workers
        How many processes; by default one for each core this process may use.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or cores()

    def run(
        self, task: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """Yield each item with its result in the order of completion.

        Only twice as many items as workers are in flight, so a long list costs no memory here.
        Interrupting ends the workers at once.
        """
        from loky.process_executor import ProcessPoolExecutor, TerminatedWorkerError

        waiting = iter(items)
        pool = ProcessPoolExecutor(
            max_workers=self.workers, env=_ONE_THREAD, initializer=_start_worker
        )
        # Not concurrent.futures.wait: Ctrl-C in the middle of it can leave a lock held that the
        # pool's own thread then waits for, forever. A SimpleQueue is waited for in C.
        done: SimpleQueue[Future[Result]] = SimpleQueue()
        flying: dict[Future[Result], Item] = {}
        finished = False
        try:
            while True:
                while len(flying) < 2 * self.workers and (item := next(waiting, None)) is not None:
                    future = pool.submit(task, item)
                    flying[future] = item
                    future.add_done_callback(done.put)
                if not flying:
                    finished = True
                    return
                future = done.get()
                yield flying.pop(future), future.result()
        except TerminatedWorkerError:
            raise WordtraceError(
                "a worker process was killed (out of memory, perhaps); what was finished is kept: "
                "run the same command again to go on, with fewer --workers if memory is short."
            ) from None
        finally:
            if not finished:
                # At once and from here: the pool's own thread, which would do it, may be busy.
                for worker in list(pool._processes or {}):
                    with suppress(ProcessLookupError):
                        os.kill(worker, signal.SIGKILL)
            pool.shutdown(wait=finished, kill_workers=not finished)


def executor(workers: int | None, tasks: int) -> Processes | Serial:
    """Return processes where there is work for more than one, else this process alone."""
    if workers is not None and workers < 1:
        raise InputError(f"workers is {workers}; it must be at least 1.")
    count = min(workers or cores(), tasks)
    return Processes(count) if count > 1 else Serial()


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start_worker() -> None:
    # Ctrl-C reaches the whole group; the parent alone decides and ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import torch

    torch.set_num_threads(1)
