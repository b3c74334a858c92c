"""What POST /api/trace answers is what the library answers, with the rows that are meant."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from wordtrace.api.index import Index
from wordtrace.app.opened import Opened

TEXT = "the striker and the coach win a match , profit of shares"


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """A trace's document as JSON, without the time that it took."""
    found: dict[str, Any] = json.loads(json.dumps(document))
    del found["seconds"]
    return found


def test_a_trace_is_that_of_the_library_with_the_rows_of_its_hits(
    client: TestClient, opened: Opened
) -> None:
    asked = {"text": TEXT, "label": "sport", "top": 4, "without": ["stop", "special"]}
    found = client.post("/api/trace", json=asked).json()
    wanted = opened.index.trace(
        TEXT, "sport", top=4, words=True, by_checkpoint=True, without="special,stop"
    )
    assert {key: found[key] for key in plain(wanted.document())} == plain(wanted.document())
    for side in ("proponents", "opponents"):
        hits, rows = found["queries"][0][side], found["rows"][side]
        assert [opened.index.ids[row] for row in rows] == [hit["id"] for hit in hits]
        predicted = opened.index.folder.table["predicted_final"].to_pylist()
        assert found["predicted"][side] == [str(predicted[row]) for row in rows]
        assert all(len(hit["by_checkpoint"]) == len(found["checkpoints"]) for hit in hits)
    assert sum(found["probabilities"].values()) == pytest.approx(1)
    assert found["probabilities"]["sport"] == pytest.approx(found["queries"][0]["probability"])
    assert found["sentences"]["prediction"].startswith("The model predicts ")


def test_a_row_is_asked_about_as_its_text(client: TestClient, opened: Opened) -> None:
    found = client.post("/api/trace", json={"row": 5, "top": 50}).json()
    text = opened.run.train.texts[5]
    assert found["queries"][0]["text"] == text
    assert found["queries"][0]["label_source"] == "predicted"
    assert found["row"] == 5
    label = opened.run.labelling.spell(opened.run.train.labels[5])
    assert found["example"] == {"id": opened.index.ids[5], "label": label}
    assert 5 in found["rows"]["proponents"] + found["rows"]["opponents"]
    ids = [hit.id for hit in opened.index.trace(text, top=50, words=True).proponents]
    assert [hit["id"] for hit in found["queries"][0]["proponents"]] == ids


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({}, "give one of text, messages and row."),
        ({"text": "a", "row": 1}, "give one of text, messages and row."),
        ({"row": 1, "text2": "a"}, "text2 goes with a text; leave it out."),
        ({"row": 10_000}, "the index has no row 10000; it has 96 examples."),
        ({"text": " "}, "query 0 is empty; give a text."),
        ({"text": "a", "label": "<b>"}, "there is no label '<b>'; the run has film, money, sport."),
        ({"text": "a", "measure": "tracin-wee"}, "did you mean tracin-we?"),
        ({"text": "a", "span": [0, 1]}, "this run's model gives labels"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(
    client: TestClient, asked: dict[str, Any], sentence: str
) -> None:
    answer = client.post("/api/trace", json=asked)
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]


def test_a_field_that_is_not_known_is_refused(client: TestClient) -> None:
    assert client.post("/api/trace", json={"text": "a", "colour": "sport"}).status_code == 422


def test_the_measures_tell_which_of_them_this_index_answers_at_once(client: TestClient) -> None:
    found = client.get("/api/measures").json()
    assert found["default"] == found["measures"][0]["name"] == "tracin-we-idf"
    quick = {one["name"] for one in found["measures"] if one["at_once"]}
    by_word = {"tracin-we-topk", "tracin-we-idf", "tracin-we-syn", "influence-we-kfac"}
    assert quick == by_word | {"bm25", "embedding-similarity", "random"}
    assert {"tracin-we", "tracin-last"} < {one["name"] for one in found["measures"]} - quick


def test_one_answer_at_a_time_is_computed_anew(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace, began, goes_on = Index.trace, threading.Event(), threading.Event()

    def slowly(self: Index, *texts: Any, measure: str | None = None, **settings: Any) -> Any:
        if measure == "tracin-last" and not began.is_set():
            began.set()
            assert goes_on.wait(60)
        return trace(self, *texts, measure=measure, **settings)

    monkeypatch.setattr(Index, "trace", slowly)
    slow, answers = {"text": TEXT, "measure": "tracin-last", "top": 2}, []
    first = threading.Thread(
        target=lambda: answers.append(client.post("/api/trace", json=slow).json())
    )
    first.start()
    assert began.wait(60)
    refused = client.post("/api/trace", json=slow | {"text": "the coach"})
    quick = client.post("/api/trace", json={"text": TEXT, "top": 2})
    goes_on.set()
    first.join()
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("another answer is being computed from the run")
    assert quick.status_code == 200
    assert answers[0]["source"] == "run"
    assert client.post("/api/trace", json=slow).status_code == 200


def test_a_report_shows_what_it_is_given_and_nothing_else(
    client: TestClient, opened: Opened
) -> None:
    document = opened.index.trace("<script>alert(1)</script> the coach", top=2).document()
    answer = client.post("/api/report", json={"documents": [document], "title": "Of <b> news"})
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "Of &lt;b&gt; news" in answer.text
    assert "<script" not in answer.text
    wrong = client.post("/api/report", json={"documents": [{"format": "other"}]})
    assert wrong.status_code == 400
