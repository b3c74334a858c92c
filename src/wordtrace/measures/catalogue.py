"""All measures with what a user should know of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from wordtrace.measures.names import MEASURES, measure

FORMAT, VERSION = "wordtrace-measures", 1

_FAMILIES = ("tracin:LAYER,…", "influence:LAYER")


def measures() -> dict[str, Any]:
    """Return a JSON document: each measure's name, equation, needs, cost, and whether by word.

    A name that takes layers stands with a placeholder for them; most of those of layers also take
    ``+bias`` at the end.
    """
    listed = [{"name": name, **asdict(measure(name).about)} for name in [*MEASURES, *_FAMILIES]]
    for one in listed:
        # What callers in Python need who have token ids alone; it is not of the document.
        del one["reads_texts"]
    return {"format": FORMAT, "version": VERSION, "measures": listed}
