"""From a question to a verdict on the page."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.patience import PATIENCE
from wordtrace import api
from wordtrace.app.opened import Opened
from wordtrace.app.proof_folders import ProofFolder
from wordtrace.app.proof_job import work
from wordtrace.app.proof_queue import ProofQueue

TEXT = "the striker and the coach win a match . the market of <b>shares</b>"


@pytest.fixture(scope="module")
def gate() -> Event:
    """Is set when the proof may begin."""
    return Event()


@pytest.fixture(scope="module")
def opened(
    index_copy: Path, run: api.Run, gate: Event, tmp_path_factory: pytest.TempPathFactory
) -> Opened:
    own = Path(shutil.copytree(run.path, tmp_path_factory.mktemp("runs") / "toy"))
    found = Opened.open(index_copy, own)

    def here(folder: ProofFolder, stop: Event) -> str:
        gate.wait()
        work(folder, found.index, None)
        return "ended"

    found.lasting["proofs"] = ProofQueue(found, here)
    return found


def test_from_a_question_to_a_verdict_with_a_reload_on_the_way(page: Any, gate: Event) -> None:
    page.set_default_timeout(1000 * PATIENCE)
    page.goto("/prove")
    page.get_by_label("Text", exact=True).fill(TEXT)
    page.locator("label", has_text="as predicted").locator("select").select_option("money")
    page.get_by_label("How many rows").fill("3")
    page.get_by_text("How thoroughly").click()
    page.get_by_label("Seeds").fill("2")
    page.get_by_text("8 models to train").wait_for()
    page.reload()  # the address holds what was asked
    page.get_by_text("8 models to train").wait_for()
    assert page.get_by_label("Text", exact=True).input_value() == TEXT
    page.get_by_role("button", name="Start").click()
    page.get_by_role("progressbar").wait_for()
    page.reload()
    page.get_by_role("button", name="Stop").wait_for()
    gate.set()
    page.get_by_text("Effect ").first.wait_for()
    assert page.locator("svg[role=img]").count() == 1
    assert page.locator("main b").get_by_text("shares").count() == 0  # text is never markup
    page.get_by_role("link", name="all proofs").click()
    page.get_by_role("link", name="Without the 3 strongest opponents").wait_for()
