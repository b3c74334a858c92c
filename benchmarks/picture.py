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
    for query in trace["queries"]:
        query["text"] = _line(query["text"])
        query["baselines"] = {}
        for side in ("proponents", "opponents"):
            query[side] = query[side][:3]
            for hit in query[side]:
                hit["text"] = _line(hit["text"])
    for query in proof["queries"]:
        query["text"] = _line(query["text"])
    page = render_html([trace, proof], "From a wrong prediction to a verified fix")
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "page.html"
        path.write_text(page, encoding="utf-8")
        _photograph(path, out)


def _line(text: str) -> str:
    first = next(line for line in text.splitlines() if line.strip())
    return first[:_LINE]


def _photograph(path: Path, out: Path) -> None:
    from playwright.sync_api import sync_playwright

    browser = os.environ.get("WORDTRACE_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as started:
        opened = started.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        view = opened.new_page(viewport={"width": 1000, "height": 700}, device_scale_factor=1.5)
        view.goto(path.as_uri())
        end = view.locator("section", has_text="How to read this").last
        height = end.bounding_box()["y"] - 30
        view.screenshot(path=out, clip={"x": 0, "y": 0, "width": 1000, "height": height})
        opened.close()


main()
