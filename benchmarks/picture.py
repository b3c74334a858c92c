"""The README's picture: the demo's report with every article cut to a line, as a screenshot.

``python -m benchmarks.picture DEMO_FOLDER OUT.png`` after ``make demo``; needs Playwright and
Chromium. The articles are the BBC's: the picture quotes no more than a line of each.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from wordtrace.report.page import render_html

_LINE = 88


def main() -> None:
    """Write the picture."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    trace: dict[str, Any] = json.loads((folder / "trace.json").read_text())
    proof = json.loads((folder / "verification.json").read_text())
    trace["queries"] = trace["queries"][:1]
    for query in trace["queries"]:
        query["baselines"] = {}
        for side in ("proponents", "opponents"):
            query[side] = query[side][:3]
        hits = [*query["proponents"], *query["opponents"]]
        for hit in hits:
            _cut(hit, [hit], "spans")
        _cut(query, [*hits, query], "query_spans")
        for word in query["words"]:
            word["spans"] = word["query_spans"]
    # The proof stands beside the query of the same text.
    proof["queries"][0]["text"] = trace["queries"][0]["text"]
    page = render_html([trace, proof], "From a wrong prediction to a verified fix")
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "page.html"
        path.write_text(page, encoding="utf-8")
        _photograph(path, out)


def _cut(owner: dict[str, Any], hits: list[dict[str, Any]], name: str) -> None:
    """Cut a text to the line that holds the heaviest words, and move their spans with it."""
    words = [word for hit in hits for word in hit["words"] if name in word]
    found = [
        (start, end, abs(word["contribution"])) for word in words for _, start, end in word[name]
    ]
    starts = [max(0, start - 20) for start, _, _ in found] or [0]

    def weight(first: int) -> float:
        return sum(w for start, end, w in found if first <= start and end <= first + _LINE)

    first = max(starts, key=weight)
    text = owner["text"]
    if first:
        first = text.find(" ", first) + 1
    last = text.rfind(" ", first, first + _LINE)
    owner["text"] = text[first:last].replace("\n", " ")
    for word in words:
        word[name] = [
            [field, start - first, end - first]
            for field, start, end in word[name]
            if first <= start and end <= last
        ]


def _photograph(path: Path, out: Path) -> None:
    from playwright.sync_api import sync_playwright

    browser = os.environ.get("WORDTRACE_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as started:
        opened = started.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        view = opened.new_page(viewport={"width": 1000, "height": 700}, device_scale_factor=1.5)
        view.goto(path.as_uri())
        view.add_style_tag(content=".legend {display: none} .page {padding-block: 1rem !important}")
        figures = view.locator("figure")
        box = figures.first.bounding_box()
        view.screenshot(
            path=out,
            full_page=True,
            clip={"x": 0, "y": 0, "width": 1000, "height": box["y"] + box["height"] + 20},
        )
        opened.close()


main()
