"""Computing in one thread, for the same bits everywhere and no waiting for a busy core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from threading import Lock, local
from typing import TypeVar

Item = TypeVar("Item")


class _Held(local):
    """The number of open holds of this thread."""

    depth = 0


_held = _Held()
_holding = Lock()
# Threads with open holds, and the number that PyTorch may use where there are none.
_holders, _free = 0, 1


def one_thread() -> AbstractContextManager[None]:
    """Hold PyTorch to one thread, as the worker processes do, so that results are theirs.

    A small model's operations are so short that a second thread gains little where a core is idle
    and loses an order of magnitude where it is not.
    """
    return holding(1)


@contextmanager
def holding(count: int) -> Iterator[None]:
    """Hold PyTorch to so many threads; within another hold of the same thread, to that one's.

    PyTorch keeps the number for each thread, and one for threads to come. Several may hold at once:
    the number from before is the one that the first of them found, since a thread that begins in
    the meantime finds 1, and would leave it behind for good.
    """
    global _holders, _free
    import torch

    _held.depth += 1
    if _held.depth == 1:
        with _holding:
            found = _to(count)
            if _holders == 0:
                _free = found
            _holders += 1
    try:
        yield
    finally:
        _held.depth -= 1
        if _held.depth == 0:
            with _holding:
                _holders -= 1
                torch.set_num_threads(_free)


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
        with ThreadPoolExecutor(workers, initializer=_to, initargs=(1,)) as pool:
            for _ in pool.map(task, items):
                pass


def _to(count: int) -> int:
    """Limit this thread to some PyTorch threads; return how many it could use before."""
    import torch

    # A thread takes over the number for new threads when it is first asked, after a setting, too.
    found: int = torch.get_num_threads()
    torch.set_num_threads(count)
    return found
