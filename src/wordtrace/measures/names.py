"""The measures by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from wordtrace.errors import InputError
from wordtrace.measures.bm25 import BM25
from wordtrace.measures.protocol import Measure
from wordtrace.measures.random import Random
from wordtrace.measures.tracin_last import TracInLast
from wordtrace.measures.tracin_we import TracInWE


@dataclass(frozen=True)
class Options:
    """What a user may set about a measure.

    Attributes
    ----------
    top_k
        For ``tracin-we-topk``.
    seed
        For ``random``.
    """

    top_k: int = 10
    seed: int = 0


MEASURES: dict[str, Callable[[Options], Measure]] = {
    "tracin-we": lambda options: TracInWE(),
    "tracin-we-topk": lambda options: TracInWE(options.top_k),
    "tracin-last": lambda options: TracInLast(),
    "tracin-last+bias": lambda options: TracInLast(bias=True),
    "bm25": lambda options: BM25(),
    "random": lambda options: Random(options.seed),
}


def measure(name: str, options: Options | None = None) -> Measure:
    """Return a measure by its name.

    Raises
    ------
    InputError
        For an unknown name; suggests the nearest and lists all.
    """
    if name not in MEASURES:
        near = difflib.get_close_matches(name, MEASURES, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"there is no measure {name!r}; {hint}Known: {', '.join(MEASURES)}.")
    return MEASURES[name](options or Options())
