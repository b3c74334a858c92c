"""Matplotlib figures of results, for notebooks and papers: one function each (extra ``plot``).

Each takes a result (or its JSON document) and, where you give them, the axes to draw on; it returns
the axes, so that titles, limits and sizes are yours to change.
"""

from wordtrace.plots.agreement import lds
from wordtrace.plots.cancellation import cancellation
from wordtrace.plots.compression import compression
from wordtrace.plots.curves import deletion, fix
from wordtrace.plots.effects import effects
from wordtrace.plots.histogram import self_influence
from wordtrace.plots.word_map import word_map

__all__ = [
    "cancellation",
    "compression",
    "deletion",
    "effects",
    "fix",
    "lds",
    "self_influence",
    "word_map",
]
