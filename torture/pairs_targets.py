"""What the section `pairs` runs in processes of their own, besides commands."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import wordtrace as wt
from torture.kills_targets import TEXT
from wordtrace.errors import ChangedError


def answer_of(index: wt.Index) -> list[Any]:
    """Return an answer that tells the states of an index apart."""
    trace = index.trace(TEXT, label="sport", top=6)
    found = [(one.id, round(one.score, 9)) for one in trace.proponents]
    return [index.folder.count, index.folder.manifest.revision, found]


def read(place: str, stop: str) -> None:
    """Open an index and ask it, over and over; print every different answer once."""
    found: set[str] = set()
    while not Path(stop).exists():
        try:
            found.add(json.dumps(answer_of(wt.Index.open(place))))
        except ChangedError:
            continue
    json.dump(sorted(found), sys.stdout)


def write(place: str, stop: str, seconds: str) -> None:
    """Change an index in every way for a while; print its answer in each state."""
    found = [json.dumps(answer_of(wt.Index.open(place)))]
    end, turn = time.monotonic() + float(seconds), 0
    try:
        while time.monotonic() < end or turn < 4:
            index = wt.Index.open(place)
            if turn % 4 == 0:
                rows = [{"id": f"new-{turn}", "text": TEXT, "label": "sport"}]
                index.add(rows, workers=1)
            elif turn % 4 == 1:
                index.remove([index.ids[0]])
            elif turn % 4 == 2:
                index.merge()
            else:
                wt.build_index(index.run, place, shard_size=24, workers=1, overwrite=True)
            found.append(json.dumps(answer_of(wt.Index.open(place))))
            turn += 1
    finally:
        Path(stop).touch()
    json.dump(found, sys.stdout)
