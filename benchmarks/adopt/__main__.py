"""``python -m benchmarks.adopt [--out FILE] [WORD …]``: what of real trainings is read right.

Each situation is a small model that is trained by transformers' Trainer, TRL's SFTTrainer or
sentence-transformers, adopted by ``wt.record`` or ``wt.TraceCallback``, and compared with that
training's own rows, rates and gradients. The status is 1 where anything is wrong or unexpected.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

os.environ["WORDTRACE_PROGRESS"] = "0"
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from benchmarks.adopt.run import Outcome, run
from benchmarks.adopt.situations import situations
from benchmarks.adopt.table import table

_LIBRARIES = ("transformers", "trl", "peft", "torch")


def main() -> None:
    """Print each outcome as it comes, then the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only situations whose names hold one of these")
    parser.add_argument("--out", type=Path, help="write all outcomes as JSON")
    given = parser.parse_args()
    words = [one.lower() for one in given.words]
    chosen = [
        one
        for one in situations()
        if not words or any(word in f"{one.group} | {one.name}".lower() for word in words)
    ]
    found: list[Outcome] = []
    begun = time.perf_counter()
    for outcome in run(chosen):
        found.append(outcome)
        bad = outcome.verdict in ("wrong", "unexpected")
        tail = f"\n    {outcome.said}" if bad else ""
        print(f"{outcome.verdict:10} {outcome.situation.name}{tail}", file=sys.stderr, flush=True)
    print(table(found))
    print(f"\n{len(found)} situations in {time.perf_counter() - begun:.0f} s")
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        document = {
            "versions": {name: version(name) for name in _LIBRARIES},
            "situations": [one.document() for one in found],
        }
        given.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    sys.exit(any(one.verdict in ("wrong", "unexpected") for one in found))


main()
