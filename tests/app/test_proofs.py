"""A proof from the page: planned, started, followed, stopped, gone on with; it is wt.verify's."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import Mock

import pytest
from starlette.testclient import TestClient

from tests.forked import Forked
from tests.patience import wait_until
from wordtrace import api
from wordtrace.act.patch import read_patch
from wordtrace.app.opened import Opened
from wordtrace.app.proof_folders import ProofFolder, folder_of
from wordtrace.app.proof_job import work
from wordtrace.app.proof_queue import ProofQueue
from wordtrace.app.server import application
from wordtrace.execute.ledger import Ledger
from wordtrace.retrainers.retrain import LEDGER
from wordtrace.verification.plan import plan

TEXT = "the striker and the coach win a match . the market of shares"
ASKED: dict[str, Any] = {
    "questions": [{"text": TEXT, "label": "money"}],
    "k": 3,
    "repeats": 2,
    "workers": 1,
}


@pytest.fixture(scope="module")
def opened(index_copy: Path, run: api.Run, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """The toy index with a run of its own, whose proofs are done in this process."""
    own = Path(shutil.copytree(run.path, tmp_path_factory.mktemp("runs") / "toy"))
    found = Opened.open(index_copy, own)

    def here(folder: ProofFolder, stop: Event) -> str:
        work(folder, found.index, None)
        return "ended"

    found.lasting["proofs"] = ProofQueue(found, here)
    return found


def ended(client: TestClient, number: int) -> dict[str, Any]:
    """Wait for a proof and return it."""
    path = f"/api/proofs/{number}"
    wait_until(lambda: client.get(path).json()["state"] not in ("waiting", "running"))
    return client.get(path).json()


def test_a_proof_is_planned_and_found_as_by_the_library(opened: Opened, client: TestClient) -> None:
    trace = opened.index.trace(TEXT, "money", top=3)
    given = {"k": 3, "repeats": 2, "workers": 1, "index": opened.index}
    planned = client.post("/api/proofs/plan", json=ASKED).json()
    assert planned["sentence"] == plan(api.verify, trace, **given).sentence()
    assert planned["most"] == 8
    started = client.post("/api/proofs", json=ASKED)
    assert started.status_code == 201
    proof = ended(client, started.json()["number"])
    assert (proof["state"], proof["trained"], proof["most"]) == ("done", 8, 8)
    same = api.verify(trace, **given).document()
    assert {**proof["document"], "seconds": 0} == {**same, "seconds": 0}
    assert proof["told"]["queries"][0]["sentence"] == repr(api.Verification(same))
    assert client.get("/api/proofs").json()["proofs"][0]["number"] == proof["number"]
    report = client.get(f"/api/proofs/{proof['number']}/report")
    assert report.text.startswith("<!doctype html>")
    assert "attachment" in report.headers["content-disposition"]
    assert client.get(f"/api/proofs/{proof['number']}/result").json() == proof["document"]


def test_the_reviews_patch_is_proven_on_the_wrong_held_out_rows(
    opened: Opened, client: TestClient
) -> None:
    asked = {"what": "patch", "mistakes": True, "repeats": 2, "workers": 1}
    refused = client.post("/api/proofs/plan", json=asked)
    assert refused.status_code == 400
    assert "removes and relabels no row yet" in refused.json()["error"]
    opened.review.decide(opened.index.ids[3:5], "remove")
    opened.review.decide(opened.index.ids[7:8], "edit", text="another text")
    planned = client.post("/api/proofs/plan", json=asked).json()
    assert (planned["changes"], planned["without"]) == (2, 1)
    held_out = opened.run.held_out
    assert held_out is not None
    said = opened.index.asker.predict(opened.index.asker.question(held_out))
    wrong = (said.labels != held_out.labels).sum()
    assert planned["questions"] == wrong > 0
    proof = ended(client, client.post("/api/proofs", json=asked).json()["number"])
    assert proof["state"] == "done"
    assert proof["document"]["patch"]["removed"] == opened.index.ids[3:5]
    assert len(proof["told"]["queries"]) == wrong
    first = repr(api.Verification(proof["document"])).split("\n")[0]
    told = proof["told"]["together"] or proof["told"]["queries"][0]
    assert told["sentence"] == first
    folder = folder_of(opened.run.path, proof["number"])
    assert len(read_patch(folder.path / "patch.jsonl")) == 2


def test_a_fix_gives_its_curves_and_its_patch(opened: Opened, client: TestClient) -> None:
    (wrong,) = [{"text": TEXT, "label": name} for name in ("film",)]
    asked = {"what": "fix", "questions": [wrong], "sizes": [2], "repeats": 2, "workers": 1}
    proof = ended(client, client.post("/api/proofs", json=asked).json()["number"])
    assert proof["state"] == "done"
    assert set(proof["document"]["curves"]) == {"remove", "random rows"}
    found = client.get(f"/api/proofs/{proof['number']}/patch")
    assert found.status_code == (200 if proof["document"]["queries"][0]["suffices"] else 400)


def test_a_proof_is_there_when_all_that_is_asked_is(
    opened: Opened, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill before leaves nothing that is listed, or stays."""
    place = opened.run.path / "proofs"
    listed = client.get("/api/proofs").json()["proofs"]
    before = sorted(one.name for one in place.iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(ProofFolder, "write_state", Mock(side_effect=OSError(28, "full")))
        with pytest.raises(OSError, match="full"):
            client.post("/api/proofs", json=ASKED)
    assert sorted(one.name for one in place.iterdir()) == before
    strays = [place / ".0099.671.tmp", *(place / name / ".state.json.671.tmp" for name in before)]
    for stray in strays:
        stray.mkdir()
    assert client.get("/api/proofs").json()["proofs"] == listed
    assert not any(stray.exists() for stray in strays)


def test_what_a_page_may_not_ask_is_refused(opened: Opened, client: TestClient) -> None:
    assert client.post("/api/proofs/plan", json={**ASKED, "without": ["stop"]}).status_code == 200
    ways = [one["name"] for one in client.get("/api/proofs").json()["ways"]]
    assert ways == ["own"]
    for more, said in (
        ({"trains": "command"}, "can't be trained by 'command'"),
        ({"questions": []}, "there is no question"),
        ({"questions": [{"row": 100_000}]}, "the index has no row 100000"),
        ({"questions": [{"text": TEXT, "label": "nonsense"}]}, "there is no label 'nonsense'"),
    ):
        answer = client.post("/api/proofs/plan", json={**ASKED, **more})
        assert answer.status_code == 400
        assert said in answer.json()["error"]
    # What is not in the route's description, such as a command, is not read at all.
    sneaky = {**ASKED, "retrain": "touch /tmp/hacked", "command": ["sh"]}
    assert client.post("/api/proofs/plan", json=sneaky).status_code == 200
    for method, path in (("GET", "/api/proofs/999"), ("DELETE", "/api/proofs/999")):
        assert "there is no proof 999" in client.request(method, path).json()["error"]


def test_a_proof_that_fails_says_why_and_the_server_stays(
    opened: Opened, client: TestClient
) -> None:
    def broken(folder: ProofFolder, stop: Event) -> str:
        return "was ended by the signal SIGKILL"

    served = Opened(opened.index, opened.state, opened.moved)
    served.lasting["proofs"] = ProofQueue(served, broken)
    other = TestClient(application(served), base_url="http://127.0.0.1")
    proof = ended(other, other.post("/api/proofs", json=ASKED).json()["number"])
    assert proof["state"] == "failed"
    assert proof["error"] == "The proof's process was ended by the signal SIGKILL."
    # What trains is tried once more, from what is there.
    assert client.post(f"/api/proofs/{proof['number']}").status_code == 200
    assert ended(client, proof["number"])["state"] == "done"


SERVER = """
import sys
from threading import Event
from wordtrace.app.opened import Opened
from wordtrace.app.proof_folders import ProofFolder
from wordtrace.app.proof_queue import in_own_process
from pathlib import Path
index, run, folder = sys.argv[1:]
in_own_process(Opened.open(index, run))(ProofFolder(Path(folder)), Event())
"""

JOB = "import sys; from wordtrace.app.proof_job import main; main(*sys.argv[1:])"


def in_forked(places: tuple[Path, Path, Path], folder: ProofFolder, stop: Event) -> str:
    """Run a proof in a process that starts at once, and end it when it is stopped."""
    index, run, _ = places
    job = Forked(JOB, folder.path, index, run)
    wait_until(lambda: stop.is_set() or job.poll() is not None)
    job.kill()
    return "ended"


def test_a_server_that_is_killed_ends_its_proof_and_another_goes_on(opened: Opened) -> None:
    """The server's end ends the training process; a stop by its successor does, too."""
    served = Opened(opened.index, opened.state, opened.moved)
    waits = Event()
    served.lasting["proofs"] = ProofQueue(served, lambda folder, stop: str(waits.wait()))
    client = TestClient(application(served), base_url="http://127.0.0.1")
    asked = {**ASKED, "questions": [{"text": "profit of the bank"}], "repeats": 200}
    number = client.post("/api/proofs", json=asked).json()["number"]
    folder = folder_of(opened.run.path, number)
    places = (opened.index.folder.path, opened.run.path, folder.path)

    server = Forked(SERVER, *places)
    wait_until(lambda: folder.state()["trained"] > 0, server)
    assert folder.held()
    server.kill()
    wait_until(lambda: not folder.held())
    before = folder.state()

    successor = Opened(opened.index, opened.state, opened.moved)
    successor.lasting["proofs"] = ProofQueue(successor, partial(in_forked, places))
    client = TestClient(application(successor), base_url="http://127.0.0.1")
    assert client.get(f"/api/proofs/{number}").json()["state"] == "interrupted"
    assert client.post(f"/api/proofs/{number}").json()["state"] in ("waiting", "running")
    wait_until(lambda: folder.state()["trained"] > 0)
    with Ledger(opened.run.path / LEDGER) as ledger:
        assert len(ledger) > 0
    assert folder.state()["most"] <= before["most"] - before["trained"]
    assert client.delete(f"/api/proofs/{number}").json()["stopping"]
    assert ended(client, number)["state"] == "stopped"
    assert not folder.held()
    refused = client.delete(f"/api/proofs/{number}")
    assert "can't be stopped: it does not run" in refused.json()["error"]
    waits.set()
