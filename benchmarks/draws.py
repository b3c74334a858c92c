"""How often rows that were drawn at random are shown to do something: simulated studies.

``python -m benchmarks draws`` writes both tables of docs/concepts/random-draws.md. The studies are
those of :mod:`.sequential`, with normal values; a test compares its rule with the library's.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.sequential import DRAWS, STUDIES, Looked, simulated, written
from wordtrace.statistics.sequential import FIRST_LOOK
from wordtrace.verification.design import MOST_SEEDS, SEEDS

DOCS = Path(__file__).parents[1] / "docs" / "concepts" / "random-draws.md"
#: Standard deviations of what draws do; that of the change which one training shows is 1.
SPREADS = (0.0, 0.35, 0.5, 0.7, 1.0, 2.0, 100.0)
#: Effects of rows whose like do nothing, in the same unit.
EFFECTS = (0.5, 1.0, 1.5, 2.0, 3.0)


@dataclass(frozen=True)
class Kind:
    """A design; a fixed one looks once."""

    name: str
    most: int
    sequential: bool = False

    def simulated(self, studies: int, seed: int, **more: float) -> Looked:
        """Simulate studies of it."""
        fixed: dict[str, Any] = {} if self.sequential else {"first": self.most, "p": 0.05}
        settings: dict[str, Any] = {"first": FIRST_LOOK, "most": self.most, **fixed, **more}
        return simulated(DRAWS["normal"], studies, seed, **settings)


KINDS = (
    Kind(f"{SEEDS} seeds", SEEDS),
    Kind("12 seeds", 12),
    Kind("20 seeds", 20),
    Kind(f"`--sequential`, {MOST_SEEDS} at most", MOST_SEEDS, sequential=True),
)


def shares(studies: int, **more: tuple[float, ...]) -> list[dict[str, Any]]:
    """Return how often an effect is shown, and would be by the intervals of differences alone.

    Parameters
    ----------
    more
        One setting of :func:`.sequential.simulated`, and its values.
    """
    ((name, values),) = more.items()
    found = []
    for value in values:
        for place, kind in enumerate(KINDS):
            looked = kind.simulated(studies, 500 + place, **{name: value})
            row = {name: value, "design": kind.name}
            for which, raised in (("shown", looked.raised), ("alone", looked.raised_alone)):
                row[which] = float(raised.any(0).mean())
            found.append(row)
    return found


def tables(random: list[dict[str, Any]], caused: list[dict[str, Any]]) -> str:
    """Write both tables in Markdown."""
    return f"{_table(random, 'spread')}\n\n{_table(caused, 'effect')}"


def _table(rows: list[dict[str, Any]], name: str) -> str:
    first = {"spread": "random rows; draws differ by", "effect": "rows with the effect"}[name]
    lines = [
        f"| {first} | {' | '.join(kind.name for kind in KINDS)} |",
        f"|---|{'---|' * len(KINDS)}",
    ]
    for value in dict.fromkeys(row[name] for row in rows):
        some = [row for row in rows if row[name] == value]
        cells = [f"{100 * row['shown']:.1f} % ({100 * row['alone']:.1f})" for row in some]
        lines.append(f"| {value:g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def measure() -> list[dict[str, Any]]:
    """Simulate, and write the tables into the docs."""
    start = time.perf_counter()
    random, caused = shares(STUDIES, spread=SPREADS), shares(STUDIES, effect=EFFECTS)
    DOCS.write_text(written(DOCS.read_text("utf-8"), tables(random, caused)), "utf-8")
    seconds = (time.perf_counter() - start) / len(KINDS)
    found = []
    for kind in KINDS:
        worst = max((row for row in random if row["design"] == kind.name), key=lambda r: r["shown"])
        error = math.sqrt(worst["shown"] * (1 - worst["shown"]) / STUDIES)
        share = f"{100 * worst['shown']:.1f} ± {100 * error:.1f} %"
        found.append({"what": f"random rows, {kind.name}", "found": share, "seconds": seconds})
    return found
