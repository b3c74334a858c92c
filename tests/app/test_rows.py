"""Rows over HTTP: the same rows as in Python, by the same names."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from wordtrace import api
from wordtrace.act.filters import Filters
from wordtrace.app.opened import Opened


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"q": "coach the"},
        {"label": "film", "sort": "loss", "descending": True, "limit": 7},
        {"right": False, "sort": "suspicion", "descending": True},
        {"loss_from": 0.3, "loss_to": 0.9, "suspicion_from": 2, "offset": 3},
    ],
)
def test_the_server_lists_what_python_lists(
    client: TestClient, opened: Opened, asked: dict[str, Any]
) -> None:
    given: dict[str, Any] = {"limit": 50, **asked}
    found = client.get("/api/rows", params=given).json()
    expected = opened.index.rows(**given).document()
    assert (found["total"], found["matching"]) == (expected["total"], expected["matching"])
    for row, other in zip(found["rows"], expected["rows"], strict=True):
        del row["decision"], row["suspicion"], other["suspicion"]
        assert row == other


def test_distributions_count_all_rows_and_those_that_match(
    client: TestClient, run: api.Run
) -> None:
    found = client.get("/api/rows/distribution", params={"label": "film"}).json()
    by_column = {one["column"]: one for one in found["columns"]}
    film = sum(label == run.label_names.index("film") for label in run.train.labels.tolist())
    assert found["matching"] == film
    label = {bar["name"]: (bar["all"], bar["matching"]) for bar in by_column["label"]["bars"]}
    assert label["film"] == (film, film)
    assert label["sport"][0] > label["sport"][1] == 0
    one = client.get("/api/rows/distribution", params={"column": ["loss", "right"]}).json()
    assert [column["column"] for column in one["columns"]] == ["loss", "right"]


def test_one_row_is_whole(client: TestClient, run: api.Run) -> None:
    row = client.get("/api/rows/5").json()
    assert (row["id"], row["text"], row["cut"]) == (run.train.ids[5], run.train.texts[5], False)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/rows/100000", "has no row 100000"),
        ("/api/rows?label=zebra", "there is no label 'zebra'"),
        ("/api/rows?loss_to=nan", "loss_to is nan; give a number."),
        ("/api/rows/distribution?column=text", "column is 'text'; give one of label"),
    ],
)
def test_what_can_not_be_answered_is_said_in_a_sentence(
    client: TestClient, path: str, said: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_each_filter_is_a_documented_parameter(client: TestClient) -> None:
    listed = client.get("/api/openapi.json").json()["paths"]["/api/rows"]["get"]["parameters"]
    told = {one["name"]: one["description"] for one in listed}
    assert told["q"] == "Words that must all stand in the text; a phrase in quotes."
    assert {"label", "predicted", "right", "suspicion_from", "loss_to", "decision"} <= set(told)


def test_all_rows_that_pass_filters_are_decided_if_they_are_as_many_as_was_confirmed(
    client: TestClient, opened: Opened
) -> None:
    rows = opened.index.row_table.select(Filters(label="film", q="oscar")).tolist()
    asked = {"filters": {"label": "film", "q": "oscar"}, "action": "remove"}
    refused = client.post("/api/review", json={**asked, "count": len(rows) + 1})
    assert refused.status_code == 400
    assert f"{len(rows)} rows pass the filters by now" in refused.json()["error"]
    assert client.post("/api/review", json={**asked, "count": len(rows)}).json()["rows"] == len(
        rows
    )
    found = client.get("/api/rows", params={"decision": "remove"}).json()
    assert [row["row"] for row in found["rows"]] == rows
    assert {row["decision"]["action"] for row in found["rows"]} == {"remove"}
    assert client.get("/api/rows", params={"decision": "none"}).json()["matching"] == 96 - len(rows)
    counts = client.get("/api/rows/distribution", params={"column": "decision"}).json()["columns"][
        0
    ]
    assert {bar["name"]: bar["all"] for bar in counts["bars"]}["remove"] == len(rows)
    client.post("/api/review/undo")
