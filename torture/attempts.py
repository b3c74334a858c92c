"""An attempt at breaking something, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

End = Literal["right", "refused", "found", "wrong", "crashed", "hung", "left"]

#: Each end in words; the first three are survived.
ENDS: dict[End, str] = {
    "right": "right answer",
    "refused": "refused in a sentence",
    "found": "found by check",
    "wrong": "wrong answer",
    "crashed": "traceback or bug",
    "hung": "hang",
    "left": "left over",
}
SURVIVED: tuple[End, ...] = ("right", "refused", "found")


@dataclass(frozen=True)
class Attempt:
    """One attempt.

    Attributes
    ----------
    group
        What is attacked and how, in a few words: a row of the table.
    what
        This attempt, so exactly that it can be repeated.
    end
        How it ended.
    detail
        Where it was not survived: what was seen.
    """

    group: str
    what: str
    end: End
    detail: str = ""

    @property
    def survived(self) -> bool:
        """Whether the answer was right, or the user is told what is wrong."""
        return self.end in SURVIVED


@dataclass(frozen=True)
class Plan:
    """What a section is given.

    Attributes
    ----------
    work
        An empty folder of its own.
    short
        Whether this is the short form, of half a minute at most: some of each kind of attack.
    seed
        What every random choice is drawn from.
    workers
        How many attempts run at a time.
    """

    work: Path
    short: bool
    seed: int = 0
    workers: int = 2


class Section(Protocol):
    """A file of this folder that attacks."""

    #: What is attacked, in one line of the table's heading.
    TITLE: str
    #: What a user may rely on, and what not: Markdown under the heading.
    PROMISE: str

    def attacks(self, plan: Plan) -> Iterable[Attempt]:
        """Yield the attempts."""


Item = TypeVar("Item")


def at_once(attack: Any, items: Sequence[Item], workers: int) -> Iterator[Attempt]:
    """Yield `attack(item)`, an attempt or several, of each item; `workers` of them at a time."""
    with ThreadPoolExecutor(workers) as pool:
        for found in pool.map(attack, items):
            yield from [found] if isinstance(found, Attempt) else found


def shared(items: Sequence[Item], count: int) -> list[list[Item]]:
    """Deal the items out to at most `count` parts; none is empty, and no item is lost."""
    return [list(items[place::count]) for place in range(min(count, len(items)))]
