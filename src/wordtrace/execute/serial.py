"""Tasks one after the other in this process, with one thread as the worker processes have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from wordtrace.execute.threads import one_thread

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
        for item in items:
            with one_thread():
                result = task(item)
            yield item, result
