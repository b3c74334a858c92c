"""Whatever can't be answered is a status and one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from wordtrace import api
from wordtrace.app.opened import Opened
from wordtrace.app.server import application


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("GET", "/api/no", None, 404, "There is nothing at /api/no; the page /api lists"),
        ("GET", "/no", None, 404, "There is nothing at /no;"),
        ("GET", "/api/rows/", None, 404, "There is nothing at /api/rows/;"),
        ("GET", "/static/../server.py", None, 404, "There is nothing at"),
        ("GET", "/static/%2e%2e/server.py", None, 404, "There is nothing at"),
        ("PUT", "/api/trace", {}, 405, "/api/trace can't be asked by PUT; the page /api says how."),
        ("POST", "/api/trace", {"text": 3}, 422, "text: input should be a valid string."),
        (
            *("POST", "/api/trace", {"text": "a", "top": 1001}, 422),
            "top: input should be less than or equal to 1000.",
        ),
        ("GET", f"/api/rows/{1 << 80}", None, 422, "A number that was asked for is too large."),
        ("POST", "/api/trace", "{", 422, "The body is not valid JSON."),
        ("POST", "/api/trace", r'{"text": "\ud800"}', 400, "query 0 is not UTF-8;"),
        ("POST", "/api/traces", r'{"texts": ["a"], "\ud800": 1}', 422, "body: input should be"),
        (
            "POST",
            "/api/traces",
            {"texts": ["a"], "no": 1},
            422,
            "no: extra inputs are not permitted",
        ),
        (
            *("POST", "/api/traces", {"texts": ["a"], "options": {"executor": "ray"}}, 400),
            "trace has no setting executor;",
        ),
        (
            "POST",
            "/api/trace",
            {"text": "a", "label": "x"},
            400,
            "there is no label 'x'; the run has film",
        ),
    ],
)
def test_a_question_that_cannot_be_answered_is_told_why(
    client: TestClient, method: str, path: str, body: Any, status: int, sentence: str
) -> None:
    sent = {"content": body} if isinstance(body, str) else {"json": body}
    kind = {"content-type": "application/json"}
    answer = client.request(method, path, headers=kind, **({} if body is None else sent))
    told = answer.json()
    assert (answer.status_code, set(told)) == (status, {"error"}), told
    assert told["error"].startswith(sentence)
    assert told["error"].endswith(".")


def test_a_failure_is_a_sentence_and_its_traceback_stays_in_the_log(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the machine")

    monkeypatch.setattr(api.Index, "trace", fails)
    client = TestClient(
        application(opened), base_url="http://127.0.0.1", raise_server_exceptions=False
    )
    answer = client.post("/api/trace", json={"text": "a"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["error"].startswith("The server failed at this (RuntimeError)")


def test_the_api_describes_itself(client: TestClient) -> None:
    described = client.get("/api/openapi.json").json()
    assert {"/api/index", "/api/index/open", "/api/trace"} <= set(described["paths"])
    for path, ways in described["paths"].items():
        for route in ways.values():
            assert route.get("description"), f"{path} has no docstring"


@pytest.mark.browser
def test_the_page_of_the_api_lists_what_can_be_asked(page: Any, client: TestClient) -> None:
    page.goto("/api")
    for path in client.get("/api/openapi.json").json()["paths"]:
        page.get_by_role("heading", name=path).first.wait_for()
    page.get_by_text("from 1, to 1,000").first.wait_for()
