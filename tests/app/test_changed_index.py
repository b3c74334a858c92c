"""An index that changes under the server: a clear message, and never an answer of two states."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from wordtrace import api
from wordtrace.app.computed import Computed
from wordtrace.app.opened import Opened
from wordtrace.app.server import application

ASKED = {"text": "the striker and the coach win a match"}


@pytest.fixture
def folder(index: api.Index, tmp_path: Path) -> Path:
    return Path(shutil.copytree(index.folder.path, tmp_path / "index"))


def serving(folder: Path, run: api.Run) -> TestClient:
    return TestClient(application(Opened.open(folder, run.path)), base_url="http://127.0.0.1")


def test_an_index_that_rows_were_removed_from_is_answered_after_it_is_opened_again(
    folder: Path, run: api.Run
) -> None:
    client = serving(folder, run)
    before = client.get("/api/index").json()
    gone = client.post("/api/trace", json=ASKED).json()["queries"][0]["proponents"][0]["id"]
    api.Index.open(folder, run.path).remove([gone])
    for answer in (client.get("/api/index"), client.post("/api/trace", json=ASKED)):
        assert answer.status_code == 409
        assert answer.json() == {
            "error": f"{folder} was changed since it was opened; open it again."
        }
    opened = client.post("/api/index/open").json()
    assert opened["examples"] == before["examples"] - 1
    assert opened["state"] != before["state"]
    assert client.get("/api/index").json() == opened
    found = client.post("/api/trace", json=ASKED).json()["queries"][0]
    assert gone not in [hit["id"] for hit in found["proponents"]]


def test_an_index_that_is_gone_is_said_to_be(folder: Path, run: api.Run) -> None:
    client = serving(folder, run)
    shutil.rmtree(folder)
    gone = client.get("/api/index")
    assert (gone.status_code, gone.json()["error"]) == (
        409,
        f"{folder} is no longer there; it was removed since it was opened.",
    )
    assert client.post("/api/index/open").status_code == 400
    api.build_index(run, folder, top_k=2, shard_size=50, workers=1)
    assert client.post("/api/index/open").json()["top_k"] == 2


def test_opening_again_what_has_not_changed_does_nothing(
    client: TestClient, opened: Opened
) -> None:
    assert client.post("/api/index/open").json()["state"] == opened.state


def test_an_answer_during_which_the_index_changes_is_withheld(
    folder: Path, run: api.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serving(folder, run)
    whole = api.Index.trace

    def trace(self: api.Index, *texts: Any, **settings: Any) -> api.Trace:
        found = whole(self, *texts, **settings)
        api.Index.open(folder, run.path).remove([self.ids[0]])
        return found

    monkeypatch.setattr(api.Index, "trace", trace)
    answer = client.post("/api/traces", json={"texts": [ASKED["text"]]})
    assert answer.status_code == 409
    assert "was changed" in answer.json()["error"]


@pytest.mark.parametrize("kind", ["duplicates", "duplicates/spare", "mistakes"])
def test_groups_during_which_the_index_changes_are_withheld(
    kind: str, folder: Path, run: api.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serving(folder, run)
    whole = Computed.ask

    def ask(self: Computed[Any], patience: float = 0) -> Any:
        found = whole(self, 600)
        index = api.Index.open(folder, run.path)
        index.remove([index.ids[0]])
        return found

    monkeypatch.setattr(Computed, "ask", ask)
    answer = client.get(f"/api/groups/{kind}")
    assert answer.status_code == 409
    assert "was changed" in answer.json()["error"]
    assert client.get(f"/api/groups/{kind}").status_code == 409


def test_a_run_that_was_trained_again_is_noticed(
    index: api.Index, run: api.Run, tmp_path: Path
) -> None:
    (moved,) = (Path(shutil.copytree(one, tmp_path / one.name)) for one in (run.path,))
    folder = Path(shutil.copytree(index.folder.path, tmp_path / "index"))
    client = TestClient(application(Opened.open(folder, moved)), base_url="http://127.0.0.1")
    manifest = moved / "run.json"
    manifest.write_text(manifest.read_text() + "\n")
    answer = client.get("/api/index")
    assert answer.status_code == 409
    assert answer.json()["error"] == f"{moved} was changed since {folder} was opened."


@pytest.mark.browser
def test_the_page_says_that_the_index_changed_and_opens_it_again(
    page: Any, serve: Any, folder: Path, run: api.Run
) -> None:
    opened = Opened.open(folder, run.path)
    page.goto(serve(opened) + "/why")
    page.get_by_text(f"· {opened.index.folder.count} rows").wait_for()
    api.Index.open(folder, run.path).remove(opened.index.ids[:5])
    page.evaluate("import('/static/api.js').then((api) => api.get('/index')).catch(() => null)")
    page.get_by_text("was changed since it was opened").wait_for()
    page.get_by_role("button", name="Open it again").click()
    page.get_by_text(f"· {opened.index.folder.count - 5} rows").wait_for()
    assert page.url.endswith("/why")
    assert all("409" in fault for fault in page.faults)
    page.faults.clear()
