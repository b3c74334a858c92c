"""The one browser of a test process: Playwright can't be started twice in one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

#: How long a test waits for what it expects to see: machines may be slow.
SHOWN_MS = 180_000

_QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


def start() -> Iterator[Any]:
    """Yield Chromium, started; skip where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    playwright.expect.set_options(timeout=SHOWN_MS)
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("WORDTRACE_CHROMIUM") or next(
        filter(None, map(shutil.which, names)), None
    )
    with playwright.sync_playwright() as started:
        own = started.chromium.executable_path
        if path is None and not Path(own).exists():
            pytest.skip("no Chromium is installed (set WORDTRACE_CHROMIUM to its path)")
        browser = started.chromium.launch(executable_path=path or own, args=_QUIET.split())
        yield browser
        browser.close()
