"""One thread: the same bits everywhere, and no waiting for a busy core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold PyTorch to one thread, as the worker processes do, so that results are theirs.

    A small model's operations are so short that a second thread gains little where a core is idle
    and loses an order of magnitude where it is not.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def in_threads(task: Callable[[Item], None], items: Sequence[Item]) -> None:
    """Run a task over items in as many threads as PyTorch may use here, each with one of its own.

    For tasks that spend their time in NumPy and PyTorch, where the interpreter is not held: each
    core goes its own way, instead of all meeting at the end of each short operation.
    """
    import torch

    workers = min(torch.get_num_threads(), len(items))
    with one_thread():
        if workers <= 1:
            for item in items:
                task(item)
            return
        # A new thread takes over the one thread that holds here when it first asks for threads.
        with ThreadPoolExecutor(workers, initializer=torch.get_num_threads) as pool:
            for _ in pool.map(task, items):
                pass
