"""Progress with a rate and an estimate, on standard error.

On a terminal it is a bar that disappears when the work is done; elsewhere (a log file, CI) a line
every ten seconds. ``WORDTRACE_PROGRESS=0`` or ``--no-progress`` silences it. Work whose progress is
shown elsewhere is done inside :func:`following`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Advance = Callable[[int], None]
#: Called with what is done, how many units were finished just now, are done, and there are in all.
Follow = Callable[[str, int, int, int], None]
_FOLLOW: ContextVar[Follow | None] = ContextVar("follow", default=None)

_LINE_EVERY_S = 10.0


@contextmanager
def following(follow: Follow) -> Iterator[None]:
    """Have `follow` called with each advance of a job, in place of what is shown."""
    token = _FOLLOW.set(follow)
    try:
        yield
    finally:
        _FOLLOW.reset(token)


@contextmanager
def track(what: str, total: int, unit: str, done: int = 0) -> Iterator[Advance]:
    """Show the progress of a job of `total` units; call the yielded function with each advance.

    `done` units were finished by an earlier attempt: they count as done, not for the rate.
    """
    follow = _FOLLOW.get()
    if follow is not None:
        yield _followed(follow, what, total, done)
    elif os.environ.get("WORDTRACE_PROGRESS", "1") == "0":
        yield lambda count: None
    elif sys.stderr.isatty():
        with _bar(what, total, unit, done) as advance:
            yield advance
    else:
        with _lines(what, total, unit, done) as advance:
            yield advance


def _followed(follow: Follow, what: str, total: int, done: int) -> Advance:
    finished = done
    follow(what, 0, finished, total)

    def advance(count: int) -> None:
        nonlocal finished
        finished += count
        follow(what, count, finished, total)

    return advance


@contextmanager
def _bar(what: str, total: int, unit: str, done: int) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    progress = Progress(
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    start = time.perf_counter()
    finished = 0
    with progress:
        task = progress.add_task(what, total=total, completed=done, rate=unit)

        def advance(count: int) -> None:
            nonlocal finished
            finished += count
            rate = finished / max(time.perf_counter() - start, 1e-9)
            progress.update(task, advance=count, rate=f"{_short(rate)} {unit}/s")

        yield advance


@contextmanager
def _lines(what: str, total: int, unit: str, done: int) -> Iterator[Advance]:
    start = shown = time.perf_counter()
    finished = 0

    def advance(count: int) -> None:
        nonlocal finished, shown
        finished += count
        now = time.perf_counter()
        if now - shown < _LINE_EVERY_S:
            return
        shown = now
        rate = finished / (now - start)
        sys.stderr.write(f"{what}: {done + finished:,} of {total:,} {unit}")
        if finished:
            left = (total - done - finished) / rate
            sys.stderr.write(f", {_short(rate)} {unit}/s, about {left:.0f} s left")
        sys.stderr.write("\n")
        sys.stderr.flush()

    yield advance


def _short(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2f}"
