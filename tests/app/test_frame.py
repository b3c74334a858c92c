from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from wordtrace.app.opened import Opened


def test_the_server_says_what_it_serves(client: TestClient, opened: Opened) -> None:
    said = client.get("/api/index").json()
    assert said["examples"] == opened.index.folder.count
    assert said["label_names"] == ["film", "money", "sport"]


def test_another_index_is_served_beside_it(serve: Callable[..., str], opened: Opened) -> None:
    import urllib.request

    with urllib.request.urlopen(serve(opened) + "/api/index") as answer:
        assert answer.status == 200


@pytest.mark.browser
def test_the_page_shows_the_views_and_what_is_served(page: Any, opened: Opened) -> None:
    page.goto("/")
    page.get_by_text(f"· {opened.index.folder.count} rows").wait_for()
    for view in ("Rows", "Why?", "Review", "Groups", "Prove"):
        assert page.get_by_role("link", name=view, exact=True).is_visible()
