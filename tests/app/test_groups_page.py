"""The view of groups in a browser, as its user goes through it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import wordtrace as wt
from wordtrace import api
from wordtrace.app.opened import Opened

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)> the striker wins the cup and the league says so today"


@pytest.fixture(scope="module")
def index_copy(run: api.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the toy rows, with a pair of hostile texts whose labels differ."""
    names = run.label_names
    added = [
        {"id": "<b>one</b>", "text": HOSTILE, "label": names[0]},
        {"id": "two", "text": HOSTILE.replace("today", "again"), "label": names[0]},
        {"id": "three", "text": HOSTILE.replace("so today", "so"), "label": names[1]},
    ]
    index = wt.build_index(run, tmp_path_factory.mktemp("served") / "index", top_k=4, workers=1)
    return index.add(added, workers=1).folder.path


def test_copies_are_seen_settled_and_undone(page: Any, opened: Opened) -> None:
    page.goto("/groups")
    card = page.locator(".groups-card").first
    card.wait_for()
    assert "3 rows, nearly the same text" in card.inner_text()
    assert "<img src=x onerror=alert(1)>" in card.inner_text()
    assert card.locator("mark").all_inner_texts() == ["today", "again", "today"][:2]
    wanted = opened.run.label_names[0]
    card.get_by_role("button", name=f"Give all the label {wanted}").click()
    status = page.get_by_role("status").filter(has_text="Undo")
    status.wait_for()
    assert f"One row relabelled to {wanted}." in status.inner_text()
    assert opened.review.decision("three").label == wanted
    card.locator(".groups-row.is-relabel").wait_for()
    status.get_by_role("button", name="Undo").click()
    card.locator(".groups-row.is-relabel").wait_for(state="detached")
    assert opened.review.decision("three") is None
    card.get_by_role("button", name="Remove all but one").click()
    page.get_by_text("2 rows removed.").wait_for()
    assert {opened.review.decision(id).action for id in ("two", "three")} == {"remove"}
    # What was decided stands there when the page is opened again, at the same address.
    page.get_by_role("button", name="Labels differ 1").click()
    page.wait_for_url("**/groups?labels=differ")
    page.reload()
    page.locator(".groups-row.is-remove").nth(1).wait_for()
    assert page.locator(".groups-card").count() == 1
    page.get_by_role("link", name="Why? Row two").click()
    page.wait_for_url("**/why?row=*")


def test_the_other_kinds_of_groups_are_a_click_away(page: Any, opened: Opened) -> None:
    page.goto("/groups")
    page.get_by_role("link", name="Outliers").click()
    page.wait_for_url("**/groups?tab=outliers")
    first = page.locator(".groups-card").first
    first.wait_for()
    strangest = opened.index.outliers(top=1).rows[0]
    assert strangest.reasons[0] in first.inner_text()
    first.get_by_role("button", name="Keep", exact=True).press("Enter")
    page.get_by_text("One row kept.").wait_for()
    assert opened.review.decision(strangest.id).action == "keep"
    page.get_by_role("link", name="Mistakes").click()
    page.get_by_text("training rows the model says another label").wait_for()


@pytest.mark.parametrize(("name", "said"), [("AbortError", "AbortError"), ("TypeError", "Error")])
def test_an_answer_that_stops_on_its_way_is_none(page: Any, name: str, said: str) -> None:
    """Who left the page asks for it no more; whoever stayed is told that it was cut off."""
    page.goto("/groups")
    found = page.evaluate(
        """async (name) => {
          const { get } = await import("/static/api.js"), real = window.fetch;
          const json = () => Promise.reject(new DOMException("on its way", name));
          window.fetch = async () => ({ ok: true, status: 200, headers: new Headers(), json });
          try {
            return await get("/anything");
          } catch (error) {
            return error.name;
          } finally {
            window.fetch = real;
          }
        }""",
        name,
    )
    assert found == said
