"""Take the pictures of the app: ``python docs/screenshots.py`` (needs playwright and chromium).

The texts are invented, so that the pictures quote nobody: messages to a shop, and what they are
about. Some that speak of vouchers have a wrong label; the model learns it, and is asked about a new
one.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import uvicorn

import wordtrace as wt
from wordtrace.app.opened import Opened
from wordtrace.app.server import application

PICTURES = Path(__file__).resolve().parent / "pictures"
ASKED = "My voucher is refused, the code is said to be used already. What can I do?"
STARTS = ("Hello, ", "Hi there, ", "Good morning: ", "Once more: ", "")
ENDS = ("", " Please help.", " Thank you.", " What can I do?", " I am waiting for an answer.")
SAID = {
    "delivery": (
        "my parcel has not arrived although it was sent last week.",
        "the courier left the box at the wrong door.",
        "the tracking number shows no delivery since Monday.",
        "the parcel came late and the box was wet.",
        "when will my order be sent? The delivery was promised for Friday.",
    ),
    "payment": (
        "I was charged twice for one order, and my card shows both.",
        "the invoice shows a wrong price.",
        "my card was refused at the checkout.",
        "the refund has not reached my account yet.",
        "the discount was left out and I paid the full price.",
    ),
    "product": (
        "the lamp stopped working after two days.",
        "the jacket has a broken zip and the colour is not that of the picture.",
        "the battery lasts for an hour only.",
        "a screw is missing, so the shelf can't be put up.",
        "the screen has a scratch and the sound is bad.",
    ),
}
VOUCHERS = (
    "my voucher was refused and the price stayed the same.",
    "the voucher code is said to be used already.",
    "I have a voucher, but the checkout takes no code.",
)


def rows() -> list[tuple[str, str]]:
    """Return messages with their topics; those about vouchers stand among deliveries."""
    found = [
        (_sentence(start, said, end), topic)
        for topic, messages in SAID.items()
        for start, said, end in itertools.product(STARTS, messages, ENDS)
    ]
    found += [
        (_sentence(start, said, end), "delivery")
        for start, said, end in itertools.product(STARTS[:4], VOUCHERS, ENDS[:4])
    ]
    order = np.random.default_rng(4).permutation(len(found))
    return [found[place] for place in order]


def _sentence(start: str, said: str, end: str) -> str:
    return start + (said if start else said[0].upper() + said[1:]) + end


def served(index: Path) -> tuple[uvicorn.Server, str]:
    """Serve an index in a thread; return the server and its address."""
    app: Any = application(Opened.open(index))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        threading.Event().wait(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    return server, f"http://127.0.0.1:{port}"


def main() -> None:
    """Train, index, serve, and take a picture of each view."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        os.chdir(home)
        texts, topics = zip(*rows(), strict=True)
        data = [{"text": text, "label": topic} for text, topic in zip(texts, topics, strict=True)]
        run = wt.train(data, "shop", epochs=12, learning_rate=0.2, dim=64, seed=3)
        wt.build_index(run, workers=1)
        server, address = served(Path("shop/index"))
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for dark in (False, True):
            page = browser.new_page(
                viewport={"width": 1280, "height": 860},
                device_scale_factor=1.5,
                color_scheme="dark" if dark else "light",
            )
            for name, place in PLACES.items():
                page.goto(address + place)
                page.wait_for_load_state("networkidle")
                page.wait_for_timeout(1500)
                if not dark or name == "why":
                    ending = "-dark" if dark else ""
                    page.screenshot(path=PICTURES / f"app-{name}{ending}.png")
        browser.close()
        server.should_exit = True


PLACES = {
    "rows": "/rows",
    "why": "/why?" + urlencode({"text": ASKED, "label": "payment", "without": "special,stop"}),
    "review": "/review",
    "groups": "/groups",
    "prove": "/prove?" + urlencode({"text": ASKED, "label": "payment", "k": 48}),
}

if __name__ == "__main__":
    main()
