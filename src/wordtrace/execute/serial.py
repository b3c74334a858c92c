"""Tasks one after the other in this process, with one thread as the worker processes have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Serial:
    """An :class:`~wordtrace.execute.protocol.Executor` without processes.

    PyTorch is held to one thread while a task runs: results are then the same to the last bit as
    from :class:`~wordtrace.execute.processes.Processes`.
    """

    def run(
        self, task: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """Yield each item with its result, in order."""
        import torch

        for item in items:
            threads = torch.get_num_threads()
            torch.set_num_threads(1)
            try:
                result = task(item)
            finally:
                torch.set_num_threads(threads)
            yield item, result
