"""A query that is not cut, with weights by token: what it reads and takes, with bounds and without.

Beside it stands the query that is cut to ten positions, without weights, in the same run and in as
many threads.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import corpus, scale, synthetic
from benchmarks.measure import in_turn, middle, ratio
from wordtrace.measures.accumulate import QueryTokens
from wordtrace.measures.pruned import strongest_rows
from wordtrace.measures.source import Indexed
from wordtrace.measures.topn import rank
from wordtrace.measures.tracin_we import TracInWE


def measure(folder: Path, count: int, repeats: int = 3) -> list[dict[str, Any]]:
    """Ask texts, one by one, of the index of `count` synthetic examples."""
    index = synthetic.index(folder, count)
    run, source = index.run, Indexed(index.folder)
    weights = index.asker.weights("idf")
    assert weights is not None
    sizes, removed = source.sizes, np.empty(0, np.int64)
    cut, whole = TracInWE(10), TracInWE(10, None, None, "idf")
    read: list[int] = []

    def by_bounds(asked: list[QueryTokens]) -> None:
        read.append(strongest_rows(source, sizes, asked, 20, removed)[1])

    def by_all(chosen: TracInWE, asked: list[QueryTokens]) -> None:
        rank(chosen.score_from(source, run, 1, asked)[0], 20)

    texts = corpus.queries(scale.TEXTS)
    for name in ("tracin-we-topk", "tracin-we-idf"):
        index.trace(texts[0], measure=name)
    seconds: dict[str, list[float]] = {}
    touched: dict[str, list[float]] = {"cut": [], "whole": []}
    for text in texts:
        queries = index.asker.queries(text)
        short = cut.query_tokens(run, queries)
        long = [one.weighted(weights) for one in whole.query_tokens(run, queries)]
        ways: dict[str, Callable[[], Any]] = {
            "cut, all read": lambda short=short: by_all(cut, short),
            "whole, all read": lambda long=long: by_all(whole, long),
            "whole, by bounds": lambda long=long: by_bounds(long),
            "trace, tracin-we-topk": lambda text=text: index.trace(text, measure="tracin-we-topk"),
            "trace, tracin-we-idf": lambda text=text: index.trace(text, measure="tracin-we-idf"),
        }
        for name, found in in_turn(ways, repeats).items():
            seconds.setdefault(name, []).append(middle(found))
        touched["cut"].append(float(scale.touched_by(index, short)))
        touched["whole"].append(float(scale.touched_by(index, long)))
    before = ("cut, all read", "trace, tracin-we-topk")
    return [
        {
            "what": f"{name}, {count:,} examples",
            "examples": count,
            "seconds": middle(found),
            "slowest": max(found),
            "postings_touched": middle(touched["cut" if name in before else "whole"]),
            "postings_by_bounds": middle([float(one) for one in read]),
            "over": "the query that is cut, in the same way",
            "ratio": ratio(found, seconds[before[name.startswith("trace")]]),
        }
        for name, found in seconds.items()
    ]
