"""How texts and words of training rows are shown in tables that are published."""

from __future__ import annotations

import re
from functools import cache

from wordtrace.demo.news import read_news

#: A word in at least so many of the packaged BBC News articles is shown as it is.
_OFTEN = 3


def shortened(text: str, length: int = 80) -> str:
    """Return the beginning of a text, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[:length].rpartition(" ")[0] + "…"


def masked(word: str) -> str:
    """Return a word of hostile texts; one that news articles do not use keeps its ends alone.

    No list of slurs is kept here: what is common in the packaged BBC News is shown, the rest has
    asterisks, harmless rare words among it.
    """
    core = word.strip("#Ġ▁").casefold()
    if len(core) < 3 or word.startswith("[") or core in _common():
        return word
    return re.sub(re.escape(core[1:-1]), "*" * (len(core) - 2), word, count=1, flags=re.IGNORECASE)


@cache
def _common() -> frozenset[str]:
    counts: dict[str, int] = {}
    for text in read_news().texts:
        for word in set(re.findall(r"\w+", text.casefold())):
            counts[word] = counts.get(word, 0) + 1
    return frozenset(word for word, count in counts.items() if count >= _OFTEN)
