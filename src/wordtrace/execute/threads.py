"""One thread: the same bits everywhere, and no waiting for a busy core."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


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
