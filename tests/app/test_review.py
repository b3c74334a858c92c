"""The review as the server gives it: suspects page by page, decisions, undo, the patch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from wordtrace import api
from wordtrace.act.patch import read_patch
from wordtrace.app import suspects
from wordtrace.app.opened import Opened


@pytest.fixture(scope="module")
def opened(index: api.Index, run: api.Run, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """A copy of the toy index with its run, where the review is kept."""
    folder = tmp_path_factory.mktemp("reviewed")
    shutil.copytree(run.path, folder / "run")
    shutil.copytree(index.folder.path, folder / "index")
    return Opened.open(folder / "index", folder / "run")


@pytest.fixture(autouse=True)
def nothing_decided(opened: Opened) -> None:
    opened.review.path.unlink(missing_ok=True)


def test_pages_of_suspects_are_the_whole_list_cut_in_pieces(client: Any, opened: Opened) -> None:
    wanted = opened.index.mislabels(top=7, words=True, by="opposition").document()["rows"]
    pages = [
        client.get("/api/suspects", params={"by": "opposition", "top": 7, "offset": at, "limit": 3})
        for at in (0, 3, 6)
    ]
    assert [len(page.json()["rows"]) for page in pages] == [3, 3, 1]
    rows = [row for page in pages for row in page.json()["rows"]]
    assert json.loads(json.dumps(wanted)) == [
        {name: row[name] for name in row if name not in ("row", "decision")} for row in rows
    ]
    assert [opened.run.train.ids[row["row"]] for row in rows] == [row["id"] for row in rows]
    first = pages[0].json()
    assert (first["total"], first["ranked"], first["decisions"]) == (7, 96, [None] * 7)
    sport = client.get("/api/suspects", params={"label": "sport", "limit": 50}).json()
    assert {row["label"] for row in sport["rows"]} == {"sport"}
    assert sport["matching"] == sum(
        opened.run.train.labels == opened.run.label_names.index("sport")
    )
    unknown = client.get("/api/suspects", params={"label": "<b>"})
    assert (unknown.status_code, unknown.json()["error"][:24]) == (400, "there is no label '<b>';")


def test_words_against_a_label_stand_where_they_are_said_to_stand(opened: Opened) -> None:
    for row in opened.index.mislabels(top=20, words=True).rows:
        assert len(row.places) == len(row.words)
        for (word, _), places in zip(row.words, row.places, strict=True):
            assert places
            assert {row.text[start:end].lower() for _, start, end in places} == {word.lower()}
        for hit in row.opponents:
            for (word, _), places in zip(hit.words, hit.places, strict=True):
                assert all(hit.text[a:b].lower() == word.lower() for _, a, b in places)


def test_rows_are_decided_undone_and_made_a_patch_with_their_evidence(
    client: Any, opened: Opened, tmp_path: Path
) -> None:
    rows = client.get("/api/suspects", params={"limit": 3}).json()["rows"]
    names = opened.run.label_names
    other = next(name for name in names if name != rows[0]["label"])
    text = "<script>alert(1)</script> \u202e"

    def decide(**given: Any) -> dict[str, Any]:
        answer = client.post("/api/review", json=given)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    decide(rows=[rows[0]["row"]], action="relabel", label=other)
    decide(rows=[rows[1]["row"]], action="edit", text=text)
    state = decide(
        rows=[row for row in range(96) if row not in {rows[0]["row"], rows[1]["row"]}],
        action="keep",
    )
    assert (state["rows"], state["counts"]) == (
        94,
        {"keep": 94, "relabel": 1, "remove": 0, "edit": 1},
    )
    assert (state["decided"], state["changes"], state["undo"], state["redo"]) == (96, 2, 3, 0)
    undone = client.post("/api/review/undo").json()
    assert (undone["rows"], undone["counts"]["keep"]) == (94, 0)
    assert client.post("/api/review/redo").json()["counts"]["keep"] == 94
    client.post("/api/review/undo")
    shown = client.get("/api/suspects", params={"limit": 3, "top": 3}).json()
    assert shown["decisions"] == ["relabel", "edit", None]
    assert shown["rows"][0]["decision"] == {"action": "relabel", "label": other}
    listed = client.get("/api/review/decisions").json()
    assert [one["action"] for one in listed["decisions"]] == ["edit", "relabel"]
    assert (listed["decisions"][0]["was"], listed["decisions"][0]["text"]) == (
        rows[1]["text"],
        text,
    )
    answer = client.get("/api/review/patch")
    assert 'filename="review.jsonl"' in answer.headers["content-disposition"]
    (tmp_path / "review.jsonl").write_bytes(answer.content)
    patch = read_patch(tmp_path / "review.jsonl")
    assert patch == opened.index.review().patch()
    wanted = opened.index.mislabels(top=1, words=True).patch("remove").changes[0]
    assert (patch.changes[0].reason, patch.changes[0].evidence) == (wanted.reason, wanted.evidence)


def test_what_lies_beyond_the_last_decision_is_nothing(client: Any) -> None:
    for offset in (10**6, 2**63, 10**25):
        answer = client.get("/api/review/decisions", params={"offset": offset})
        assert answer.status_code == 200
        assert answer.json()["decisions"] == []


def test_what_cannot_be_decided_is_answered_with_a_sentence(client: Any) -> None:
    for given, told in (
        ({"rows": [1000], "action": "keep"}, "the index has no row 1000"),
        ({"rows": [-1], "action": "keep"}, "the index has no row -1"),
        ({"action": "keep"}, "there is no row to decide about"),
        ({"ids": ["../../etc"], "action": "keep"}, "no row with the id '../../etc'"),
        ({"rows": [1], "action": "relabel", "label": "x"}, "there is no label 'x'"),
    ):
        answer = client.post("/api/review", json=given)
        assert answer.status_code == 400
        assert told in answer.json()["error"]
    assert client.post("/api/review/undo").json()["error"] == "there is nothing to undo."
    assert client.get("/api/review").json()["decided"] == 0


def test_a_conversation_comes_as_the_model_reads_it_beside_what_the_data_have(
    client: Any, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(opened.index.run.tokenizer)
    assert "read" not in client.get("/api/suspects?limit=1").json()["rows"][0]
    monkeypatch.setattr(suspects, "ChatTokenizer", kind)
    monkeypatch.setattr(kind, "shown", lambda self, text: f"<user>{text}", raising=False)
    rows = client.get("/api/suspects?limit=2").json()["rows"]
    texts = dict(zip(opened.index.run.train.ids, opened.index.run.train.texts, strict=True))
    assert [row["text"] for row in rows] == [texts[row["id"]] for row in rows]
    assert [row["read"] for row in rows] == [f"<user>{row['text']}" for row in rows]
