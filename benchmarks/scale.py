"""One text against more and more examples: time, its exponent, opening, memory, and the floor.

The floor is reading every byte of the touched postings once, in the same run, in as many threads.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import corpus, synthetic
from benchmarks.measure import in_turn, middle, ratio
from wordtrace import api
from wordtrace.asking.asker import Asker
from wordtrace.execute.threads import in_threads
from wordtrace.index.describe import describe_index
from wordtrace.index.folder import IndexFolder
from wordtrace.measures.accumulate import QueryTokens
from wordtrace.measures.source import Indexed
from wordtrace.measures.topn import strongest
from wordtrace.measures.tracin_we import TracInWE

TEXTS = 20


def measure(folder: Path, count: int, repeats: int = 3) -> list[dict[str, Any]]:
    """Ask `TEXTS` texts, one by one, of the index of `count` synthetic examples."""
    synthetic.index(folder, count)
    corpus.trained(folder, synthetic.REAL)
    before = _anonymous()
    opened: list[api.Index] = []
    opening = in_turn({"open": lambda: opened.append(_open(folder, count))}, 5, warm=False)["open"]
    index = opened[-1]
    texts = corpus.queries(TEXTS)
    index.trace(texts[0])
    chosen, source = TracInWE(10), Indexed(index.folder)
    asker = Asker(index.run)
    asked = [chosen.query_tokens(index.run, asker.queries(text)) for text in texts]

    def top(one: list[QueryTokens]) -> Any:
        return strongest(chosen.score_from(source, index.run, 1, one)[0], 20)

    rows = {"score": [], "floor": [], "trace": []}  # type: dict[str, list[float]]
    for text, one in zip(texts, asked, strict=True):
        seconds = in_turn(
            {
                "score": lambda one=one: top(one),
                "floor": lambda one=one: read_once(index.folder, one),
                "trace": lambda text=text: index.trace(text, top=20),
            },
            repeats,
        )
        for name, found in seconds.items():
            rows[name].append(middle(found))
    touched = [touched_by(index, one) for one in asked]
    memory = _anonymous()
    shape = {
        "examples": count,
        "bytes_an_example": describe_index(index.folder)["bytes_per_example"],
    }
    return [
        {
            "what": f"top 20 both ways, {count:,} examples",
            **shape,
            "seconds": middle(rows["score"]),
            "slowest": max(rows["score"]),
            "postings": sum(shard.postings for shard in index.folder.manifest.shards),
            "postings_touched": middle([float(one) for one in touched]),
            "over": "reading the touched postings once",
            "ratio": ratio(rows["score"], rows["floor"]),
        },
        {
            "what": f"trace of one text with words, {count:,} examples",
            **shape,
            "seconds": middle(rows["trace"]),
            "slowest": max(rows["trace"]),
            "memory_beyond_mapped_megabytes": memory,
            "memory_before_opening_megabytes": before,
        },
        {"what": f"open, {count:,} examples", **shape, "seconds": middle(opening)},
    ]


def measure_compressed(
    folder: Path, count: int, project: int = 24, repeats: int = 3
) -> list[dict[str, Any]]:
    """The same of int8 postings in `project` dimensions; scores alone, without texts."""
    before = _anonymous()
    index = synthetic.compressed(folder, count, project)
    run = corpus.trained(folder, synthetic.REAL)
    chosen, source = TracInWE(10), Indexed(index)
    asker = Asker(run)
    asked = [
        source.ready(chosen.query_tokens(run, asker.queries(text))[: synthetic.CHECKPOINTS])
        for text in corpus.queries(TEXTS)
    ]
    seconds, floor = [], []
    for one in asked:
        found = in_turn(
            {
                "score": lambda one=one: strongest(chosen.score_from(source, run, 1, one)[0], 20),
                "floor": lambda one=one: read_once(index, one),
            },
            repeats,
        )
        seconds.append(middle(found["score"]))
        floor.append(middle(found["floor"]))
    size = sum(shard.bytes for shard in index.manifest.shards)
    return [
        {
            "what": f"top 20 both ways, int8 in {project} dimensions, {count:,} examples",
            "examples": count,
            "bytes_an_example": size / count,
            "seconds": middle(seconds),
            "slowest": max(seconds),
            "over": "reading the touched postings once",
            "ratio": ratio(seconds, floor),
            "memory_beyond_mapped_megabytes": _anonymous(),
            "memory_before_opening_megabytes": before,
        }
    ]


def exponent(rows: list[dict[str, Any]], what: str) -> dict[str, Any]:
    """Fit seconds = a · examples^b over the rows whose name starts with `what`."""
    chosen = [row for row in rows if row["what"].startswith(what) and "int8" not in row["what"]]
    x = np.log([row["examples"] for row in chosen])
    y = np.log([row["seconds"] for row in chosen])
    slope = float(np.polyfit(x, y, 1)[0])
    last = float((y[-1] - y[-2]) / (x[-1] - x[-2])) if len(chosen) > 1 else slope
    return {
        "what": f"{what}: exponent of time over examples",
        "over": f"{slope:.2f} over all, {last:.2f} between the last two",
        "exponent": slope,
        "exponent_last": last,
        "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }


def read_once(index: IndexFolder, asked: list[QueryTokens]) -> int:
    """Read every byte of the postings of the texts' tokens, shard by shard, in threads."""
    same: dict[int, list[Callable[[], int]]] = {}
    for place, held in enumerate(asked):
        for block in index.blocks(place):
            for token in held.tokens:
                same.setdefault(block.first, []).append(
                    lambda b=block, t=token: _sum(b.postings(t))  # type: ignore[misc]
                )
    total: list[int] = []
    in_threads(lambda first: total.extend(one() for one in same[first]), list(same))
    return sum(total)


def _sum(postings: Any) -> int:
    if len(postings) == 0:
        return 0
    return int(
        postings.direction.flatten().view(torch.int64).sum()
        + postings.norm.view(torch.int32).sum()
        + postings.example.sum()
    )


def touched_by(index: api.Index, asked: list[QueryTokens]) -> int:
    return sum(
        int((block.token_offsets[np.add(held.tokens, 1)] - block.token_offsets[held.tokens]).sum())
        for place, held in enumerate(asked)
        for block in index.folder.blocks(place)
    )


def _open(folder: Path, count: int) -> api.Index:
    place = folder / f"synthetic-{count}"
    return api.Index.open(place / "index", place / "run")


def _anonymous() -> float | None:
    """Return the megabytes of this process that are no mapped file."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1e3
