"""Who may ask the server: its own pages, and programs of this machine or with the token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from starlette.testclient import TestClient

from wordtrace.app.limits import Limited
from wordtrace.app.opened import Opened
from wordtrace.app.server import application

TOKEN = "a-token-of-this-test"


@pytest.fixture(scope="module")
def locked(opened: Opened) -> TestClient:
    return TestClient(application(opened, token=TOKEN), base_url="http://machine.example:8377")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:8377"}, 200),
        ({"host": "[::1]:8377"}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "["}, 421),
        ({"host": "evil.example@127.0.0.1"}, 421),
        ({"host": "[::1]evil"}, 421),
        ({"host": "127.0.0.1:x"}, 421),
        ({"host": "127.0.0.1/../x"}, 421),
        ({"origin": "http://127.0.0.1"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "http://["}, 403),
        ({"origin": "//[::1"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_a_page_of_another_site_is_refused(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    for path in ("/api/index", "/rows", "/static/main.js"):
        answer = client.get(path, headers=headers)
        assert answer.status_code == status
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "given", [{}, {"authorization": "Bearer x"}, {"cookie": "wordtrace-8377=x"}]
)
def test_without_the_token_nothing_is_told(locked: TestClient, given: dict[str, str]) -> None:
    for path in ("/api/index", "/api/openapi.json", "/api/nothing"):
        answer = locked.get(path, headers=given)
        assert answer.status_code == 401
        assert "Authorization: Bearer TOKEN" in answer.json()["error"]
    assert locked.get("/rows").status_code == 200  # the page that asks for the token


def test_a_program_gives_the_token_with_each_question(locked: TestClient) -> None:
    told = locked.get("/api/index", headers={"authorization": f"Bearer {TOKEN}"})
    assert told.status_code == 200


def test_a_browser_gives_the_token_once(opened: Opened) -> None:
    browser = TestClient(application(opened, token=TOKEN), base_url="http://machine.example:8377")
    wrong = browser.post("/api/session", headers={"authorization": "Bearer x"})
    assert wrong.status_code == 401
    begun = browser.post("/api/session", headers={"authorization": f"Bearer {TOKEN}"})
    assert begun.status_code == 204
    assert "HttpOnly" in begun.headers["set-cookie"]
    assert "SameSite=strict" in begun.headers["set-cookie"]
    assert browser.get("/api/index").status_code == 200
    # Another site's page can't use the cookie that its browser holds.
    other = browser.get("/api/index", headers={"origin": "http://evil.example"})
    assert other.status_code == 403


def test_a_body_over_the_limit_is_refused(opened: Opened) -> None:
    client = TestClient(Limited(application(opened), largest=1000), base_url="http://127.0.0.1")
    pieces = (b" " * 400 for _ in range(4))
    for body in (b" " * 2000, pieces):  # with its length said before, and without
        answer = client.post("/api/trace", content=body)
        assert (answer.status_code, answer.json()) == (
            413,
            {"error": "The body is over 1,000 bytes; ask for less at once."},
        )
    assert client.post("/api/trace", json={"text": "the coach wins"}).status_code == 200


def test_a_body_over_the_limit_is_not_read_to_its_end() -> None:
    sent: list[dict[str, Any]] = []
    pieces = iter(range(100))

    async def reads(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass

    async def receive() -> dict[str, Any]:
        next(pieces)
        return {"type": "http.request", "body": b" " * 400, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    with start_blocking_portal() as portal:
        portal.call(Limited(reads, largest=1000), {"type": "http", "headers": []}, receive, send)
    assert sent[0]["status"] == 413
    assert next(pieces) == 3


@pytest.mark.browser
def test_the_page_takes_the_token_from_the_address_or_asks_for_it(
    page: Any, opened: Opened, serve: Callable[..., str]
) -> None:
    address = serve(opened, token=TOKEN)
    page.goto(f"{address}/rows?q=coach#token={TOKEN}")
    page.get_by_text(f"· {opened.index.folder.count} rows").wait_for()
    assert page.url == f"{address}/rows?q=coach"
    page.context.clear_cookies()
    page.reload()
    page.get_by_label("Token").fill("not it")
    page.get_by_role("button", name="Open").click()
    page.get_by_text("This is not the server's token.").wait_for()
    page.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    page.get_by_text(f"· {opened.index.folder.count} rows").wait_for()
    # Chromium calls each answer of 401 an error.
    assert all("401" in fault for fault in page.faults)
    page.faults.clear()
