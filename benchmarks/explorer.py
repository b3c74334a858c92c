"""The app in a real browser: how long a first view and an answer take to show, beside the library.

``python -m benchmarks explorer`` needs Playwright and Chromium. The server and the library read the
same index, in processes of their own; a view is shown when its first row or hit is.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests import a_browser

from benchmarks import corpus, synthetic
from benchmarks.measure import middle, ratio
from wordtrace import api

SIZES = (10_000, 1_000_000)
#: Questions asked; the first ones wait for what is loaded once.
QUERIES, TOP = 12, 20


def measure(folder: Path) -> list[dict[str, Any]]:
    """Time the views Rows and Why? of an index of 10,000 rows and of one of 1,000,000."""
    return [row for count in SIZES for row in _measure(folder, count)]


def _measure(folder: Path, count: int) -> list[dict[str, Any]]:
    index = synthetic.index(folder, count)
    texts = corpus.queries(QUERIES)
    with _server(index) as (address, started), contextmanager(a_browser.start)() as browser:
        page = browser.new_page()
        first = _seconds(lambda: _rows(page, address))
        again = middle([_seconds(lambda: _rows(page, address)) for _ in range(5)])
        asked = _ask(page, address, texts[0])
        library = _seconds(lambda: index.trace(texts[0], top=TOP, words=True))
        took: dict[str, list[float]] = {"page": [], "library": []}
        for text in texts:
            took["page"].append(_ask(page, address, text))
            seconds = _seconds(lambda: index.trace(text, top=TOP, words=True))  # noqa: B023
            took["library"].append(seconds)
    called = f"{count:,} rows, in a browser: "
    return [
        {"what": called + "from the command to an address", "seconds": started},
        {"what": called + "the first view of a new server", "seconds": first},
        {"what": called + "that view again", "seconds": again},
        {
            "what": called + "the first trace of a new server, from Enter",
            "seconds": asked,
            "found": f"the library's first trace: {library:.3f} s",
        },
        {
            "what": called + "a trace, from Enter to its words",
            "seconds": middle(took["page"]),
            "over": "Index.trace",
            "ratio": ratio(took["page"], took["library"]),
            "found": f"slowest {max(took['page']):.3f} s; "
            f"Index.trace {middle(took['library']):.3f} s",
        },
    ]


def _seconds(what: Callable[[], Any]) -> float:
    start = time.perf_counter()
    what()
    return time.perf_counter() - start


def _rows(page: Any, address: str) -> None:
    page.goto(f"{address}/rows")
    page.locator("[data-row]").first.wait_for()


def _ask(page: Any, address: str, text: str) -> float:
    """Type a text and press Enter; return the seconds until its answer is shown, with words."""
    page.goto(f"{address}/why?" + urlencode({"top": TOP}))
    page.get_by_label("Text").fill(text)
    start = time.perf_counter()
    page.get_by_label("Text").press("Enter")
    page.locator(".why[aria-busy=false] .hit [data-word]").first.wait_for()
    return time.perf_counter() - start


@contextmanager
def _server(index: api.Index) -> Iterator[tuple[str, float]]:
    """Start `wordtrace app`; yield its address, and the seconds until it told it."""
    command = [sys.executable, "-m", "wordtrace", "app", str(index.folder.path)]
    start = time.perf_counter()
    server = subprocess.Popen(
        [*command, "--no-browser", "--port", "0"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        assert server.stderr is not None
        found = None
        for line in server.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        assert found is not None
        yield found[0], time.perf_counter() - start
    finally:
        server.terminate()
        server.wait()
