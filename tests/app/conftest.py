"""What tests of the app share: a served index, a client without a browser, and a browser's page."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.a_browser import SHOWN_MS
from wordtrace import api

pytest.importorskip("fastapi", reason="the extra app is not installed")

import uvicorn
from starlette.testclient import TestClient

from wordtrace.app.opened import Opened
from wordtrace.app.security import LOOPBACK
from wordtrace.app.server import application


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve in a thread of this process, at the address that is returned (without a final /)."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


@pytest.fixture(scope="module")
def index_copy(index: api.Index, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the toy index, which tests of this module may change."""
    return Path(shutil.copytree(index.folder.path, tmp_path_factory.mktemp("served") / "index"))


@pytest.fixture(scope="module")
def run_copy(run: api.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the toy run: what is decided about its rows is kept in its folder."""
    return Path(shutil.copytree(run.path, tmp_path_factory.mktemp("served") / "run"))


@pytest.fixture(scope="module")
def opened(index_copy: Path, run_copy: Path) -> Opened:
    """The copies of the toy index and run, opened to be served."""
    return Opened.open(index_copy, run_copy)


@pytest.fixture(scope="module")
def client(opened: Opened) -> TestClient:
    """A program that asks the server, without a network."""
    return TestClient(application(opened), base_url="http://127.0.0.1")


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """`serve(index)` serves another index (an `Opened`, or a folder) and returns the address."""
    with ExitStack() as stack:

        def start(index: Opened | str | Path, **settings: Any) -> str:
            opened = index if isinstance(index, Opened) else Opened.open(index)
            return stack.enter_context(served(application(opened, **settings)))

        yield start


@pytest.fixture(scope="module")
def address(opened: Opened) -> Iterator[str]:
    """The address at which the toy index is served, for the tests of a module."""
    with served(application(opened)) as found:
        yield found


@pytest.fixture
def page(browser: Any, address: str, serve: Any) -> Iterator[Any]:
    """A page on the toy index: `page.goto("/rows")`.

    At its end the test fails for whatever the browser's console called an error, for what a script
    threw, and for whatever was asked of another machine. A test that provokes one takes it away:
    `page.faults.clear()`. The page is closed before any server ends: it may still be asking.
    """
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(SHOWN_MS)
    page = context.new_page()
    faults = page.faults = []
    page.on("console", lambda said: said.type == "error" and faults.append(said.text))
    page.on("pageerror", lambda error: faults.append(f"thrown: {error}"))
    context.on(
        "request",
        lambda asked: (
            _leaves(asked.url) and faults.append(f"asked of another machine: {asked.url}")
        ),
    )
    yield page
    context.close()
    assert not faults


def _leaves(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in LOOPBACK
