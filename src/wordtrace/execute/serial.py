"""Tasks one after the other in this process, with as many threads as a worker process has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from wordtrace.errors import WordtraceError
from wordtrace.execute.protocol import Lost
from wordtrace.execute.threads import holding

Item = TypeVar("Item")
Result = TypeVar("Result")


class Serial:
    """An :class:`~wordtrace.execute.protocol.Executor` without processes.

    PyTorch is held to these threads while a task runs: results are then the same to the last bit as
    from :class:`~wordtrace.execute.processes.Processes`.

    Parameters
    ----------
    tolerant
        Yield :class:`~wordtrace.execute.protocol.Lost` where a task raises a WordtraceError.
    threads
        The threads of a task.
    """

    def __init__(self, *, tolerant: bool = False, threads: int = 1) -> None:
        self.tolerant, self.threads = tolerant, threads

    def run(
        self, task: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """Yield each item with its result, in order."""
        for item in items:
            result: Any
            try:
                with holding(self.threads):
                    result = task(item)
            except WordtraceError as error:
                if not self.tolerant:
                    raise
                result = Lost(str(error))
            yield item, result
