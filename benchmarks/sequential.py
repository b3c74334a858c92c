"""How often a sequential verification errs, and what it saves: simulated studies.

A study has four models a seed, as `verify` trains them. Under no effect, the models without the
rows and without each control's differ by chance alone. The rules are those of the library, written
for many studies at once; a test compares the two.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from wordtrace.statistics.sequential import FIRST_LOOK, nominal_p
from wordtrace.verification.design import MOST_SEEDS, SEEDS

STUDIES = 10_000
DOCS = Path(__file__).parents[1] / "docs" / "concepts" / "sequential.md"
#: Effects in standard deviations of a difference from a control.
EFFECTS = (0.5, 1.0, 1.5, 2.0, 3.0)
#: The smallest effect that matters, in the same unit, where there is none.
SMALLEST = 1.5
Values = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Values]


def _saturated(generator: np.random.Generator, shape: tuple[int, ...]) -> Values:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-8 * generator.normal(size=shape)))


#: What a model predicts, by chance; three such values a seed: without the rows, and the controls.
DRAWS: dict[str, Draw] = {
    "normal": lambda generator, shape: generator.normal(size=shape) / math.sqrt(2),
    "skewed": lambda generator, shape: generator.exponential(size=shape) / math.sqrt(2),
    "near 0 or 1": _saturated,
}


@dataclass(frozen=True)
class Looked:
    """Simulated studies.

    Attributes
    ----------
    single
        bool, shape (looks, studies): whether the difference from the first control excludes zero.
    shown
        Whether the differences from both controls do, and from their single draws as well.
    smaller
        Whether both lie within ± the smallest effect that matters.
    raised, raised_alone
        Whether an effect upwards is shown, and whether it would be by the differences alone.
    """

    single: npt.NDArray[np.bool_]
    shown: npt.NDArray[np.bool_]
    smaller: npt.NDArray[np.bool_]
    raised: npt.NDArray[np.bool_]
    raised_alone: npt.NDArray[np.bool_]


def simulated(
    draw: Draw,
    studies: int,
    seed: int,
    *,
    first: int = FIRST_LOOK,
    most: int = MOST_SEEDS,
    p: float | None = None,
    effect: float = 0.0,
    spread: float = 0.0,
    paired: bool = True,
) -> Looked:
    """Simulate studies that look at `first` to `most` seeds; each look errs in `p` of them.

    By default they are as `verify --sequential` does them. With a `spread`, what rows do differs by
    this standard deviation from draw to draw, and the rows in question are a draw as well.
    """
    p = nominal_p(most, first) if p is None else p
    generator = np.random.default_rng(seed)
    values = draw(generator, (4, most, studies))
    values[0] += effect
    if spread:
        values[0] += spread * generator.normal(size=studies)
        values[1:3] += spread * generator.normal(size=(2, most, studies))
    looks: list[tuple[Values, Values, Values]] = []
    for count in range(first, most + 1):
        without, *controls, base = values[:, :count]
        found = [_interval(without, other, base, p, paired) for other in controls]
        low, high, more = (np.stack(parts) for parts in zip(*found, strict=True))
        looks.append((low, high, more))
    low, high, more = (np.stack([one[place] for one in looks]) for place in range(3))
    middle = (low + high) / 2
    # In the same place for both ends: the interval of a difference is Student's here.
    away = np.hypot((high - low) / 2, more)
    excluded, alone = (low > 0) | (high < 0), (low > 0).all(1)
    beyond = np.abs(middle) > away
    within = (low > -SMALLEST) & (high < SMALLEST)
    return Looked(
        excluded[:, 0],
        (excluded & beyond).all(1),
        within.all(1),
        alone & beyond.all(1),
        alone,
    )


def _interval(
    after: Values, before: Values, base: Values, p: float, paired: bool
) -> tuple[Values, Values, Values]:
    """Return the ends of the difference's interval, and by what draws widen it, for each study."""
    count, differences = len(after), after - before
    if paired:
        error = differences.std(0, ddof=1) / math.sqrt(count)
        freedom: Any = count - 1
        own, drawn = after - base, before - base
    else:
        parts = np.stack([after.var(0, ddof=1), before.var(0, ddof=1)]) / count
        error = np.sqrt(parts.sum(0))
        freedom = parts.sum(0) ** 2 / (parts**2).sum(0) * (count - 1)
        own, drawn = after, before
    away = stats.t.ppf(1 - p / 2, freedom) * error
    # Values that are all the same show no spread: at so few seeds their interval holds zero.
    away = np.where(np.ptp(differences, axis=0) <= 1e-9, np.inf, away)
    seeming = stats.f.ppf(0.6, count - 1, count - 1)
    variance = drawn.var(0, ddof=1) - seeming * own.var(0, ddof=1)
    more = stats.t.ppf(1 - p / 2, count - 1) * np.sqrt(np.maximum(variance, 0))
    mean = differences.mean(0)
    return mean - away, mean + away, more


def errors(studies: int) -> list[dict[str, Any]]:
    """Return how often studies without an effect find one, with the simulation's own error."""
    found = []
    for place, (name, draw) in enumerate(DRAWS.items()):
        for paired in (True, False) if name == "normal" else (True,):
            looked = simulated(draw, studies, 100 + place, paired=paired)
            row = {"values": name if paired else f"{name}, no pairs"}
            for which, excluded in (("study", looked.shown), ("interval", looked.single)):
                share = float(excluded.any(0).mean())
                row |= {which: share, f"{which}_error": math.sqrt(share * (1 - share) / studies)}
            usual = simulated(draw, studies, 100 + place, paired=paired, p=0.05)
            found.append(row | {"uncorrected": float(usual.single.any(0).mean())})
    return found


def savings(studies: int) -> list[dict[str, Any]]:
    """Return how many seeds sequential studies take, beside a fixed number with the same power."""
    found = []
    for place, effect in enumerate(EFFECTS):
        shown = simulated(DRAWS["normal"], studies, 200 + place, effect=effect).shown
        row: dict[str, Any] = {"effect": effect, "power": float(shown.any(0).mean())}
        row["five"] = _power(SEEDS, effect, studies)
        powers = ((count, _power(count, effect, studies)) for count in range(2, 3 * MOST_SEEDS))
        row["fixed"] = next((count for count, power in powers if power >= row["power"]), None)
        found.append(row | _seeds(shown))
    looked = simulated(DRAWS["normal"], studies, 300)
    row = {"effect": 0.0, "power": float(looked.smaller.any(0).mean())}
    return [*found, row | _seeds(looked.smaller | looked.shown)]


def _seeds(stops: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return the median and mean number of seeds at which studies stop."""
    looks = len(stops)
    taken = FIRST_LOOK + np.where(stops.any(0), stops.argmax(0), looks - 1)
    return {"median": float(np.median(taken)), "mean": float(taken.mean())}


def _power(count: int, effect: float, studies: int) -> float:
    """Return how often a fixed number of seeds shows an effect."""
    fixed: dict[str, Any] = {"first": count, "most": count, "p": 0.05}
    return float(simulated(DRAWS["normal"], studies, 400, effect=effect, **fixed).shown.mean())


def tables(wrong: list[dict[str, Any]], saved: list[dict[str, Any]]) -> str:
    """Write both tables in Markdown."""
    lines = [
        "| values | studies that err | a single interval errs | with 5 % at each look |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {one['values']} | {_share(one, 'study')} | {_share(one, 'interval')} | "
        f"{100 * one['uncorrected']:.1f} % |"
        for one in wrong
    ]
    lines += [
        "",
        "| effect | shown | seeds, median (mean) | shown by 5 seeds | a fixed number with the same "
        "power |",
        "|---|---|---|---|---|",
    ]
    for one in saved:
        effect = f"{one['effect']:g}" if one["effect"] else f"none, smallest {SMALLEST:g}"
        five = f"{100 * one['five']:.1f} %" if "five" in one else "–"
        lines.append(
            f"| {effect} | {100 * one['power']:.1f} % | {one['median']:.0f} ({one['mean']:.1f}) | "
            f"{five} | {one.get('fixed') or '–'} |"
        )
    return "\n".join(lines)


def _share(row: dict[str, Any], which: str) -> str:
    return f"{100 * row[which]:.1f} ± {100 * row[f'{which}_error']:.1f} %"


def written(text: str, table: str) -> str:
    """Return a page with the tables between its marks."""
    begin, end = "<!-- tables -->\n", "<!-- end of tables -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{table}\n\n{end}{after}"


def measure() -> list[dict[str, Any]]:
    """Simulate, and write the tables into the docs."""
    start = time.perf_counter()
    wrong, saved = errors(STUDIES), savings(STUDIES)
    DOCS.write_text(written(DOCS.read_text("utf-8"), tables(wrong, saved)), "utf-8")
    seconds = time.perf_counter() - start
    rows = [
        {"what": f"error, {one['values']}", "found": f"{_share(one, 'study')} of studies"}
        for one in wrong
    ]
    rows += [
        {
            "what": f"effect of {one['effect']:g} standard deviations",
            "found": f"median {one['median']:.0f} seeds; fixed {one.get('fixed')}",
        }
        for one in saved
    ]
    return [{**row, "seconds": seconds / len(rows)} for row in rows]
