"""Groups of rows, as the server gives them: computed once, in the background, and kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import wordtrace as wt
from tests.patience import wait_until
from wordtrace import api
from wordtrace.app.computed import Computed
from wordtrace.app.groups import _parts
from wordtrace.app.kept_groups import KeptGroups
from wordtrace.app.opened import Opened
from wordtrace.execute.progress import track

HOSTILE = "<img src=x onerror=alert(1)> the striker 𝒲 wins the cup and the league says so today"
OTHER = "<img src=x onerror=alert(1)> the striker 𝒲 wins the cup and the league says it today"


@pytest.fixture(scope="module")
def index_copy(run: api.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the toy rows, with a pair of hostile texts whose labels differ."""
    names = run.label_names
    added = [
        {"id": "<b>one</b>", "text": HOSTILE, "label": names[0]},
        {"id": "two", "text": OTHER, "label": names[1]},
    ]
    index = wt.build_index(run, tmp_path_factory.mktemp("served") / "index", top_k=4, workers=1)
    return index.add(added, workers=1).folder.path


def ready(client: TestClient, path: str, **settings: Any) -> dict[str, Any]:
    """Ask until the answer is there."""
    found: dict[str, Any] = {}

    def asked() -> bool:
        answer = client.get(f"/api/groups/{path}", params=settings)
        assert answer.status_code == 200, answer.text
        found.update(answer.json())
        return bool(found["state"] == "ready")

    wait_until(asked)
    return found


def test_duplicates_are_those_of_the_library_with_their_rows(
    client: TestClient, opened: Opened
) -> None:
    expected = opened.index.duplicates(top=None)
    found = ready(client, "duplicates", limit=100)
    assert found["total"] == expected.found
    assert found["differ"] == expected.differ
    assert [[row["id"] for row in group["rows"]] for group in found["groups"]] == [
        [row.id for row in group.rows] for group in expected.groups
    ]
    first = found["groups"][0]
    ids = opened.index.folder.table["id"].to_pylist()
    assert [ids[row] for row in first["all_rows"]] == ["<b>one</b>", "two"]
    assert [ids[row] for row in first["spare_rows"]] == ["two"]
    assert sorted(first["rows_of_label"].values()) == sorted([[row] for row in first["all_rows"]])
    parts = first["rows"][0]["text_parts"]
    assert "".join(piece for piece, _ in parts) == HOSTILE
    assert [piece for piece, differs in parts if differs] == ["so"]
    differ = ready(client, "duplicates", labels="differ", limit=100)
    same = ready(client, "duplicates", labels="same", limit=100)
    assert differ["groups"] + same["groups"] == found["groups"]
    assert ready(client, "duplicates", offset=1, limit=1)["groups"] == found["groups"][1:2]
    assert ready(client, "duplicates", group=0)["groups"] == found["groups"][:1]
    spare = ready(client, "duplicates/spare")["rows"]
    assert sorted(spare) == sorted(row for group in same["groups"] for row in group["spare_rows"])


def test_outliers_and_mistakes_are_those_of_the_library(client: TestClient, opened: Opened) -> None:
    expected = opened.index.outliers(top=1000)
    found = ready(client, "outliers", offset=2, limit=3)
    assert [row["id"] for row in found["rows"]] == [row.id for row in expected.rows[2:5]]
    ids = opened.index.folder.table["id"].to_pylist()
    assert [ids[row["row"]] for row in found["rows"]] == [row["id"] for row in found["rows"]]
    clusters = opened.index.mistakes()
    wrong = ready(client, "mistakes", limit=100)
    assert wrong["wrong"] == clusters.wrong
    assert [[row["id"] for row in group["rows"]] for group in wrong["groups"]] == [
        [row.id for row in cluster.members] for cluster in clusters.clusters
    ]


def test_they_are_kept_for_this_state_of_the_index_and_no_other(
    client: TestClient, opened: Opened, serve: Callable[..., str]
) -> None:
    ready(client, "duplicates")
    ready(client, "outliers")
    folder = opened.run.path / "groups"
    state = KeptGroups(opened).state
    kept = sorted(file.name for file in folder.glob(f"{state}-*"))
    assert {f"{state}-duplicates-0.8.parquet", f"{state}-outliers.json"} <= set(kept)
    before = {name: (folder / name).stat().st_mtime_ns for name in kept}
    (killed := folder / f".{kept[0]}.671.tmp").mkdir()
    from wordtrace.app.server import application

    again = TestClient(application(opened), base_url="http://127.0.0.1")
    assert ready(again, "duplicates") == ready(client, "duplicates")
    assert before == {name: (folder / name).stat().st_mtime_ns for name in kept}
    assert not killed.exists()


def test_what_can_not_be_asked_for_is_said(client: TestClient) -> None:
    answer = client.get("/api/groups/duplicates", params={"threshold": 0.55})
    assert answer.status_code == 400
    assert "must be one of 0.6, 0.7, 0.8, 0.9, 1" in answer.json()["error"]
    assert client.get("/api/groups/outliers", params={"limit": 0}).status_code == 422


def test_a_value_is_computed_once_and_who_asks_meanwhile_hears_how_far_it_is() -> None:
    go_on, calls = threading.Event(), []

    def compute() -> int:
        calls.append(1)
        with track("Counting", 10, "things") as advance:
            advance(4)
            go_on.wait(60)
        return 7

    computed = Computed(compute)
    assert computed.ask(0.05) is None
    wait_until(lambda: computed.waiting()["done"] == 4)
    assert computed.waiting() == {"state": "computing", "what": "Counting", "done": 4, "total": 10}
    go_on.set()
    assert computed.ask(60) == 7 == computed.ask()
    assert len(calls) == 1


def test_an_error_in_the_background_is_told_and_the_work_can_be_tried_again() -> None:
    outcomes = iter([ValueError("no"), 3])

    def compute() -> int:
        one = next(outcomes)
        if isinstance(one, Exception):
            raise one
        return one

    computed = Computed(compute)
    with pytest.raises(ValueError, match="no"):
        computed.ask(60)
    assert computed.ask(60) == 3


def test_a_text_is_cut_by_what_differs() -> None:
    assert _parts("a b c", [(0, 1), (4, 5)]) == [("a", True), (" b ", False), ("c", True)]
    assert _parts("a", []) == [("a", False)]
