"""``python -m torture [SECTION …]``: attack wordtrace, and say what came of it."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from torture.attempts import ENDS, Attempt, Plan
from torture.sandbox import load_first
from torture.table import Tally, summary

OUT = Path(__file__).parent / "out"

#: Each section's module is imported when it is asked for.
SECTIONS = (
    "text",
    "files",
    "kills",
    "pairs",
    "resources",
    "arguments",
    "server",
    "numbers",
    "supply",
)


def torture(section: str, *, short: bool, seed: int = 0, workers: int = 2) -> Tally:
    """Make the attempts of a section and count them.

    Parameters
    ----------
    short
        Make some attempts of each kind, in half a minute at most.
    """
    module = importlib.import_module(f"torture.{section}")
    command = ["python", "-m", "torture", section, *(["--short"] if short else [])]
    command += ["--seed", str(seed)] if seed else []
    work = Path(tempfile.mkdtemp(prefix=f"torture-{section}-"))
    start = time.perf_counter()
    try:
        attempts = list(_told(module.attacks(Plan(work, short, seed, workers)), section))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Tally.of(
        attempts,
        section=section,
        title=module.TITLE,
        promise=module.PROMISE,
        command=shlex.join(command),
        seconds=time.perf_counter() - start,
    )


def _told(attempts: Iterator[Attempt], section: str) -> Iterator[Attempt]:
    """Say on standard error how far it is, and at once what fell."""
    shown, count, last = sys.stderr.isatty(), 0, ""
    start = time.perf_counter()
    for count, one in enumerate(attempts, 1):
        clear = "\r\033[K" if shown else ""
        if not one.survived:
            text = f"{section}: {ENDS[one.end]}: {one.group}, {one.what}: {one.detail}"
            sys.stderr.write(f"{clear}{text.encode('unicode_escape').decode()}\n")
        yield one
        # In a file, one line for each kind of attack.
        if shown or one.group != last:
            done = (
                f"{section}: {count:,} attempts, {time.perf_counter() - start:.0f} s, {one.group}"
            )
            sys.stderr.write(f"{clear}{done}" if shown else f"{done}\n")
            sys.stderr.flush()
        last = one.group
    if shown:
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Attack by the sections that are named, all by default; 1 where something fell."""
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--short", action="store_true", help="some attempts of each kind")
    parser.add_argument("--seed", type=int, default=0, help="what is random is drawn from it")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=OUT, help="where the tables are written")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.sections if name not in SECTIONS]:
        parser.error(f"there is no {unknown[0]!r}; known: {', '.join(SECTIONS)}")
    os.environ["WORDTRACE_PROGRESS"] = "0"
    if not asked.short and "kills" in (asked.sections or SECTIONS):
        load_first("torture.preloaded_trainer")
    fell = 0
    for section in asked.sections or SECTIONS:
        try:
            tally = torture(section, short=asked.short, seed=asked.seed, workers=asked.workers)
        except KeyboardInterrupt:
            print(f"{section}: interrupted.", file=sys.stderr)
            return 130
        tally.write(asked.out)
        fell += len(tally.fell)
        print(json.dumps({section: tally.total, "seconds": round(tally.seconds)}))
    (asked.out / "summary.md").write_text(summary(asked.out, SECTIONS), encoding="utf-8")
    print(summary(asked.out, SECTIONS))
    return 1 if fell else 0


if __name__ == "__main__":
    sys.exit(main())
