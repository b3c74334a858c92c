"""What came of a section's attempts, as JSON and as a table of Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torture.attempts import ENDS, SURVIVED, Attempt
from wordtrace.disk import atomic

FELL = tuple(end for end in ENDS if end not in SURVIVED)


@dataclass(frozen=True)
class Tally:
    """The attempts of a section, counted.

    Attributes
    ----------
    groups
        For each group of attempts how many ended how.
    fell
        The attempts that were not survived.
    """

    section: str
    title: str
    promise: str
    command: str
    seconds: float
    groups: dict[str, dict[str, int]]
    fell: list[dict[str, Any]]

    @classmethod
    def of(cls, attempts: Iterable[Attempt], **about: Any) -> Tally:
        """Count them."""
        groups: dict[str, Counter[str]] = {}
        fell = []
        for one in attempts:
            groups.setdefault(one.group, Counter())[one.end] += 1
            if not one.survived:
                fell.append(asdict(one))
        return cls(groups={name: dict(found) for name, found in groups.items()}, fell=fell, **about)

    @property
    def total(self) -> Counter[str]:
        """How many attempts ended how."""
        return sum(map(Counter, self.groups.values()), Counter())

    def write(self, folder: Path) -> None:
        """Write ``SECTION.json`` and ``SECTION.md``."""
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_json(folder / f"{self.section}.json", asdict(self))
        atomic.write_text(folder / f"{self.section}.md", self.page())

    def page(self) -> str:
        """Return the section's table, and under it what fell."""
        head = ["attack", "tried", *ENDS.values()]
        rows = [[name, *_counts(found)] for name, found in self.groups.items()]
        rows.append(["**all**", *_counts(self.total)])
        lines = [f"## {self.title}", "", self.promise, "", *_table(head, rows), ""]
        lines += [f"{self.seconds:,.0f} seconds: `{self.command}`", ""]
        for one in self.fell:
            lines.append(f"- {ENDS[one['end']]}: {one['group']}, {one['what']}: {one['detail']}")
        return "\n".join(lines)


def summary(folder: Path, order: Sequence[str]) -> str:
    """Return one table of all sections whose results lie in a folder."""
    head = ["section", "tried", "survived", *(ENDS[end] for end in FELL), "seconds"]
    rows, total = [], Counter[str]()
    seconds = 0.0
    for name in order:
        if (folder / f"{name}.json").exists():
            tally = Tally(**json.loads((folder / f"{name}.json").read_text("utf-8")))
            rows.append([name, *_brief(tally.total), f"{tally.seconds:,.0f}"])
            total += tally.total
            seconds += tally.seconds
    rows.append(["**all**", *_brief(total), f"{seconds:,.0f}"])
    return "\n".join([*_table(head, rows), ""])


def _counts(found: Counter[str] | dict[str, int]) -> list[str]:
    return [f"{sum(found.values()):,}", *(f"{found.get(end, 0):,}" for end in ENDS)]


def _brief(found: Counter[str]) -> list[str]:
    survived = sum(found[end] for end in SURVIVED)
    counts = [sum(found.values()), survived, *(found[end] for end in FELL)]
    return [f"{one:,}" for one in counts]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---", *("--:" for _ in head[1:])]
    return ["| " + " | ".join(row) + " |" for row in [head, rule, *rows]]
