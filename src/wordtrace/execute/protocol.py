"""The one interface behind which tasks run: here, on every core, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


#: The seconds after which a task may count as hanging, if it also takes ten times as long as the
#: longest so far.
PATIENCE = 60.0


@dataclass(frozen=True)
class Lost:
    """What a tolerant executor yields, with the reason, where it could not get a result."""

    reason: str


class Executor(Protocol):
    """Runs one function over many items that are independent of each other."""

    def run(
        self, task: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """Yield each item with its result as soon as it is ready, in any order.

        An exception of a task ends the run and is raised here; results already yielded stay valid.
        """
        ...
